"""The keys of what is sealed at rest: whether they are the right ones, and the index that finds a sealed text."""

import base64
import hashlib
import hmac
import json
import secrets

from sqlalchemy import Connection, select
from sqlalchemy.dialects.postgresql import insert

from server.extensions import db, keyring
from server.models import DataKey, IndexKey, hold_key
from server.sealing import KEY_BYTES, Keyring

ONLY = 1


def check_keys(connection: Connection, keys: Keyring) -> None:
    """Raises KeysLost unless these keys open all that the database knows to be sealed. A new database passes."""
    keys.verify({row.id: row.check_value for row in connection.execute(select(DataKey.id, DataKey.check_value))})


def index_of(column: str, text: str, *within: object) -> bytes:
    """HMAC-SHA-256 of a text in a column: equal for equal texts (of one clinic, say), and tells no more."""
    said = json.dumps([column, *map(str, within), text]).encode()
    return hmac.new(_index_secret(), said, hashlib.sha256).digest()


def email_index(address: str) -> bytes:
    """One person's address in any case is one address."""
    return index_of("member.email", address.strip().lower())


def _index_secret() -> bytes:
    """Kept sealed in the database, so that a rotation of the keys changes no index."""
    key = db.session.get(IndexKey, ONLY)
    if key is None:
        hold_key(db.session.connection(), keyring())
        secret = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        sealed = keyring().seal(secret, IndexKey.secret.place((ONLY,)))
        # Two that come first at once: one of them makes it.
        db.session.execute(insert(IndexKey).values(id=ONLY, secret_sealed=sealed).on_conflict_do_nothing())
        key = db.session.get_one(IndexKey, ONLY)
    return base64.b64decode(key.secret)
