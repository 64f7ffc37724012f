"""POST /v1/sync: what a phone gathered offline, and what changed since it last asked."""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import jsonify
from marshmallow import ValidationError

from server.api.blueprint import Routes
from server.api.guard import held_patient, requires
from server.api.problems import document, document_of, pointers_of
from server.api.refusals import keeps_refused, known_pointers, says_yes
from server.extensions import db, now
from server.models import Role
from server.schemas.check_ins import CheckInIn
from server.schemas.sync import SyncIn, SyncItem, SyncOut
from server.schemas.urges import UrgeIn
from server.services.check_ins import CHECK_IN
from server.services.reports import Outcome, Result, Sent
from server.services.support import support_for
from server.services.sync import Item, Synced, sync
from server.services.urges import URGE

routes = Routes("sync", __name__, url_prefix="/v1", description="What a phone gathered offline")

ITEM, SYNC_OUT = SyncItem(), SyncOut()
CONTENTS = {CHECK_IN.name: CheckInIn(), URGE.name: UrgeIn()}
UNKNOWN = "unknown"
Errors = list[dict[str, str]]


@routes.post("/sync")
@requires(Role.PATIENT, holds=True)
@keeps_refused(None)
@routes.arguments(SyncIn)
@routes.response(200, SyncOut)
def exchange(said: dict[str, Any]) -> Any:
    """Up to 100 check-ins and urges, in any order, duplicates and all; and what changed since the cursor.

    Each item has its own result, and one that cannot be taken stops no other: correct it and send it again under the
    same id. Sent again, all of it changes nothing.
    """
    read = [_read(item) for item in said["items"]]
    synced = sync(held_patient(), [item for item, _ in read], said.get("cursor"), now())
    # Before the commit, after which each row would be read once more.
    answer = jsonify(SYNC_OUT.dump(_answer(synced, [errors for _, errors in read])))
    db.session.commit()
    return answer


def _read(said: Mapping[str, Any]) -> tuple[Item, Errors]:
    """A report, or what is wrong with it, by pointers within the item."""
    heard = says_yes(said)
    try:
        item = ITEM.load(said)
    except ValidationError as error:
        errors = pointers_of(error.messages)
        return Item(said, UNKNOWN, _id_of(said), None, known_pointers(_pointers(errors)), heard), errors
    if_match = frozenset((item["if_match"],)) if "if_match" in item else None
    try:
        content = CONTENTS[item["kind"]].load(item["content"])
    except ValidationError as error:
        errors = pointers_of(error.messages)
        pointers = known_pointers(_pointers(errors))
        within = [{**each, "pointer": each["pointer"].replace("#", "#/content", 1)} for each in errors]
        return Item(item["content"], item["kind"], item["id"], None, pointers, heard), within
    return Item(item["content"], item["kind"], item["id"], Sent(item["id"], content, if_match), (), heard), []


def _pointers(errors: Errors) -> list[str]:
    return [each["pointer"] for each in errors]


def _id_of(said: Mapping[str, Any]) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(said.get("id")))
    except ValueError:
        return None


def _answer(synced: Synced, errors: list[Errors]) -> dict[str, Any]:
    changes = synced.changes
    return {
        "results": [_result(result, wrong) for result, wrong in zip(synced.results, errors, strict=True)],
        "changes": {**changes.rows, "profile": changes.profile},
        "cursor": changes.cursor,
        "more": changes.more,
        "reset": changes.reset,
        "support": support_for(synced.region),
    }


def _result(result: Result | None, errors: Errors) -> dict[str, Any]:
    if result is None:
        return {"result": "refused", "problem": document("invalid", errors=errors)}
    said: dict[str, Any] = {}
    if result.kept is not None:
        row = result.kept.row
        said = {"etag": result.kept.etag, "day": row["day"]}
        if "counts" in row:
            said["counting_id"] = row["counting_id"]
    if result.problem is not None:
        return {"result": "refused", "problem": document_of(result.problem, "#/content/"), **said}
    if result.outcome is Outcome.UNCHANGED:
        return {"result": "unchanged", **said}
    counts = result.kept is None or result.kept.row.get("counts", True)
    return {"result": "stored" if counts else "superseded", **said}
