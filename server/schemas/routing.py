"""How alerts reach people: deadlines and hours, who is on call, who is away, what could not be delivered."""

from marshmallow import fields, validate

from server.models import CalledBecause, EmailState, Role
from server.schemas.fields import Body, Choice, Day, Instant, WallTime, email_address, text, whole
from server.trends import Severity

WAITS = "Minutes that such an alert waits to be acknowledged before the next person is told."


class RoutingChange(Body):
    """What is left out stays."""

    urgent_minutes = whole(5, 1440, metadata={"description": WAITS})
    prompt_minutes = whole(15, 10080, metadata={"description": WAITS})
    routine_minutes = whole(60, 20160, metadata={"description": WAITS})
    quiet_from = WallTime(
        metadata={
            "description": "From here to quiet_until, by the clinic's clock, nothing routine escalates, and who is on"
            " call hears of urgent alerts first."
        },
    )
    quiet_until = WallTime(metadata={"description": "The same as quiet_from: there are no quiet hours."})
    digest_at = WallTime(metadata={"description": "When each clinician is mailed what is still open."})
    escalation_email = email_address(allow_none=True)


class RoutingOut(RoutingChange):
    digest_due_at = Instant(required=True)
    has_webhook = fields.Boolean(required=True)


class WebhookIn(Body):
    url = text(2000, required=True, metadata={"format": "uri", "example": "https://hook.clinic.example/alerts"})


class WebhookOut(Body):
    secret = fields.String(
        required=True,
        metadata={"description": "Signs each call after the Standard Webhooks specification; shown this once."},
    )


class OnCallIn(Body):
    begins_at = Instant(required=True)
    ends_at = Instant(required=True)


class OnCallOut(OnCallIn):
    id = fields.UUID(required=True)
    member_id = fields.UUID(required=True)


class OnCallList(Body):
    items = fields.List(fields.Nested(OnCallOut), required=True)


class AbsenceIn(Body):
    deputy_id = fields.UUID(allow_none=True, load_default=None)
    first_day = Day(required=True)
    last_day = Day(required=True)


class AbsenceOut(AbsenceIn):
    id = fields.UUID(required=True)
    member_id = fields.UUID(required=True)


class AbsenceList(Body):
    items = fields.List(fields.Nested(AbsenceOut), required=True)


class UnheardOut(Body):
    """An open alert that nobody can be told of: whose, by code, and how urgent; not what was found."""

    alert_id = fields.UUID(attribute="id", required=True)
    patient_id = fields.UUID(required=True)
    patient_code = fields.String(attribute="patient.code", required=True)
    severity = Choice(Severity, required=True)
    raised_at = Instant(required=True)


class FailedOut(Body):
    alert_id = fields.UUID(required=True)
    patient_code = fields.String(attribute="alert.patient.code", required=True)
    severity = Choice(Severity, attribute="alert.severity", required=True)
    state = Choice(EmailState, required=True)
    last_error = fields.String(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    created_at = Instant(required=True)


class FailedEmailOut(FailedOut):
    member_id = fields.UUID(required=True, allow_none=True)
    to_clinic = fields.Boolean(required=True)


class FailedCallOut(FailedOut):
    because = Choice(CalledBecause, required=True)


class BouncedOut(Body):
    member_id = fields.UUID(attribute="id", required=True)
    name = fields.String(required=True)
    role = Choice(Role, required=True)
    bounced_at = Instant(required=True)
    bounce_status = fields.String(required=True)


class WorklistOut(Body):
    as_of = Instant(required=True)
    alerts_without_recipient = fields.List(fields.Nested(UnheardOut), required=True)
    unacknowledged_alerts = fields.List(
        fields.Nested(UnheardOut),
        required=True,
        metadata={"description": "Everybody was told in turn, and nobody has acknowledged it."},
    )
    undeliverable_emails = fields.List(fields.Nested(FailedEmailOut), required=True)
    undeliverable_calls = fields.List(fields.Nested(FailedCallOut), required=True)
    bounced_members = fields.List(fields.Nested(BouncedOut), required=True)


class FiguresQuery(Body):
    months = fields.Integer(load_default=12, validate=validate.Range(1, 60))


class FateOut(Body):
    alerts = fields.Integer(required=True)
    acknowledged = fields.Integer(required=True)
    resolved = fields.Integer(required=True)
    superseded = fields.Integer(required=True)
    acted_on = fields.Integer(
        required=True, metadata={"description": "Closed with an outcome by which somebody did something."}
    )
    share_acted_on = fields.Float(required=True, allow_none=True, metadata={"description": "Of those closed."})
    false_alarms = fields.Integer(required=True)
    median_seconds_to_acknowledge = fields.Integer(required=True, allow_none=True)
    longest_seconds_to_acknowledge = fields.Integer(required=True, allow_none=True)
    median_seconds_to_resolve = fields.Integer(required=True, allow_none=True)


class MonthOut(FateOut):
    month = fields.Date(required=True, metadata={"description": "Its first day, by the clinic's calendar."})
    patient_months = fields.Float(
        required=True, metadata={"description": "Days on which patients were watched, in months of 30.44 days."}
    )
    alerts_per_patient_month = fields.Float(required=True, allow_none=True)


class KindOut(FateOut):
    month = fields.Date(required=True)
    rule = fields.String(required=True)
    severity = Choice(Severity, required=True)


class FiguresOut(Body):
    months = fields.List(fields.Nested(MonthOut), required=True)
    items = fields.List(fields.Nested(KindOut), required=True)
