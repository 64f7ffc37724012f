"""Consents: the patient grants and withdraws, the care team sees; and what went outside by them."""

import uuid
from typing import Any

from server.api.blueprint import PageQuery, Routes, page
from server.api.conditional import conditional
from server.api.guard import CARE, caller, public, requires
from server.extensions import db, now
from server.languages import ENGLISH
from server.models import Action, Role
from server.schemas.consents import ConsentIn, ConsentList, ConsentOut, DisclosureList, WordingList
from server.services import audit, consents
from server.services.disclosures import list_disclosures
from server.services.pages import parse_cursor
from server.services.patients import get_patient
from server.services.wordings import WORDINGS

routes = Routes("consents", __name__, url_prefix="/v1", description="What the patient agreed to")


@routes.get("/wordings")
@public
@routes.response(200, WordingList)
def list_wordings() -> Any:
    """The words that a consent is given to, as they are in force; show them before asking."""
    return {"items": WORDINGS.values()}, {"Content-Language": ENGLISH}


@routes.get("/consents")
@requires(Role.PATIENT)
@conditional
@routes.response(200, ConsentList)
def list_own_consents() -> Any:
    """All that one ever granted, newest first."""
    return {"items": consents.list_consents(caller().id)}


@routes.post("/consents")
@requires(Role.PATIENT)
@routes.arguments(ConsentIn)
@routes.response(201, ConsentOut)
@routes.alt_response(409, "conflict")
def grant(said: dict[str, Any]) -> Any:
    """Agree to take part again, or that somebody outside hears when there is an alert."""
    consent = consents.grant(caller(), said, now())
    audit.record(Action.CONSENT_GRANTED, caller(), consent.patient_id, consent=consent.id)
    db.session.commit()
    return consent


@routes.delete("/consents/<uuid:consent_id>")
@requires(Role.PATIENT)
@routes.response(204)
@routes.alt_response(404, "not-found")
def withdraw(consent_id: uuid.UUID) -> Any:
    """Withdraw one; it holds from the next mail on.

    Of participation: from now on nobody assesses, check-ins are refused, and the consents for others end too. An
    urgent alert that is open is still followed up by the care team.
    """
    for ended in consents.withdraw(caller(), consent_id, now()):
        audit.record(Action.CONSENT_WITHDRAWN, caller(), ended.patient_id, consent=ended.id)
    db.session.commit()


@routes.get("/disclosures")
@requires(Role.PATIENT)
@conditional
@routes.arguments(PageQuery, location="query")
@routes.response(200, DisclosureList)
def list_own_disclosures(query: dict[str, Any]) -> Any:
    """What went to whom outside about oneself, newest first."""
    found = list_disclosures(caller().id, parse_cursor(query.get("cursor")), query["limit"])
    return page(found, query["limit"], "at")


@routes.get("/patients/<uuid:patient_id>/consents")
@requires(*CARE, audit=Action.CONSENTS_READ)
@routes.response(200, ConsentList)
@routes.alt_response(404, "not-found")
def list_patient_consents(patient_id: uuid.UUID) -> Any:
    """All that a patient ever granted, newest first."""
    return {"items": consents.list_consents(get_patient(caller(), patient_id).id)}


@routes.get("/patients/<uuid:patient_id>/disclosures")
@requires(*CARE, audit=Action.DISCLOSURES_READ)
@routes.arguments(PageQuery, location="query")
@routes.response(200, DisclosureList)
@routes.alt_response(404, "not-found")
def list_patient_disclosures(query: dict[str, Any], patient_id: uuid.UUID) -> Any:
    """The accounting of disclosures: what went to whom outside about a patient, newest first."""
    patient = get_patient(caller(), patient_id)
    found = list_disclosures(patient.id, parse_cursor(query.get("cursor")), query["limit"])
    return page(found, query["limit"], "at")
