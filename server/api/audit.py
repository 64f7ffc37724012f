"""Who saw and changed what, for admins; and how a clinician gets to a patient of a colleague's, on the record."""

import uuid
from typing import Any

from server.api.blueprint import Routes, linked
from server.api.guard import caller, requires
from server.extensions import db, now
from server.models import Action, Role
from server.schemas.audit import AuditList, AuditQuery, BreakGlassIn, BreakGlassOut
from server.services import audit_events
from server.services.audit_events import Wanted, parse_before
from server.services.break_glass import break_glass

routes = Routes("audit", __name__, url_prefix="/v1", description="Who saw what")


@routes.get("/audit-events")
@requires(Role.ADMIN, audit=Action.AUDIT_READ)
@routes.arguments(AuditQuery, location="query")
@routes.response(200, AuditList)
def list_audit_events(query: dict[str, Any]) -> Any:
    """What members and patients of the clinic did with its records, newest first; asking is itself an event."""
    before, limit = parse_before(query.pop("cursor", None)), query.pop("limit")
    events = audit_events.list_events(caller(), Wanted(**query), before, limit)
    return linked(events, str(events[-1]["seq"]) if len(events) == limit else None)


@routes.post("/patients/<uuid:patient_id>/break-glass")
@requires(Role.CLINICIAN, audit=Action.BREAK_GLASS)
@routes.arguments(BreakGlassIn)
@routes.response(201, BreakGlassOut)
@routes.alt_response(404, "not-found")
@routes.alt_response(409, "conflict")
def break_the_glass(said: dict[str, Any], patient_id: uuid.UUID) -> Any:
    """Get to a patient of the clinic who is not in one's care, for an hour; admins see who, when and why."""
    broken = break_glass(caller(), patient_id, said["reason"], now())
    db.session.commit()
    return broken
