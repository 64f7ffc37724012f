"""What a patient reported and was refused: seen by the care team, and settled by a person."""

import uuid
from typing import Any

from server.api.blueprint import PageQuery, Routes, page
from server.api.guard import caller, requires
from server.extensions import db, now
from server.models import Action, Role
from server.schemas.quarantine import QuarantinedList, QuarantinedOut, SettleIn
from server.services import patients, quarantine
from server.services.pages import parse_cursor

routes = Routes("quarantine", __name__, url_prefix="/v1", description="What could not be taken")


@routes.get("/patients/<uuid:patient_id>/quarantine")
@requires(Role.CLINICIAN, audit=Action.QUARANTINE_READ)
@routes.arguments(PageQuery, location="query")
@routes.response(200, QuarantinedList)
@routes.alt_response(404, "not-found")
def list_quarantined(query: dict[str, Any], patient_id: uuid.UUID) -> Any:
    """What the phone of a patient in one's care sent and was refused for its content, newest first."""
    patient = patients.get_patient(caller(), patient_id)
    found = quarantine.list_quarantined(patient, parse_cursor(query.get("cursor")), query["limit"])
    body, headers = page(found, query["limit"], "received_at")
    return body | {"full": patient.quarantined >= quarantine.MOST}, headers


@routes.post("/patients/<uuid:patient_id>/quarantine/<uuid:quarantined_id>/resolve")
@requires(Role.CLINICIAN, audit=Action.QUARANTINE_SETTLED)
@routes.arguments(SettleIn)
@routes.response(200, QuarantinedOut)
@routes.alt_response(404, "not-found")
@routes.alt_response(409, "conflict")
def settle(said: dict[str, Any], patient_id: uuid.UUID, quarantined_id: uuid.UUID) -> Any:
    """Say that what was meant is in the record now, or that it need not be, and why."""
    item = quarantine.settle(caller(), patient_id, quarantined_id, **said, now=now())
    db.session.commit()
    return item
