"""A member's second step: set up, confirmed, removed."""

from typing import Any

from server.api.blueprint import Routes
from server.api.guard import MEMBERS, caller, presented_token, requires
from server.api.tokens import issue, lasting
from server.extensions import db, now
from server.models import Action
from server.schemas.accounts import MfaConfirmed, MfaConfirmIn, MfaIn, MfaOut, MfaRemoveIn
from server.services import audit, second_factor
from server.services.throttle import Scope, count_own

routes = Routes("second_factor", __name__, url_prefix="/v1", description="A member's second step")


@routes.post("/me/mfa")
@requires(*MEMBERS, enrolling=True)
@routes.arguments(MfaIn)
@routes.response(201, MfaOut)
@routes.alt_response(409, "conflict")
def begin(said: dict[str, Any]) -> Any:
    """A secret for an authenticator app (TOTP: SHA-1, 6 digits, 30 seconds); nothing changes until it is confirmed."""
    count_own(Scope.PASSWORD, presented_token().sign_in_id, now())
    made = second_factor.begin_enrolment(caller(), **said)
    db.session.commit()
    return made


@routes.post("/me/mfa/confirm")
@requires(*MEMBERS, enrolling=True)
@routes.arguments(MfaConfirmIn)
@routes.response(201, MfaConfirmed)
@routes.alt_response(409, "conflict")
def confirm(said: dict[str, Any]) -> Any:
    """With a code of the app: each sign-in asks for one from now on, and every other device is signed out."""
    count_own(Scope.PASSWORD, presented_token().sign_in_id, now())
    given, codes = second_factor.confirm_enrolment(caller(), said["mfa_code"], lasting(), now())
    audit.record(Action.SECOND_STEP_SET_UP, caller())
    db.session.commit()
    return {**issue(given), "recovery_codes": codes}


@routes.delete("/me/mfa")
@requires(*MEMBERS)
@routes.arguments(MfaRemoveIn)
@routes.response(204)
@routes.alt_response(409, "conflict")
def remove(said: dict[str, Any]) -> Any:
    """Remove it, as before a new phone. Where one is required, only setting up another is possible then."""
    count_own(Scope.PASSWORD, presented_token().sign_in_id, now())
    second_factor.remove(caller(), said["password"], said["mfa_code"], now())
    audit.record(Action.SECOND_STEP_REMOVED, caller())
    db.session.commit()
