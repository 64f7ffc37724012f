"""What the patient's phone calls: check-ins, today, own sessions."""

import uuid
from typing import Any

from flask import jsonify

from server.api.blueprint import PageQuery, Routes, page
from server.api.guard import caller, requires
from server.api.heed import heeds_self_harm
from server.extensions import db, now
from server.models import Patient, Role
from server.schemas.check_ins import CheckInAnswer, CheckInIn, CheckInList, CheckInOut, Support, TodayOut
from server.schemas.patients import SessionList
from server.services import check_ins, courses, today
from server.services.pages import parse_cursor
from server.services.support import support_for

routes = Routes("check-ins", __name__, url_prefix="/v1", description="The patient's phone")


@routes.get("/today")
@requires(Role.PATIENT)
@routes.response(200, TodayOut)
def show_today() -> Any:
    """Due or done, the next session, the streak, the last 14 days, support."""
    return today.today(caller().id, now())


@routes.put("/check-ins/<uuid:check_in_id>")
@requires(Role.PATIENT)
@heeds_self_harm
@routes.arguments(CheckInIn)
@routes.response(201, CheckInAnswer)
@routes.alt_response(200, schema=CheckInAnswer, description="The same content was stored before.", success=True)
@routes.alt_response(409, "conflict")
def put_check_in(said: dict[str, Any], check_in_id: uuid.UUID) -> Any:
    """Store one check-in under an id that the phone made; sending it again changes nothing."""
    stored = check_ins.put_check_in(caller().id, check_in_id, said, now())
    db.session.commit()
    region = db.session.get_one(Patient, caller().id).region
    answer = CheckInOut().dump(stored.check_in) | {"support": Support().dump(support_for(region))}
    return jsonify(answer), 201 if stored.created else 200


@routes.get("/check-ins")
@requires(Role.PATIENT)
@routes.arguments(PageQuery, location="query")
@routes.response(200, CheckInList)
def list_check_ins(query: dict[str, Any]) -> Any:
    """One's own check-ins, newest first."""
    found = check_ins.list_check_ins(caller().id, parse_cursor(query.get("cursor")), query["limit"])
    return page(found, query["limit"], "recorded_at")


@routes.get("/sessions")
@requires(Role.PATIENT)
@routes.response(200, SessionList)
def list_sessions() -> Any:
    """One's own TMS sessions."""
    return {"items": courses.patient_sessions(caller().id)}
