"""Check-ins in and out, and the home screen."""

from functools import cache
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from server.languages import language
from server.models import Answer, SessionState
from server.schemas.fields import Body, Choice, Instant, Rating, Rows, Said, WallTime, text

SUBSTANCES = (
    "nicotine",
    "alcohol",
    "cannabis",
    "cocaine",
    "methamphetamine",
    "opioids",
    "benzodiazepines",
    "other",
)
TRIGGERS = (
    "stress",
    "people",
    "places",
    "boredom",
    "loneliness",
    "conflict",
    "pain",
    "celebration",
    "withdrawal",
    "low_mood",
    "other",
)


def several(allowed: tuple[str, ...]) -> fields.List[str]:
    return fields.List(
        fields.String(validate=validate.OneOf(allowed)),
        validate=validate.Length(max=len(allowed)),
        metadata={"uniqueItems": True},
    )


def each_once(said: dict[str, Any], *names: str) -> None:
    for name in names:
        if len(set(said.get(name, ()))) != len(said.get(name, ())):
            raise ValidationError("Each may be named once.", name)


class CheckInBody(Body):
    recorded_at = Instant(required=True)
    zone = text(64, required=True, metadata={"example": "America/New_York"})
    form_version = text(32, required=True, metadata={"example": "1"})
    craving = Rating(allow_none=True, metadata={"description": "Strongest craving, 0-10; higher is worse."})
    mood = Rating(allow_none=True, metadata={"description": "0-10; higher is better."})
    sleep_quality = Rating(allow_none=True)
    stress = Rating(allow_none=True)
    confidence = Rating(allow_none=True, metadata={"description": "Confidence to stay off, 0-10."})
    used = Choice(Answer, allow_none=True)
    substances = several(SUBSTANCES)
    medication_taken = Choice(Answer, allow_none=True)
    triggers = several(TRIGGERS)
    self_harm_thoughts = Choice(Answer, allow_none=True)
    note = text(2000, shortest=0, allow_none=True)

    class Meta:
        unknown = "raise"
        ordered = True


class CheckInIn(CheckInBody):
    @validates_schema(skip_on_field_errors=True)
    def says_something(self, said: dict[str, Any], **_: Any) -> None:
        if said.get("craving") is None and said.get("mood") is None:
            raise ValidationError("A check-in has at least one of craving and mood.")
        each_once(said, "substances", "triggers")


class CheckInOut(CheckInBody):
    id = fields.UUID(required=True)
    received_at = Instant(required=True)
    day = fields.Date(required=True, metadata={"description": "The patient's local day that it belongs to."})
    version = fields.Integer(required=True, metadata={"description": "1, and one more with each edit."})
    etag = fields.String(required=True, metadata={"description": "For If-Match, when it is edited."})
    counts = fields.Boolean(
        required=True, metadata={"description": "Whether this is the report that counts for its day."}
    )
    offset_known = fields.Boolean(
        required=True, metadata={"description": "False when the zone never has the offset that was sent."}
    )


class CrisisLine(Body):
    name = Said(required=True)
    phone = fields.String(required=True)


class Support(Body):
    version = fields.String(required=True)
    reviewed_on = fields.Date(required=True)
    notice = Said(required=True)
    lines = fields.List(fields.Nested(CrisisLine), required=True)


class Reviewed(fields.Nested):
    """What people reviewed, and what changes by a release alone: said once in each language."""

    def _serialize(self, nested_obj: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]  # as Nested's own
        return _said(self.schema, nested_obj, language())


@cache
def _said(schema: Schema, reviewed: object, _in: str) -> Any:
    return schema.dump(reviewed)


class CheckInAnswer(CheckInOut):
    counting_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The check-in that counts for this day."}
    )
    support = Reviewed(Support, required=True)


class EarlierCheckIn(CheckInBody):
    """What a check-in said before an edit."""

    version = fields.Integer(required=True)
    day = fields.Date(required=True)
    received_at = Instant(required=True, metadata={"description": "When this version came."})
    replaced_at = Instant(required=True)


class EarlierCheckInList(Body):
    items = fields.List(fields.Nested(EarlierCheckIn), required=True)


class CheckInList(Body):
    items = fields.List(fields.Nested(CheckInOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class NextSession(Body):
    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    of = fields.Integer(required=True, metadata={"description": "How many the course has."})
    starts_at = Instant(required=True)
    state = Choice(SessionState, required=True)


class DayOut(Body):
    day = fields.Date(required=True)
    done = fields.Boolean(required=True)
    cut_short = fields.Boolean(
        required=True,
        metadata={"description": "Travel took 4 waking hours or more: no check-in on it breaks no streak."},
    )
    craving = Rating(allow_none=True, required=True)
    mood = Rating(allow_none=True, required=True)


class ReminderOut(Body):
    time = WallTime(required=True, allow_none=True, metadata={"description": "null: no reminders."})
    next_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "The next instant of that time; nothing comes on a day that is done."},
    )


class TodayOut(Body):
    day = fields.Date(required=True)
    day_ends_at = Instant(required=True)
    check_in = fields.String(
        required=True,
        validate=validate.OneOf(("due", "done", "off")),
        metadata={"description": "off: participation is withdrawn; POST /v1/consents grants it again."},
    )
    streak = fields.Integer(
        required=True, metadata={"description": "Days in a row with a check-in; days cut short are passed over."}
    )
    next_session = fields.Nested(NextSession, required=True, allow_none=True)
    reminders = fields.Nested(ReminderOut, required=True)
    last_days = Rows(DayOut, required=True, metadata={"description": "The last 14 days."})
    support = Reviewed(Support, required=True)
