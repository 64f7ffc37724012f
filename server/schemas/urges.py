"""Urges in and out."""

from typing import Any

from marshmallow import fields, validates_schema

from server.models import Answer
from server.schemas.check_ins import TRIGGERS, Reviewed, Support, each_once, several
from server.schemas.fields import Body, Choice, Instant, Rating, text


class UrgeBody(Body):
    recorded_at = Instant(required=True)
    zone = text(64, required=True, metadata={"example": "America/New_York"})
    craving = Rating(required=True, metadata={"description": "How strong it was, 0-10."})
    used = Choice(Answer, allow_none=True, metadata={"description": "Whether it was given in to; no: resisted."})
    triggers = several(TRIGGERS)
    note = text(2000, shortest=0, allow_none=True)


class UrgeIn(UrgeBody):
    @validates_schema(skip_on_field_errors=True)
    def each_once(self, said: dict[str, Any], **_: Any) -> None:
        each_once(said, "triggers")


class UrgeOut(UrgeBody):
    id = fields.UUID(required=True)
    received_at = Instant(required=True)
    day = fields.Date(required=True, metadata={"description": "The patient's local day that it belongs to."})
    version = fields.Integer(required=True, metadata={"description": "1, and one more with each edit."})
    etag = fields.String(required=True, metadata={"description": "For If-Match, when it is edited."})
    offset_known = fields.Boolean(
        required=True, metadata={"description": "False when the zone never has the offset that was sent."}
    )


class UrgeAnswer(UrgeOut):
    support = Reviewed(Support, required=True)


class UrgeList(Body):
    items = fields.List(fields.Nested(UrgeOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class EarlierUrge(UrgeBody):
    """What an urge said before an edit."""

    version = fields.Integer(required=True)
    day = fields.Date(required=True)
    received_at = Instant(required=True, metadata={"description": "When this version came."})
    replaced_at = Instant(required=True)


class EarlierUrgeList(Body):
    items = fields.List(fields.Nested(EarlierUrge), required=True)
