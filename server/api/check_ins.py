"""What the patient's phone calls: check-ins, today, own sessions."""

import uuid
from typing import Any

from server.api.blueprint import PageQuery, Routes, page
from server.api.conditional import conditional
from server.api.guard import caller, held_patient, requires
from server.api.refusals import keeps_refused
from server.api.versions import edited_versions, tagged
from server.extensions import db, now
from server.models import Role
from server.schemas.check_ins import CheckInAnswer, CheckInIn, CheckInList, CheckInOut, TodayOut
from server.schemas.patients import SessionList
from server.services import check_ins, courses, today
from server.services.check_ins import CHECK_IN
from server.services.pages import parse_cursor
from server.services.support import support_for

routes = Routes("check-ins", __name__, url_prefix="/v1", description="The patient's phone")


CHECK_IN_OUT, CHECK_IN_ANSWER = CheckInOut(), CheckInAnswer()


@routes.get("/today")
@requires(Role.PATIENT)
@conditional
@routes.response(200, TodayOut)
def show_today() -> Any:
    """Due or done, the next session, the streak, the last 14 days, support."""
    return today.today(caller().id, now())


@routes.put("/check-ins/<uuid:check_in_id>")
@requires(Role.PATIENT, holds=True)
@keeps_refused(CHECK_IN.name)
@routes.arguments(CheckInIn)
@routes.response(201, CheckInAnswer)
@routes.alt_response(200, schema=CheckInAnswer, description="Edited, or the same content as before.", success=True)
@routes.alt_response(412, "outdated")
@routes.alt_response(428, "if-match-missing")
def put_check_in(said: dict[str, Any], check_in_id: uuid.UUID) -> Any:
    """Store one check-in under an id that the phone made; sending it again changes nothing.

    To edit one, send what it says now with the ETag of the version that you edit in If-Match. Every earlier version
    is kept.
    """
    stored = check_ins.put_check_in(caller().id, check_in_id, said, now(), edited_versions(), held_patient())
    answer = CHECK_IN_ANSWER.dump_whole(stored.row | {"support": support_for(stored.region)})
    db.session.commit()
    return tagged(answer), 201 if stored.created else 200


@routes.get("/check-ins/<uuid:check_in_id>")
@requires(Role.PATIENT)
@routes.response(200, CheckInOut)
@routes.alt_response(404, "not-found")
def show_check_in(check_in_id: uuid.UUID) -> Any:
    """One of one's own check-ins."""
    return tagged(CHECK_IN_OUT.dump(check_ins.get_check_in(caller().id, check_in_id)))


@routes.get("/check-ins")
@requires(Role.PATIENT)
@conditional
@routes.arguments(PageQuery, location="query")
@routes.response(200, CheckInList)
def list_check_ins(query: dict[str, Any]) -> Any:
    """One's own check-ins, newest first."""
    found = check_ins.list_check_ins(caller().id, parse_cursor(query.get("cursor")), query["limit"])
    return page(found, query["limit"], "recorded_at")


@routes.get("/sessions")
@requires(Role.PATIENT)
@conditional
@routes.response(200, SessionList)
def list_sessions() -> Any:
    """One's own TMS sessions."""
    return {"items": courses.patient_sessions(caller().id)}
