"""Signing in, enrolling, and who one is."""

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from server.models import Role
from server.push import Kind
from server.schemas.fields import Body, Choice, Instant, WallTime, language_tag, secret, text

NEEDED = "Missing data for required field."
STRANGE = "Unknown field."


class EnrollmentIn(Body):
    code = text(40, required=True, metadata={"example": "7K4M-QXW2-9TFB"})
    password = secret(required=True)
    device = text(100, required=True, metadata={"description": "What the patient calls this phone."})
    zone = text(64, required=True, metadata={"example": "America/New_York"})


class SignInIn(Body):
    email = text(254)
    code = text(40)
    password = secret(required=True)
    device = text(100, metadata={"description": "What its owner calls this device."})
    mfa_code = text(40, metadata={"description": "Of the second step, for members who have one; or a recovery code."})

    @validates_schema(skip_on_field_errors=True)
    def one_name(self, said: dict[str, Any], **_: Any) -> None:
        if ("email" in said) == ("code" in said):
            raise ValidationError("Give an email (members) or a code (patients).")


class TokensOut(Body):
    access_token = fields.String(required=True)
    refresh_token = fields.String(required=True)
    expires_in = fields.Integer(required=True, metadata={"description": "Seconds until the access token ends."})


class PasswordIn(Body):
    password = secret(required=True)
    new_password = secret(required=True)


class ResetIn(Body):
    email = text(254, required=True)


class ResetAsked(Body):
    detail = fields.String(required=True)


class ResetRedeemIn(Body):
    token = text(64, required=True, metadata={"description": "What the mailed link ends with."})
    password = secret(required=True)


class MfaIn(Body):
    password = secret(required=True)


class MfaOut(Body):
    secret = fields.String(required=True, metadata={"description": "To type into an app, in base 32. Shown this once."})
    uri = fields.String(required=True, metadata={"description": "The same for an app that reads it as a QR code."})


class MfaConfirmIn(Body):
    mfa_code = text(40, required=True, metadata={"example": "492039"})


class MfaRemoveIn(Body):
    password = secret(required=True)
    mfa_code = text(40, required=True, metadata={"description": "Of the app, or a recovery code."})


class MfaConfirmed(TokensOut):
    recovery_codes = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Each stands in for the app once. Shown this once."},
    )


class DeviceOut(Body):
    id = fields.UUID(required=True)
    device = fields.String(required=True, allow_none=True, metadata={"description": "What its owner calls it."})
    signed_in_at = Instant(required=True)
    last_used_at = Instant(required=True, metadata={"description": "To the quarter of an hour."})
    current = fields.Boolean(required=True, metadata={"description": "Whether it is the one that asks."})


class DeviceList(Body):
    items = fields.List(fields.Nested(DeviceOut), required=True)


class EnrollmentOut(TokensOut):
    code = fields.String(required=True, metadata={"description": "What the patient signs in with from now on."})


class MeOut(Body):
    id = fields.UUID(required=True)
    role = Choice(Role, required=True)
    clinic = fields.String(required=True)
    name = fields.String(metadata={"description": "Members only."})
    email = fields.String(metadata={"description": "Members only."})
    mfa = fields.Boolean(metadata={"description": "Members only: whether there is a second step."})
    code = fields.String(metadata={"description": "Patients only."})
    zone = fields.String(required=True)
    language = fields.String(metadata={"description": "Patients only."})
    region = fields.String(metadata={"description": "Patients only."})
    reminder_time = WallTime(allow_none=True, metadata={"description": "Patients only; null: no reminders."})


class MeIn(Body):
    zone = text(64)
    language = language_tag()
    reminder_time = WallTime(
        allow_none=True,
        metadata={"description": "By the patient's own clock; null: no reminders. None comes once the day is done."},
    )


class PushKeys(Body):
    p256dh = text(200, required=True)
    auth = text(100, required=True)


class PushIn(Body):
    kind = Choice(Kind, required=True)
    endpoint = text(2000, metadata={"description": "web_push: of the browser's PushSubscription."})
    keys = fields.Nested(PushKeys, metadata={"description": "web_push: of the same, in base64url."})
    token = text(4096, metadata={"description": "fcm: the app's registration token."})

    @validates_schema(skip_on_field_errors=True)
    def whole(self, said: dict[str, Any], **_: Any) -> None:
        needed = {"token"} if said["kind"] is Kind.FCM else {"endpoint", "keys"}
        lacking, strange = needed - said.keys(), said.keys() - needed - {"kind"}
        if lacking or strange:
            raise ValidationError({name: [NEEDED] for name in lacking} | {name: [STRANGE] for name in strange})


class PushOut(Body):
    web_push_key = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "What a browser subscribes with (applicationServerKey); null: no Web Push here."},
    )
    fcm = fields.Boolean(required=True, metadata={"description": "Whether Firebase is used here."})
    kind = Choice(Kind, required=True, allow_none=True, metadata={"description": "What this device gave, if anything."})
    given_at = Instant(required=True, allow_none=True)
