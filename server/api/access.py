"""Enrolling, signing in, and one's own profile."""

from typing import Any

from server.api.blueprint import Routes
from server.api.guard import EVERYONE, caller, public, requires
from server.api.tokens import issue
from server.extensions import db, now
from server.models import Role
from server.schemas.accounts import EnrollmentIn, EnrollmentOut, MeIn, MeOut, SignInIn, TokensOut
from server.services import identities, patients, profiles

routes = Routes("access", __name__, url_prefix="/v1", description="Who is asking")


@routes.post("/enrollments")
@public
@routes.arguments(EnrollmentIn)
@routes.response(201, EnrollmentOut)
def enroll(said: dict[str, Any]) -> Any:
    """Redeem an invite code: the phone sets its password and is signed in."""
    patient = patients.redeem_invite(**said, now=now())
    tokens = issue(identities.of_patient(patient))
    db.session.commit()
    return {**tokens, "code": patient.code}


@routes.post("/tokens")
@public
@routes.arguments(SignInIn)
@routes.response(201, TokensOut)
@routes.alt_response(401, "sign-in-failed")
def sign_in(said: dict[str, Any]) -> Any:
    """Sign in with an email (members) or a code (patients), and a password."""
    if "email" in said:
        return issue(identities.sign_in_member(said["email"], said["password"]))
    return issue(identities.sign_in_patient(said["code"], said["password"]))


@routes.post("/tokens/refresh")
@requires(*EVERYONE, refresh=True)
@routes.response(201, TokensOut)
def refresh() -> Any:
    """New tokens for a refresh token, which goes in the Authorization header."""
    return issue(caller())


@routes.delete("/tokens")
@requires(*EVERYONE)
@routes.response(204)
def sign_out_everywhere() -> Any:
    """Every token given out so far stops working."""
    identities.sign_out_everywhere(caller())
    db.session.commit()


@routes.get("/me")
@requires(*EVERYONE)
@routes.response(200, MeOut)
def me() -> Any:
    """The account that is signed in."""
    return profiles.profile(caller())


@routes.patch("/me")
@requires(Role.PATIENT)
@routes.arguments(MeIn)
@routes.response(200, MeOut)
def change_me(said: dict[str, Any]) -> Any:
    """Change one's own zone or language."""
    profiles.change_own(caller(), said, now())
    db.session.commit()
    return profiles.profile(caller())
