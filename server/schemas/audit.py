"""The audit, and breaking the glass."""

from marshmallow import fields, validate

from server.models import Action, Actor
from server.schemas.fields import Body, Choice, Instant, Text, text


class AuditQuery(Body):
    patient = fields.UUID()
    actor = fields.UUID()
    action = Choice(Action)
    since = Instant(metadata={"description": "At this instant or later."})
    until = Instant(metadata={"description": "Before this instant."})
    cursor = text(200, metadata={"description": "next_cursor of the page before."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class AuditEventOut(Body):
    seq = fields.Integer(required=True, metadata={"description": "1, 2, 3 within the clinic, with no gap."})
    at = Instant(required=True)
    actor = Choice(Actor, required=True)
    actor_id = fields.UUID(required=True, allow_none=True)
    action = Choice(Action, required=True)
    patients = fields.List(fields.UUID(), required=True, metadata={"description": "Whose record it was about."})
    what = fields.Dict(required=True, metadata={"description": "Ids of what else it was about."})
    request_id = fields.String(
        required=True, allow_none=True, metadata={"description": "As in the answer's X-Request-ID, and in our log."}
    )
    reason = fields.String(required=True, allow_none=True, metadata={"description": "Why the glass was broken."})


class AuditList(Body):
    items = fields.List(fields.Nested(AuditEventOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class BreakGlassIn(Body):
    reason = Text(
        required=True, validate=[validate.Length(10, 500), validate.Regexp(r"\s*\S", error="Say why, in words.")]
    )


class BreakGlassOut(Body):
    id = fields.UUID(required=True)
    patient_id = fields.UUID(required=True)
    at = Instant(required=True)
    ends_at = Instant(required=True)
