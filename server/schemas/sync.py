"""What a phone sends when it is online again, and what it hears."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from server.schemas.check_ins import CheckInOut, Reviewed, Support
from server.schemas.fields import Body, WallTime, text
from server.schemas.patients import SessionOut
from server.schemas.urges import UrgeOut

AT_MOST = 100


class SyncItem(Body):
    kind = fields.String(required=True, validate=validate.OneOf(("check_in", "urge")))
    id = fields.UUID(required=True)
    if_match = text(100, metadata={"description": "For an edit: the ETag of the version that is edited."})
    content = fields.Dict(
        required=True,
        metadata={
            "description": "As the body of PUT /v1/check-ins/{id} or /v1/urges/{id}.",
            "anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("CheckInIn", "UrgeIn")],
        },
    )


class AsItCame(fields.Nested):
    """Described by its schema, and read one by one, so that one that cannot be read stops no other."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise ValidationError("Not an object.")
        return value


class SyncIn(Body):
    cursor = text(200, allow_none=True, metadata={"description": "Of the last answer; none at first."})
    items = fields.List(AsItCame(SyncItem), required=True, validate=validate.Length(max=AT_MOST))


class ItemProblem(Body):
    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    errors = fields.List(fields.Dict(), metadata={"description": "Pointers within the item."})


class ItemResult(Body):
    result = fields.String(
        required=True,
        validate=validate.OneOf(("stored", "superseded", "unchanged", "refused")),
        metadata={"description": "superseded: stored, and another check-in counts for its day."},
    )
    etag = fields.String(metadata={"description": "Of what is stored under this id now."})
    day = fields.Date()
    counting_id = fields.UUID(allow_none=True, metadata={"description": "The check-in that counts for this day."})
    problem = fields.Nested(ItemProblem)


class GoneOut(Body):
    kind = fields.String(required=True)
    id = fields.UUID(required=True)


class ProfileOut(Body):
    zone = fields.String(required=True)
    language = fields.String(required=True)
    region = fields.String(required=True)
    reminder_time = WallTime(required=True, allow_none=True)


class ChangesOut(Body):
    check_ins = fields.List(fields.Nested(CheckInOut), required=True)
    urges = fields.List(fields.Nested(UrgeOut), required=True)
    sessions = fields.List(fields.Nested(SessionOut), required=True)
    profile = fields.Nested(ProfileOut, required=True, allow_none=True)
    gone = fields.List(fields.Nested(GoneOut), required=True, metadata={"description": "Forget these."})


class SyncOut(Body):
    results = fields.List(fields.Nested(ItemResult), required=True, metadata={"description": "In the items' order."})
    changes = fields.Nested(
        ChangesOut, required=True, metadata={"description": "Since the cursor, but for what this call itself stored."}
    )
    cursor = fields.String(required=True)
    more = fields.Boolean(required=True, metadata={"description": "Ask again at once, with this cursor."})
    reset = fields.Boolean(
        required=True, metadata={"description": "The changes are from the beginning: forget what you had."}
    )
    support = Reviewed(Support, required=True)
