"""A new password by mail, for members who forgot theirs."""

from typing import Any

from server.api.blueprint import Routes
from server.api.guard import public
from server.extensions import db, now
from server.origin import origin
from server.schemas.accounts import ResetAsked, ResetIn, ResetRedeemIn
from server.services import password_resets

routes = Routes("password_resets", __name__, url_prefix="/v1", description="A new password by mail")

ASKED = "If a member has this address, a link to a new password is on its way to it."


@routes.post("/password-resets")
@public
@routes.arguments(ResetIn)
@routes.response(202, ResetAsked)
@routes.alt_response(429, "too-many-requests")
def ask(said: dict[str, Any]) -> Any:
    """Ask for a link to a new password, which is mailed to the member who has this address, if there is one.

    The answer is the same for every address. Patients ask their clinic for a new invite.
    """
    password_resets.ask(said["email"], origin(), now())
    db.session.commit()
    return {"detail": ASKED}


@routes.post("/password-resets/redeem")
@public
@routes.arguments(ResetRedeemIn)
@routes.response(204)
@routes.alt_response(429, "too-many-requests")
def redeem(said: dict[str, Any]) -> Any:
    """Set the new password, with the token of the newest mail's link. All of the member's devices are signed out.

    Signing in asks for the second step as before.
    """
    password_resets.redeem(said["token"], said["password"], origin(), now())
    db.session.commit()
