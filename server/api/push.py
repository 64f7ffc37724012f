"""Where this device is reminded."""

from typing import Any

from server.api.blueprint import Routes
from server.api.guard import caller, requires
from server.extensions import db, now, parts
from server.models import Role
from server.schemas.accounts import PushIn, PushOut
from server.services import push_addresses

routes = Routes("push", __name__, url_prefix="/v1/me", description="Reminders on the patient's phone")


@routes.get("/push")
@requires(Role.PATIENT)
@routes.response(200, PushOut)
def show_push() -> Any:
    """What to subscribe with, and whether this device has given its address."""
    return push_addresses.show(caller(), parts().settings)


@routes.put("/push")
@requires(Role.PATIENT)
@routes.arguments(PushIn)
@routes.response(200, PushOut)
@routes.alt_response(409, "conflict")
def put_push(said: dict[str, Any]) -> Any:
    """Give this device's address, in place of the one before. It ends with the sign-in.

    Call it at each start of the app: addresses change, and one that does not work is dropped. A push says that there
    is a reminder, and nothing else.
    """
    push_addresses.give(caller(), said, parts().settings, now())
    db.session.commit()
    return push_addresses.show(caller(), parts().settings)


@routes.delete("/push")
@requires(Role.PATIENT)
@routes.response(204)
def delete_push() -> Any:
    """No reminders on this device any more."""
    push_addresses.take_back(caller())
    db.session.commit()
