"""Alerts: triage."""

from marshmallow import fields, validate

from server.models import AlertState, EmailState, EventKind, Outcome, Withheld
from server.schemas.fields import Body, Choice, Instant, text
from server.trends import Severity


class AlertQuery(Body):
    state = Choice(AlertState)
    patient = fields.UUID()
    cursor = text(200)
    limit = fields.Integer(load_default=50, validate=validate.Range(1, 200))


class EventOut(Body):
    kind = Choice(EventKind, required=True)
    at = Instant(required=True)
    by = fields.UUID(attribute="member_id", required=True, allow_none=True)
    severity = Choice(Severity, required=True)
    day = fields.Date(required=True, allow_none=True)
    sentence = fields.String(required=True, allow_none=True)
    reason = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "What changed in the record, where that restated or superseded the alert."},
    )


class AlertOut(Body):
    id = fields.UUID(required=True)
    patient_id = fields.UUID(required=True)
    patient_code = fields.String(attribute="patient.code", required=True)
    rule = fields.String(required=True)
    rule_version = fields.Integer(required=True)
    severity = Choice(Severity, required=True)
    state = Choice(AlertState, required=True)
    day = fields.Date(required=True)
    last_day = fields.Date(required=True)
    sentence = fields.String(required=True)
    raised_at = Instant(required=True)
    escalate_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "When the next person is told, unless somebody acknowledges it before."},
    )
    acknowledged_at = Instant(required=True, allow_none=True)
    acknowledged_by = fields.UUID(required=True, allow_none=True)
    superseded_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "Since when the record no longer holds what was found, after a late check-in."},
    )
    resolved_at = Instant(required=True, allow_none=True)
    resolved_by = fields.UUID(required=True, allow_none=True)
    outcome = Choice(Outcome, required=True, allow_none=True)


class ReadingOut(Body):
    day = fields.Date(required=True)
    craving = fields.Float(required=True, allow_none=True)
    mood = fields.Float(required=True, allow_none=True)


class EmailOut(Body):
    """Who was told, or was not to be told any more when it was to go."""

    event = Choice(EventKind, attribute="event.kind", required=True)
    member_id = fields.UUID(required=True, allow_none=True)
    to_clinic = fields.Boolean(required=True, metadata={"description": "To the clinic's own address."})
    consent_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Of somebody outside: the consent that names them."}
    )
    state = Choice(EmailState, required=True)
    withheld_why = Choice(Withheld, required=True, allow_none=True)
    created_at = Instant(required=True)
    sent_at = Instant(required=True, allow_none=True)


class AlertDetail(AlertOut):
    """With all that it rests on."""

    basis = fields.List(fields.Date(), required=True, metadata={"description": "The local days it rests on."})
    readings = fields.List(fields.Nested(ReadingOut), required=True)
    figures = fields.Dict(required=True)
    thresholds = fields.Dict(required=True)
    outcome_note = fields.String(required=True, allow_none=True)
    events = fields.List(fields.Nested(EventOut), required=True)
    emails = fields.List(fields.Nested(EmailOut), required=True)


class AlertList(Body):
    items = fields.List(fields.Nested(AlertOut), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ResolveIn(Body):
    outcome = Choice(Outcome, required=True)
    note = text(2000, allow_none=True, load_default=None)
