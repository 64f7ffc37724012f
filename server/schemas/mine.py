"""Erasing one's own record, and what staff see of it."""

from marshmallow import fields

from server.schemas.fields import Body, Instant, secret


class EraseIn(Body):
    password = secret(required=True)


class ErasedRows(Body):
    kind = fields.String(required=True)
    rows = fields.Integer(required=True)


class KeptRows(ErasedRows):
    why = fields.String(required=True, metadata={"description": "What they are, and the law that keeps them."})
    at_least_until = fields.Date(required=True)


class ErasedOut(Body):
    erased_at = Instant(required=True)
    erased = fields.List(fields.Nested(ErasedRows), required=True, metadata={"description": "And found gone."})
    kept = fields.List(fields.Nested(KeptRows), required=True)
    elsewhere = fields.String(required=True, metadata={"description": "What this service does not reach."})


class ErasureOut(Body):
    patient_id = fields.UUID(required=True)
    code = fields.String(required=True, metadata={"description": "What the patient was called by here."})
    erased_at = Instant(required=True)


class ErasureList(Body):
    items = fields.List(fields.Nested(ErasureOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
