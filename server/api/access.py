"""Enrolling, signing in and out, and one's own profile, password and devices."""

import uuid
from typing import Any

from werkzeug.exceptions import Unauthorized

from server.api.blueprint import Routes
from server.api.conditional import conditional
from server.api.guard import EVERYONE, caller, presented_token, public, requires
from server.api.tokens import issue, lasting
from server.extensions import db, now
from server.models import Action, Ended, Role
from server.origin import give_mark, origin
from server.schemas.accounts import (
    DeviceList,
    EnrollmentIn,
    EnrollmentOut,
    MeIn,
    MeOut,
    PasswordIn,
    SignInIn,
    TokensOut,
)
from server.services import audit, identities, patients, profiles, sign_ins
from server.services.second_factor import check_second_factor
from server.services.throttle import Scope, code_account, count_attempt, count_own, email_account, new_mark

routes = Routes("access", __name__, url_prefix="/v1", description="Who is asking")


@routes.post("/enrollments")
@public
@routes.arguments(EnrollmentIn)
@routes.response(201, EnrollmentOut)
@routes.alt_response(429, "too-many-requests")
def enroll(said: dict[str, Any]) -> Any:
    """Redeem an invite code: the phone sets its password and is signed in.

    Keep the cookie that is set (`known_device`, over https `__Host-known_device`), here and at a sign-in: attempts of
    others then never hold this phone up.
    """
    count_attempt(Scope.ENROLMENT, code_account(said["code"]), origin(), now())
    patient = patients.redeem_invite(**said, now=now())
    identity = identities.of_patient(patient)
    given = sign_ins.begin(identity, said["device"], lasting(), now())
    audit.record(Action.ENROLLED, identity, patient.id)
    db.session.commit()
    give_mark(new_mark(code_account(patient.code)))
    return {**issue(given), "code": patient.code}


@routes.post("/tokens")
@public
@routes.arguments(SignInIn)
@routes.response(201, TokensOut)
@routes.alt_response(401, "sign-in-failed")
@routes.alt_response(429, "too-many-requests")
def sign_in(said: dict[str, Any]) -> Any:
    """Sign in with an email (members) or a code (patients), and a password.

    A member who has a second step is answered mfa-required until a code comes with the password. One who must have
    it and has not may only set it up: everything else is answered mfa-enrolment-required.
    """
    if "email" in said:
        account = email_account(said["email"])
        identity = identities.sign_in_member(said["email"], said["password"], origin(), now())
        check_second_factor(identity.id, said.get("mfa_code"), now())
    else:
        account = code_account(said["code"])
        identity = identities.sign_in_patient(said["code"], said["password"], origin(), now())
    given = sign_ins.begin(identity, said.get("device"), lasting(), now())
    audit.record(Action.SIGN_IN, identity)
    db.session.commit()
    give_mark(new_mark(account))
    return issue(given)


@routes.post("/tokens/refresh")
@requires(*EVERYONE, refresh=True)
@routes.response(201, TokensOut)
def refresh() -> Any:
    """New tokens for a refresh token, which goes in the Authorization header and works once.

    When the answer is lost, the same token may come once more within a minute, as long as nothing of that answer was
    used; what that answer held is then void. Any other second use is taken for theft: this device is signed out,
    whoever holds its tokens. So refresh one at a time.
    """
    count_own(Scope.REFRESH, presented_token().sign_in_id, now())
    given = sign_ins.rotate(presented_token(), lasting(), now())
    # Also when there is nothing to give: a sign-in that was ended stays ended.
    db.session.commit()
    if given is None:
        raise Unauthorized
    return issue(given)


@routes.delete("/tokens/current")
@requires(*EVERYONE, enrolling=True)
@routes.response(204)
def sign_out() -> Any:
    """Sign this device out."""
    sign_ins.sign_out(caller(), Ended.SIGNED_OUT, now())
    db.session.commit()


@routes.delete("/tokens")
@requires(*EVERYONE)
@routes.response(204)
def sign_out_everywhere() -> Any:
    """Every token given out so far stops working."""
    sign_ins.end_all(identities.account_of(caller()), Ended.SIGNED_OUT_EVERYWHERE, now())
    audit.record(Action.SIGN_OUT_EVERYWHERE, caller())
    db.session.commit()


@routes.get("/me")
@requires(*EVERYONE, enrolling=True)
@conditional
@routes.response(200, MeOut)
def me() -> Any:
    """The account that is signed in."""
    return profiles.profile(caller())


@routes.patch("/me")
@requires(Role.PATIENT)
@routes.arguments(MeIn)
@routes.response(200, MeOut)
def change_me(said: dict[str, Any]) -> Any:
    """Change one's own zone, language or reminder time."""
    profiles.change_own(caller(), said, now())
    db.session.commit()
    return profiles.profile(caller())


@routes.post("/me/password")
@requires(*EVERYONE)
@routes.arguments(PasswordIn)
@routes.response(201, TokensOut)
@routes.alt_response(409, "conflict")
def change_password(said: dict[str, Any]) -> Any:
    """A new password, and new tokens for this device; every other device is signed out."""
    count_own(Scope.PASSWORD, presented_token().sign_in_id, now())
    given = profiles.change_password(caller(), **said, lasting=lasting(), now=now())
    audit.record(Action.PASSWORD_CHANGED, caller())
    db.session.commit()
    return issue(given)


@routes.get("/me/devices")
@requires(*EVERYONE)
@routes.response(200, DeviceList)
def list_devices() -> Any:
    """Where this account is signed in, the last used first."""
    return {"items": sign_ins.devices(caller(), now())}


@routes.delete("/me/devices/<uuid:device_id>")
@requires(*EVERYONE)
@routes.response(204)
@routes.alt_response(404, "not-found")
def revoke_device(device_id: uuid.UUID) -> Any:
    """Sign one of one's own devices out, such as a phone that was lost."""
    sign_ins.revoke(caller(), device_id, now())
    db.session.commit()
