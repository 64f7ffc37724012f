"""Urges, as the patient's phone stores them and as the care team reads them."""

import uuid
from typing import Any

from server.api.blueprint import PageQuery, Routes, page
from server.api.conditional import conditional
from server.api.guard import caller, held_patient, requires
from server.api.refusals import keeps_refused
from server.api.versions import edited_versions, tagged
from server.extensions import db, now
from server.models import Action, Role
from server.schemas.urges import EarlierUrgeList, UrgeAnswer, UrgeIn, UrgeList, UrgeOut
from server.services import patients, urges
from server.services.pages import parse_cursor
from server.services.support import support_for
from server.services.urges import URGE

routes = Routes("urges", __name__, url_prefix="/v1", description="Momentary craving episodes")

URGE_OUT, URGE_ANSWER = UrgeOut(), UrgeAnswer()


@routes.put("/urges/<uuid:urge_id>")
@requires(Role.PATIENT, holds=True)
@keeps_refused(URGE.name)
@routes.arguments(UrgeIn)
@routes.response(201, UrgeAnswer)
@routes.alt_response(200, schema=UrgeAnswer, description="Edited, or the same content as before.", success=True)
@routes.alt_response(412, "outdated")
@routes.alt_response(428, "if-match-missing")
def put_urge(said: dict[str, Any], urge_id: uuid.UUID) -> Any:
    """Store one urge under an id that the phone made, any number a day; retries and edits as for check-ins."""
    stored = urges.put_urge(caller().id, urge_id, said, now(), edited_versions(), held_patient())
    answer = URGE_ANSWER.dump_whole(stored.row | {"support": support_for(stored.region)})
    db.session.commit()
    return tagged(answer), 201 if stored.created else 200


@routes.get("/urges/<uuid:urge_id>")
@requires(Role.PATIENT)
@routes.response(200, UrgeOut)
@routes.alt_response(404, "not-found")
def show_urge(urge_id: uuid.UUID) -> Any:
    """One of one's own urges."""
    return tagged(URGE_OUT.dump(urges.get_urge(caller().id, urge_id)))


@routes.get("/urges")
@requires(Role.PATIENT)
@conditional
@routes.arguments(PageQuery, location="query")
@routes.response(200, UrgeList)
def list_urges(query: dict[str, Any]) -> Any:
    """One's own urges, newest first."""
    found = urges.list_urges(caller().id, parse_cursor(query.get("cursor")), query["limit"])
    return page(found, query["limit"], "recorded_at")


@routes.get("/patients/<uuid:patient_id>/urges")
@requires(Role.CLINICIAN, audit=Action.URGES_READ)
@routes.arguments(PageQuery, location="query")
@routes.response(200, UrgeList)
@routes.alt_response(404, "not-found")
def list_patient_urges(query: dict[str, Any], patient_id: uuid.UUID) -> Any:
    """The urges of a patient in one's care, newest first."""
    patient = patients.get_patient(caller(), patient_id)
    found = urges.list_urges(patient.id, parse_cursor(query.get("cursor")), query["limit"])
    return page(found, query["limit"], "recorded_at")


@routes.get("/patients/<uuid:patient_id>/urges/<uuid:urge_id>/versions")
@requires(Role.CLINICIAN, audit=Action.URGES_READ)
@routes.response(200, EarlierUrgeList)
@routes.alt_response(404, "not-found")
def list_earlier_urges(patient_id: uuid.UUID, urge_id: uuid.UUID) -> Any:
    """What an urge said before each edit, the latest first."""
    patient = patients.get_patient(caller(), patient_id)
    return {"items": urges.earlier_versions(patient.id, urge_id)}
