"""What a phone gathered offline, in any order, and what changed meanwhile: one transaction, set by set."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.errors import DomainError, Refused
from server.services import check_ins, urges
from server.services.changes import Changes, changes_since, parse_change
from server.services.holding import Held
from server.services.quarantine import Refusal, keep_of
from server.services.reports import Outcome, Result, Sent
from server.services.safety import heed

STORES = {check_ins.CHECK_IN.name: check_ins.store, urges.URGE.name: urges.store}


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it came: read, or not readable as a report and why."""

    said: Mapping[str, Any]
    """What is kept of it when it cannot be taken."""
    kind: str
    id: uuid.UUID | None
    sent: Sent | None
    pointers: Sequence[str]
    """Where its content is to blame, for an item that could not be read."""
    says_yes: bool
    """Whether it reports thoughts of self-harm anywhere."""


@dataclass(frozen=True, slots=True)
class Synced:
    """`results` in the order of the items; None for one that could not be read."""

    results: list[Result | None]
    changes: Changes
    region: str


def sync(patient: Held, items: Sequence[Item], cursor: str | None, now: datetime) -> Synced:
    """One that cannot be taken stops no other. Raises Refused for a cursor that is not one of ours.

    The caller holds the patient's row.
    """
    parse_change(cursor)
    results: list[Result | None] = [None] * len(items)
    for kind, store in STORES.items():
        places = [place for place, item in enumerate(items) if item.kind == kind and item.sent]
        if places:
            found = store(patient, [sent for place in places if (sent := items[place].sent)], now)
            for place, result in zip(places, found, strict=True):
                results[place] = result
    _keep_refused(patient, items, results, now)
    own = {
        result.kept.row["id"] for result in results
        if result and result.kept and result.outcome in (Outcome.STORED, Outcome.EDITED)
    }  # fmt: skip
    return Synced(results, changes_since(patient, cursor, own), patient.region)


def _keep_refused(patient: Held, items: Sequence[Item], results: Sequence[Result | None], now: datetime) -> None:
    refusals, heard = [], False
    for item, result in zip(items, results, strict=True):
        problem = result.problem if result else None
        if result is None or isinstance(problem, Refused):
            pointers = item.pointers if result is None else [_pointer(problem)]
            refusals.append(Refusal(item.kind, item.id, item.said, "invalid", pointers))
        heard |= item.says_yes and (result is None or problem is not None)
    if heard:
        heed(patient, now)
    if refusals:
        keep_of(patient, refusals, now)


def _pointer(problem: DomainError | None) -> str:
    return f"#/{problem.field}" if isinstance(problem, Refused) else "#"
