"""A patient's own record: a copy of all of it, and its erasure."""

from collections.abc import Iterator
from typing import IO, Any

from flask import Response

from server.api.blueprint import Routes
from server.api.guard import caller, presented_token, requires
from server.extensions import db, now
from server.models import Action, Role
from server.schemas.mine import ErasedOut, EraseIn
from server.services import audit, erasure, exports, sign_ins
from server.services.throttle import Scope, count_own

routes = Routes("mine", __name__, url_prefix="/v1/me", description="The patient's own record")

ZIP = "application/zip"
PIECE = 64 * 1024
# It names nobody: a download lies about in folders and histories.
NAMED = {"Content-Disposition": 'attachment; filename="interlude-export.zip"'}


@routes.get("/export")
@requires(Role.PATIENT)
@routes.response(200, {"type": "string", "format": "binary"}, content_type=ZIP)
def export_me() -> Any:
    """All that is kept about oneself, as a zip of JSON and CSV files with a README.

    Only within 15 minutes of a sign-in with the password: a phone that was left signed in gives no copy away. Sign in
    anew (`POST /v1/tokens`), ask with that token, and sign it out.
    """
    count_own(Scope.EXPORT, presented_token().sign_in_id, now())
    sign_ins.check_fresh(caller(), now())
    archive = exports.export(caller(), now())
    audit.record(Action.EXPORTED, caller(), caller().id)
    db.session.commit()
    answer = Response(_pieces(archive), headers=NAMED, mimetype=ZIP)
    # Also when nobody reads it.
    answer.call_on_close(archive.close)
    return answer


@routes.delete("")
@requires(Role.PATIENT)
@routes.arguments(EraseIn)
@routes.response(200, ErasedOut)
@routes.alt_response(409, "conflict")
def erase_me(said: dict[str, Any]) -> Any:
    """Erase all that is kept about oneself, for good; the answer says what was erased, and what the law keeps and why.

    Every device is signed out and the code opens nothing any more. Refused while the care team has an urgent alert
    that nobody has closed. Take a copy first: `GET /v1/me/export`.
    """
    count_own(Scope.PASSWORD, presented_token().sign_in_id, now())
    erased = erasure.erase(caller(), said["password"], now())
    audit.record(Action.ERASED, caller(), caller().id)
    db.session.commit()
    return erased


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
