"""The caseload: patients, invites, courses, sessions, members."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from server.models import Indication, Role, SessionState, Target, Weekday, ZoneFrom
from server.schemas.fields import (
    Body,
    Choice,
    Day,
    Instant,
    Text,
    TrueOrFalse,
    email_address,
    language_tag,
    secret,
    text,
    whole,
)

WORKS_HERE = (Role.CLINICIAN, Role.COORDINATOR, Role.ADMIN)


class PatientBody(Body):
    reference = text(64, allow_none=True, metadata={"description": "The clinic's own reference."})
    zone = text(64, metadata={"example": "America/New_York"})
    language = language_tag()
    region = Text(validate=validate.Regexp(r"^[A-Z]{2}(-[A-Z0-9]{1,3})?(?!\n)$"), metadata={"example": "US"})
    monitored_from = Day(allow_none=True)
    monitored_until = Day(allow_none=True)
    paused = TrueOrFalse()
    care_team = fields.List(
        fields.UUID(),
        validate=validate.Length(max=20),
        metadata={"description": "Clinicians, in the order that alerts go out."},
    )

    @validates_schema(skip_on_field_errors=True)
    def window(self, said: dict[str, Any], **_: Any) -> None:
        first, last = said.get("monitored_from"), said.get("monitored_until")
        if first and last and last < first:
            raise ValidationError("Monitoring cannot end before it begins.", "monitored_until")


class PatientQuery(Body):
    cursor = text(200, metadata={"description": "next_cursor of the page before."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))
    consent_reference = text(40, metadata={"description": "Of a consent, as a mail outside gives it."})


class PatientChange(PatientBody):
    active = TrueOrFalse(metadata={"description": "false signs the patient out, until it is true again."})


class PatientIn(PatientBody):
    zone = text(64, required=True, metadata={"example": "America/New_York"})
    language = language_tag(load_default="en")
    region = Text(
        load_default="US",
        validate=validate.Regexp(r"^[A-Z]{2}(-[A-Z0-9]{1,3})?(?!\n)$"),
        metadata={"example": "US"},
    )


class PatientOut(Body):
    id = fields.UUID(required=True)
    code = fields.String(required=True)
    reference = fields.String(required=True, allow_none=True)
    zone = fields.String(required=True)
    language = fields.String(required=True)
    region = fields.String(required=True)
    monitored_from = fields.Date(required=True, allow_none=True)
    monitored_until = fields.Date(required=True, allow_none=True)
    paused = fields.Boolean(required=True)
    withdrawn_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "Since when the patient takes no part: nobody assesses, no check-in is taken."},
    )
    active = fields.Boolean(required=True)
    enrolled = fields.Boolean(required=True)
    created_at = Instant(required=True)
    care_team = fields.List(fields.UUID(), required=True)


class PatientList(Body):
    items = fields.List(fields.Nested(PatientOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ZoneOut(Body):
    zone = fields.String(required=True)
    since = Instant(required=True, metadata={"description": "When we were told."})
    told_by = Choice(ZoneFrom, required=True, metadata={"description": "unknown: of before this history was kept."})
    member_id = fields.UUID(required=True, allow_none=True, metadata={"description": "Who of the clinic it was."})


class ZoneList(Body):
    items = fields.List(fields.Nested(ZoneOut), required=True)


class AdherenceOut(Body):
    first_day = fields.Date(required=True)
    last_day = fields.Date(required=True, metadata={"description": "Today, where the patient is."})
    checked_in = fields.List(fields.Date(), required=True, metadata={"description": "The days with a check-in."})


class InviteOut(Body):
    code = fields.String(required=True, metadata={"description": "Shown this once."})
    expires_at = Instant(required=True)


class CourseBody(Body):
    indication = Choice(Indication, required=True)
    target = Choice(Target, required=True)
    protocol = text(100, required=True, metadata={"example": "10 Hz, 3000 pulses"})
    planned_sessions = whole(1, 100, required=True)


class CourseIn(CourseBody):
    first_day = Day(required=True)
    starts_at = Text(
        load_default="09:00",
        validate=validate.Regexp(r"^([01]\d|2[0-3]):[0-5]\d(?!\n)$"),
        metadata={"description": "By the clinic's clock.", "example": "09:00"},
    )
    weekdays = fields.List(
        Choice(Weekday),
        load_default=list(Weekday)[:5],
        validate=validate.Length(min=1, max=7),
    )
    sessions_per_day = whole(1, 12, load_default=1)
    gap_minutes = whole(1, 240, load_default=60, metadata={"description": "Between sessions of one day."})

    @validates_schema(skip_on_field_errors=True)
    def one_day(self, said: dict[str, Any], **_: Any) -> None:
        hours, minutes = map(int, said["starts_at"].split(":"))
        if hours * 60 + minutes + (said["sessions_per_day"] - 1) * said["gap_minutes"] >= 24 * 60:
            raise ValidationError("The sessions of one day end after midnight.", "gap_minutes")


class CourseChange(Body):
    planned_sessions = whole(1, 100, required=True, metadata={"description": "As many as now, or fewer."})


class CourseOut(CourseBody):
    id = fields.UUID(required=True)
    created_at = Instant(required=True)


class CourseList(Body):
    items = fields.List(fields.Nested(CourseOut), required=True)


class SessionOut(Body):
    id = fields.UUID(required=True)
    course_id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    day = fields.Date(required=True)
    starts_at = Instant(required=True)
    state = Choice(SessionState, required=True)


class SessionList(Body):
    items = fields.List(fields.Nested(SessionOut), required=True)


class SessionIn(Body):
    state = Choice(SessionState)
    starts_at = Instant()


class MemberIn(Body):
    role = Choice(Role, required=True, validate=validate.OneOf(WORKS_HERE))
    name = text(200, required=True)
    email = email_address(required=True)
    password = secret(required=True)


class MemberChange(Body):
    role = Choice(Role, validate=validate.OneOf(WORKS_HERE))
    active = TrueOrFalse(metadata={"description": "false signs the member out, until it is true again."})
    email = email_address()


class MemberOut(Body):
    id = fields.UUID(required=True)
    role = Choice(Role, required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    active = fields.Boolean(required=True)
    bounced_at = Instant(
        required=True,
        allow_none=True,
        metadata={
            "description": "Since when mail to the address comes back; a new address, or the same again, mends it."
        },
    )


class MemberList(Body):
    items = fields.List(fields.Nested(MemberOut), required=True)
