"""A patient's ratings over time, with what was expected and the sessions; for the care team, the alerts too."""

from marshmallow import fields, validate

from server.models import AlertState, SessionState
from server.schemas.fields import Body, Choice
from server.trends import Severity


class TrendQuery(Body):
    days = fields.Integer(
        load_default=84,
        validate=validate.Range(1, 366),
        metadata={"description": "How many of the patient's local days, today included."},
    )


class ExpectedOut(Body):
    """As it was before that day's rating."""

    mean = fields.Float(required=True)
    sd = fields.Float(required=True, metadata={"description": "Usual day-to-day standard deviation."})


class TrendDay(Body):
    day = fields.Date(required=True)
    craving = fields.Float(required=True, allow_none=True)
    mood = fields.Float(required=True, allow_none=True)
    craving_expected = fields.Nested(ExpectedOut, required=True, allow_none=True)
    mood_expected = fields.Nested(ExpectedOut, required=True, allow_none=True)


class TrendSession(Body):
    day = fields.Date(required=True)
    number = fields.Integer(required=True)
    of = fields.Integer(required=True, metadata={"description": "How many the course has."})
    state = Choice(SessionState, required=True)


class TrendAlert(Body):
    id = fields.UUID(required=True)
    rule = fields.String(required=True)
    severity = Choice(Severity, required=True)
    day = fields.Date(required=True, metadata={"description": "The day on which the rule fired."})
    last_day = fields.Date(required=True, metadata={"description": "The last day on which it fired again."})
    state = Choice(AlertState, required=True)


class OwnTrend(Body):
    first_day = fields.Date(required=True, attribute="window.first")
    last_day = fields.Date(required=True, attribute="window.last")
    days = fields.List(
        fields.Nested(TrendDay),
        required=True,
        metadata={"description": "Every day of the window, oldest first; nulls where nothing was reported."},
    )
    sessions = fields.List(fields.Nested(TrendSession), required=True)


class Trend(OwnTrend):
    """With what the rules found."""

    alerts = fields.List(fields.Nested(TrendAlert), required=True)
