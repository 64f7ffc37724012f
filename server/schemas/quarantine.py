"""What a patient reported and was refused, for the care team."""

from marshmallow import fields, validate

from server.models import Settled
from server.schemas.fields import Body, Choice, Instant, text


class QuarantinedOut(Body):
    id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"description": "check_in or urge; unknown for what names neither."})
    reported_id = fields.UUID(required=True, allow_none=True, metadata={"description": "The phone's own id."})
    received_at = Instant(required=True)
    said = fields.String(required=True, metadata={"description": "What came, as JSON."})
    cut = fields.Boolean(required=True, metadata={"description": "Whether it was longer than what is kept of it."})
    problem = fields.String(required=True, metadata={"example": "invalid"})
    pointers = fields.List(fields.String(), required=True, metadata={"description": "The fields to blame."})
    settled_at = Instant(required=True, allow_none=True)
    settled_by = fields.UUID(required=True, allow_none=True)
    outcome = Choice(Settled, required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)


class QuarantinedList(Body):
    items = fields.List(fields.Nested(QuarantinedOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    full = fields.Boolean(
        required=True, metadata={"description": "Whether so many wait that no more are kept: settle some."}
    )


class SettleIn(Body):
    outcome = Choice(Settled, required=True, validate=validate.OneOf((Settled.ENTERED, Settled.DISMISSED)))
    reason = text(2000, required=True)
