"""What an admin sets of how alerts reach people: deadlines, hours, the clinic's own address, its webhook."""

from datetime import datetime
from typing import Any

from server.extensions import db, parts
from server.models import Clinic, Routing
from server.services.identities import Identity
from server.services.routes import plan_digest
from server.webhooks import Webhook, new_secret


def change_routing(caller: Identity, fields: dict[str, Any], now: datetime) -> Routing:
    """What is out already waits as long as it was to; a new time of the digest holds from the next one on."""
    routing = _held(caller)
    for name, value in fields.items():
        setattr(routing, name, value)
    if "digest_at" in fields:
        plan_digest(routing, db.session.get_one(Clinic, caller.clinic_id).zone, now)
    db.session.flush()
    return routing


def set_webhook(caller: Identity, url: str) -> str:
    """A new secret, which is shown this once; the one before is good no more. Raises Refused."""
    webhook = Webhook(url, new_secret())
    webhook.check(parts().settings)
    routing = _held(caller)
    routing.webhook_url, routing.webhook_secret = webhook.url, webhook.secret
    db.session.flush()
    return webhook.secret


def remove_webhook(caller: Identity) -> None:
    routing = _held(caller)
    routing.webhook_url = routing.webhook_secret = None
    db.session.flush()


def _held(caller: Identity) -> Routing:
    return db.session.get_one(Routing, caller.clinic_id, with_for_update=True, populate_existing=True)
