"""`requires`: who may call a route. It enforces, and the same line writes it into openapi.yaml."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

from flask import g, request
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from werkzeug.exceptions import Forbidden, HTTPException, Unauthorized

from server.api.tokens import presented
from server.errors import MfaEnrolmentRequired
from server.extensions import db, now
from server.models import Action, Role
from server.origin import origin
from server.pace import keep_pace
from server.services import sign_ins
from server.services.audit import opened
from server.services.holding import Held, hold
from server.services.identities import Identity
from server.services.presenting import Presented
from server.services.throttle import Scope, count_attempt

View = TypeVar("View", bound=Callable[..., Any])

CARE = (Role.CLINICIAN, Role.ADMIN)
MEMBERS = (Role.CLINICIAN, Role.COORDINATOR, Role.ADMIN)
EVERYONE = (Role.PATIENT, *MEMBERS)
READING = frozenset({"GET", "HEAD"})


def requires(
    *roles: Role, refresh: bool = False, enrolling: bool = False, holds: bool = False, audit: Action | None = None
) -> Callable[[View], View]:
    """The outermost decorator of a route, so that nothing of a stranger's request is read.

    `audit` is what staff do by it; the answer leaves after the event is committed, with all that it tells of.
    `enrolling`: also for a member who must set a second step up first, and may do little else.
    `holds`: a patient's row is held by the statement that lets the phone in; the view takes it by `held_patient`.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if refresh:
                g.presented = _renewing()
            else:
                g.presented = presented(refresh=False)
                g.caller = _admitted(patient_held=holds and _received())
                keep_pace()
            if g.presented.role not in roles:
                raise Forbidden
            if not refresh and not enrolling and g.must_enrol:
                raise MfaEnrolmentRequired("Set up a second step first: POST /v1/me/mfa.")
            if audit is None:
                with _still_there():
                    answer = view(*args, **kwargs)
                    _end_reading()
                return answer
            with opened(audit, g.caller, kwargs):
                answer = view(*args, **kwargs)
                db.session.commit()
            return answer

        guarded.roles, guarded.audits = roles, audit  # type: ignore[attr-defined]
        _document(guarded, roles)
        return cast(View, guarded)

    return decorate


def public(view: View) -> View:
    """A route that anybody may call: said, so that a forgotten guard is a failing test."""
    view.roles, view.audits = (), None  # type: ignore[attr-defined]
    return view


def caller() -> Identity:
    return cast(Identity, g.caller)


def presented_token() -> Presented:
    """What the token says. The service that takes a refresh token checks it, under the lock of its row."""
    return cast(Presented, g.presented)


def _renewing() -> Presented:
    """What the refresh token says. Guesses are counted, by address; a token of ours is no guess, wherever it is."""
    try:
        return presented(refresh=True)
    except Unauthorized:
        count_attempt(Scope.REFRESH, None, origin(), now())
        raise


def held_patient() -> Held:
    """The caller's row, for whoever takes what a phone reports. Asked for once: a commit or a rollback lets it go."""
    return g.pop("held", None) or hold(caller().id)


def _received() -> bool:
    """Whether the whole body is here, unread: nobody waits for a row while a slow phone sends. What is wrong with it
    is told in its turn.
    """
    try:
        request.get_data()
    except HTTPException:
        return False
    return True


def _admitted(*, patient_held: bool) -> Identity:
    """The account behind the access token. Whatever every request must pass is asked here."""
    admitted = sign_ins.admit(g.presented, now(), patient_held=patient_held)
    if admitted is None:
        raise Unauthorized
    g.must_enrol = admitted.must_enrol
    if admitted.noted:
        db.session.commit()
    g.account, g.own_language, g.held = admitted.account, admitted.language, admitted.held
    g.is_staff = admitted.identity.role is not Role.PATIENT
    return admitted.identity


def _end_reading() -> None:
    """What was only read ends with a commit, too: at each rollback psycopg has the server forget every statement that
    was prepared on the connection, and the next request would have all of its own planned anew.
    """
    if request.method in READING:
        db.session.commit()


@contextmanager
def _still_there() -> Iterator[None]:
    """Whoever was erased while the request ran is not signed in, whatever the request then stumbled over."""
    try:
        yield
    except (InvalidRequestError, IntegrityError) as error:
        db.session.rollback()
        if "caller" in g and sign_ins.admit(g.presented, now()) is None:
            raise Unauthorized from error
        raise


def _document(view: Any, roles: tuple[Role, ...]) -> None:
    view._apidoc = {  # noqa: SLF001  # where flask-smorest keeps what its own decorators say
        **getattr(view, "_apidoc", {}),
        "manual_doc": {
            "security": [{"bearer": []}],
            "x-roles": [str(role) for role in roles],
            "responses": {
                401: {"$ref": "#/components/responses/not-signed-in"},
                403: {"$ref": "#/components/responses/forbidden"},
                429: {"$ref": "#/components/responses/too-many-requests"},
            },
        },
    }
