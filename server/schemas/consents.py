"""Consents, the words that are agreed to, and the ledger of what went outside."""

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from server.models import ConsentKind, EndedHow, Purpose, What
from server.schemas.fields import Body, Choice, Day, Instant, email_address, text
from server.trends import Severity

OF_A_DISCLOSURE = ("purpose", "what", "recipient_name", "recipient_email", "expires_on")


class WordingOut(Body):
    kind = Choice(ConsentKind, required=True)
    version = fields.String(required=True)
    text = fields.String(required=True)


class WordingList(Body):
    items = fields.List(fields.Nested(WordingOut), required=True)


class ConsentIn(Body):
    kind = Choice(ConsentKind, required=True)
    wording = text(32, required=True, metadata={"description": "The version that was shown: GET /v1/wordings."})
    purpose = Choice(Purpose, metadata={"description": "This and what follows: of a disclosure only, and all of it."})
    what = Choice(What)
    recipient_name = text(200, metadata={"example": "Dr. Gray, my family doctor"})
    recipient_email = email_address()
    expires_on = Day(metadata={"description": "The last day on which it holds, two years from now at most."})

    @validates_schema(skip_on_field_errors=True)
    def fits_its_kind(self, said: dict[str, Any], **_: Any) -> None:
        wanted = said["kind"] is ConsentKind.DISCLOSURE
        for name in OF_A_DISCLOSURE:
            if (name in said) is not wanted:
                raise ValidationError("A disclosure needs it." if wanted else "Participation has none.", name)
        if wanted and said["purpose"] is Purpose.MONITORING:
            raise ValidationError("This is the purpose of participation.", "purpose")
        if wanted and said["what"] is What.CHECK_INS:
            raise ValidationError("Check-ins are not sent to anybody.", "what")


class ConsentOut(Body):
    id = fields.UUID(required=True)
    kind = Choice(ConsentKind, required=True)
    purpose = Choice(Purpose, required=True)
    what = Choice(What, required=True)
    recipient_name = fields.String(required=True, allow_none=True)
    recipient_email = fields.String(required=True, allow_none=True)
    reference = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "All that a mail to the recipient says of whom it is about: the patient tells them."},
    )
    wording = fields.String(required=True)
    granted_at = Instant(required=True)
    expires_on = fields.Date(required=True, allow_none=True)
    withdrawn_at = Instant(required=True, allow_none=True)
    withdrawn_how = Choice(EndedHow, required=True, allow_none=True)


class ConsentList(Body):
    items = fields.List(fields.Nested(ConsentOut), required=True)


class DisclosureOut(Body):
    id = fields.UUID(required=True)
    at = Instant(required=True, metadata={"description": "When the recipient's mail server had taken it."})
    consent_id = fields.UUID(required=True)
    recipient_name = fields.String(required=True)
    recipient_email = fields.String(required=True)
    reference = fields.String(required=True)
    purpose = Choice(Purpose, required=True)
    what = Choice(What, required=True)
    severity = Choice(Severity, required=True)


class DisclosureList(Body):
    items = fields.List(fields.Nested(DisclosureOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
