"""Ratings over time, with what was expected: for the patient, and with the alerts for the care team."""

import uuid
from typing import Any

from flask import Response

from server.api.blueprint import Routes
from server.api.conditional import conditional
from server.api.guard import caller, requires
from server.charts import draw
from server.extensions import now
from server.models import Action, Role
from server.schemas.trend import OwnTrend, Trend, TrendQuery
from server.services import patients, series
from server.services.pictures import chart_of

routes = Routes("trend", __name__, url_prefix="/v1", description="Ratings over time")

SVG = "image/svg+xml"


@routes.get("/trend")
@requires(Role.PATIENT)
@conditional
@routes.arguments(TrendQuery, location="query")
@routes.response(200, OwnTrend)
def show_own_trend(query: dict[str, Any]) -> Any:
    """One's own ratings, what they were expected to be, and one's TMS sessions."""
    return series.own_series(caller().id, query["days"], now())


@routes.get("/patients/<uuid:patient_id>/trend")
@requires(Role.CLINICIAN, audit=Action.TREND_READ)
@routes.arguments(TrendQuery, location="query")
@routes.response(200, Trend)
@routes.alt_response(404, "not-found")
def show_trend(query: dict[str, Any], patient_id: uuid.UUID) -> Any:
    """The ratings of a patient in one's care, what was expected, the TMS sessions and the alerts."""
    patient = patients.get_patient(caller(), patient_id)
    return series.patient_series(patient, query["days"], now())


@routes.get("/patients/<uuid:patient_id>/chart.svg")
@requires(Role.CLINICIAN, audit=Action.CHART_READ)
@routes.arguments(TrendQuery, location="query")
@routes.response(200, {"type": "string"}, content_type=SVG)
@routes.alt_response(404, "not-found")
def show_chart(query: dict[str, Any], patient_id: uuid.UUID) -> Any:
    """Ratings, expectation, sessions and alerts as a picture, which says in words, too, what it shows."""
    patient = patients.get_patient(caller(), patient_id)
    drawn = draw(chart_of(patient, series.patient_series(patient, query["days"], now())))
    return Response(drawn, mimetype=SVG)
