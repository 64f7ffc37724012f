"""How the clinic's alerts reach people, and who is there to read them."""

import uuid
from typing import Any

from server.api.blueprint import Routes
from server.api.guard import MEMBERS, caller, requires
from server.extensions import db, now
from server.models import Action, Role, Routing
from server.schemas.routing import (
    AbsenceIn,
    AbsenceList,
    AbsenceOut,
    OnCallIn,
    OnCallList,
    OnCallOut,
    RoutingChange,
    RoutingOut,
    WebhookIn,
    WebhookOut,
    WorklistOut,
)
from server.services import rota, routings
from server.services.routes import routing_of
from server.services.worklists import worklist

routes = Routes("routing", __name__, url_prefix="/v1", description="How alerts reach people")

KEEPERS = (Role.COORDINATOR, Role.ADMIN)


@routes.get("/clinic/routing")
@requires(Role.ADMIN)
@routes.response(200, RoutingOut)
def show_routing() -> Any:
    """Deadlines, quiet hours, the time of the digest, the clinic's own address."""
    return _told(routing_of(caller().clinic_id))


@routes.patch("/clinic/routing")
@requires(Role.ADMIN, audit=Action.ROUTING_CHANGED)
@routes.arguments(RoutingChange)
@routes.response(200, RoutingOut)
def change_routing(said: dict[str, Any]) -> Any:
    """Change some of it; alerts that are out wait as long as they were to."""
    changed = routings.change_routing(caller(), said, now())
    db.session.commit()
    return _told(changed)


@routes.put("/clinic/webhook")
@requires(Role.ADMIN, audit=Action.ROUTING_CHANGED)
@routes.arguments(WebhookIn)
@routes.response(201, WebhookOut)
def set_webhook(said: dict[str, Any]) -> Any:
    """Where to call when mail brings an alert to nobody; with a new secret each time."""
    secret = routings.set_webhook(caller(), said["url"])
    db.session.commit()
    return {"secret": secret}


@routes.delete("/clinic/webhook")
@requires(Role.ADMIN, audit=Action.ROUTING_CHANGED)
@routes.response(204)
def remove_webhook() -> None:
    """No more calls."""
    routings.remove_webhook(caller())
    db.session.commit()


@routes.get("/on-call")
@requires(*MEMBERS)
@routes.response(200, OnCallList)
def list_on_call() -> Any:
    """Who is on call now and later."""
    return {"items": rota.list_on_call(now())}


@routes.post("/members/<uuid:member_id>/on-call")
@requires(*KEEPERS, audit=Action.ROTA_CHANGED)
@routes.arguments(OnCallIn)
@routes.response(201, OnCallOut)
@routes.alt_response(404, "not-found")
@routes.alt_response(409, "conflict")
def add_on_call(said: dict[str, Any], member_id: uuid.UUID) -> Any:
    """A clinician is on call: hears of every patient's urgent alerts, first of all in the quiet hours."""
    duty = rota.add_on_call(caller(), member_id, **said, now=now())
    db.session.commit()
    return duty


@routes.delete("/on-call/<uuid:on_call_id>")
@requires(*KEEPERS, audit=Action.ROTA_CHANGED)
@routes.response(204)
@routes.alt_response(404, "not-found")
def remove_on_call(on_call_id: uuid.UUID) -> None:
    """Off call."""
    rota.remove_on_call(on_call_id)
    db.session.commit()


@routes.get("/absences")
@requires(*MEMBERS)
@routes.response(200, AbsenceList)
def list_absences() -> Any:
    """Who is away today and later, and who stands in."""
    return {"items": rota.list_absences(caller(), now())}


@routes.post("/members/<uuid:member_id>/absences")
@requires(*MEMBERS, audit=Action.ROTA_CHANGED)
@routes.arguments(AbsenceIn)
@routes.response(201, AbsenceOut)
@routes.alt_response(404, "not-found")
@routes.alt_response(409, "conflict")
def add_absence(said: dict[str, Any], member_id: uuid.UUID) -> Any:
    """Days on which a clinician is away: a clinician says so of herself, an admin or a coordinator of anybody."""
    absence = rota.add_absence(caller(), member_id, **said, now=now())
    db.session.commit()
    return absence


@routes.delete("/absences/<uuid:absence_id>")
@requires(*MEMBERS, audit=Action.ROTA_CHANGED)
@routes.response(204)
@routes.alt_response(404, "not-found")
def remove_absence(absence_id: uuid.UUID) -> None:
    """Back."""
    rota.remove_absence(caller(), absence_id)
    db.session.commit()


@routes.get("/worklist")
@requires(Role.ADMIN, audit=Action.WORKLIST_READ)
@routes.response(200, WorklistOut)
def show_worklist() -> Any:
    """What must be mended so that alerts reach people: who cannot be told of what, and why."""
    return worklist(caller(), now())


def _told(routing: Routing) -> dict[str, Any]:
    names = ("urgent_minutes", "prompt_minutes", "routine_minutes", "quiet_from", "quiet_until", "digest_at",
             "digest_due_at", "escalation_email")  # fmt: skip
    return {name: getattr(routing, name) for name in names} | {"has_webhook": routing.webhook_url_sealed is not None}
