"""How often a password, a code or a token may be tried. The counts are in the database, shared by every process.

docs/security.md says why nobody can lock anybody else out. What was tried is counted before anything else is done about
it, in a transaction of its own: whatever becomes of the request, it counts.
"""

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from server.errors import TooMany
from server.extensions import db, parts
from server.models import AttemptCount
from server.origin import Origin
from server.services.codes import normal_code

WINDOW = timedelta(minutes=15)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MARK_BYTES = 16


class Scope(StrEnum):
    """What is tried. Each is counted apart."""

    SIGN_IN = "sign_in"
    ENROLMENT = "enrolment"
    REFRESH = "refresh"
    PASSWORD = "password"  # noqa: S105  # one's own, asked for again  # nosec B105  # no secret
    RESET = "reset"
    EXPORT = "export"


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many in a quarter of an hour."""

    address: int
    """From one address, whatever the account: strangers only."""
    pair: int
    """From one address for one account; the same for a device that signed in to the account before."""
    calm: int
    """For one account, from all strangers together. Beyond it nobody is refused, but each address gets `wary`."""
    wary: int


ALLOWED: Mapping[Scope, Allowance] = {
    Scope.SIGN_IN: Allowance(address=100, pair=10, calm=50, wary=3),
    Scope.ENROLMENT: Allowance(address=100, pair=10, calm=50, wary=3),
    Scope.REFRESH: Allowance(address=300, pair=60, calm=300, wary=60),
    Scope.PASSWORD: Allowance(address=100, pair=10, calm=50, wary=3),
    Scope.RESET: Allowance(address=30, pair=5, calm=10, wary=2),
    Scope.EXPORT: Allowance(address=0, pair=5, calm=0, wary=0),
}


def email_account(email: str) -> str:
    """The name to count under, of whoever signs in with this address."""
    return f"email {email.strip().lower()}"


def code_account(code: str) -> str:
    return f"code {normal_code(code)}"


def count_attempt(scope: Scope, account: str | None, origin: Origin, now: datetime) -> None:
    """Call it before an attempt is looked at. `account` is what was typed, in its normal form, whether or not there is
    such an account; None when nothing says whose it is.

    Raises TooMany. Commits its own.
    """
    allowed = ALLOWED[scope]
    if account is not None and is_known(origin.mark, account):
        _check(_counted(scope, ("device", account, origin.mark), now), allowed.pair, now)
        return
    # First, and alone: an address that is past its allowance adds no more rows, whatever it types.
    _check(_counted(scope, ("address", origin.network), now), allowed.address, now)
    if account is not None:
        strangers = _counted(scope, ("account", account), now)
        pair = _counted(scope, ("pair", account, origin.network), now)
        _check(pair, allowed.pair if strangers <= allowed.calm else allowed.wary, now)


def count_own(scope: Scope, sign_in_id: uuid.UUID, now: datetime) -> None:
    """For what only a device that is signed in can try: where it is does not matter. Raises TooMany."""
    _check(_counted(scope, ("sign_in", str(sign_in_id)), now), ALLOWED[scope].pair, now)


def new_mark(account: str) -> str:
    """For a device that has just shown that the account is its own."""
    nonce = secrets.token_urlsafe(MARK_BYTES)
    return f"{nonce}.{_mac('mark', nonce, account).hex()}"


def is_known(mark: str, account: str) -> bool:
    nonce, _, mac = mark.partition(".")
    return hmac.compare_digest(mac.encode(errors="replace"), _mac("mark", nonce, account).hex().encode())


def forget_attempts(now: datetime) -> None:
    """The windows that are over."""
    over = delete(AttemptCount).where(AttemptCount.window_start <= now - WINDOW)
    db.session.execute(over.execution_options(synchronize_session=False))


def _counted(scope: Scope, key: tuple[str, ...], now: datetime) -> int:
    """This attempt counted in, committed: on a connection of its own, so that nothing else is."""
    one_more = (
        insert(AttemptCount)
        .values(scope=scope, key_hash=_mac(scope, *key), window_start=_window(now), count=1)
        .on_conflict_do_update(
            index_elements=["scope", "key_hash", "window_start"], set_={"count": AttemptCount.count + 1}
        )
        .returning(AttemptCount.count)
    )
    with db.engine.begin() as connection:
        return connection.execute(one_more).scalar_one()


def _check(count: int, allowed: int, now: datetime) -> None:
    if count > allowed:
        left = _window(now) + WINDOW - now
        raise TooMany(seconds=-(-left // timedelta(seconds=1)))


def _window(now: datetime) -> datetime:
    return EPOCH + (now - EPOCH) // WINDOW * WINDOW


def _mac(*said: str) -> bytes:
    """Under the key of the cookies: with another one, counting starts anew and devices are strangers once."""
    text = json.dumps(["interlude throttle", *said]).encode()
    return hmac.new(parts().settings.secret_key.encode(), text, hashlib.sha256).digest()
