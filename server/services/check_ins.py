"""Check-ins: the day rule, which report counts, and what follows from it."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update

from server.errors import NotFound
from server.extensions import db
from server.models import Answer, CheckIn, CheckInVersion
from server.services.day_counts import FIRST, choose, first_moved, known_rows, lowered, name_counting
from server.services.holding import Held, hold
from server.services.pages import Cursor
from server.services.quarantine import supersede
from server.services.report_lists import newest_first, versions_of
from server.services.reports import Desk, Kept, Kind, Outcome, Result, Sent, Stored, answer
from server.services.safety import hear_yes

ABSENT: dict[str, Any] = {
    "craving": None,
    "mood": None,
    "sleep_quality": None,
    "stress": None,
    "confidence": None,
    "used": None,
    "substances": [],
    "medication_taken": None,
    "triggers": [],
    "self_harm_thoughts": None,
    "note": None,
}
CHECK_IN = Kind("check_in", CheckIn, CheckInVersion, ABSENT)


def put_check_in(
    patient_id: uuid.UUID,
    check_in_id: uuid.UUID,
    fields: dict[str, Any],
    now: datetime,
    if_match: Collection[str] | None = None,
    held: Held | None = None,
) -> Stored:
    """Stores one check-in under the id that the phone made; the same content again changes nothing.

    Raises Refused for a time that cannot be right; for other content under a known id Unconditional without the ETag
    of the version that it edits, Outdated with that of another; ParticipationWithdrawn for whoever takes no part.
    `held`: the patient's row, of a caller who has it.
    """
    patient = held or hold(patient_id)
    sent = [Sent(check_in_id, fields, if_match)]
    (result,) = _store_first(patient, sent, now) or store(patient, sent, now)
    return Stored(result.outcome, answer(CHECK_IN, result.stored()), patient.region)


def store(patient: Held, sent: Sequence[Sent], now: datetime) -> list[Result]:
    """What became of each, in the order of `sent`. The caller holds the patient's row.

    A yes about self-harm in what is stored is raised here, in the transaction that stores it.
    """
    desk = Desk(patient, CHECK_IN, known_rows(patient, sent), now)
    results = desk.take(sent)
    kept = list(desk.kept.values())
    new = [one for one in kept if one.said_anew]
    if not new:
        name_counting(kept)
        return results
    choose(kept)
    name_counting(kept)
    if given_up := lowered(kept):
        held = update(CheckIn).where(CheckIn.patient_id == patient.id, CheckIn.id.in_(given_up))
        db.session.execute(held.values(counts=False).execution_options(synchronize_session=False))
    patient.look_at_once(now, first_moved(kept))
    supersede(patient, CHECK_IN.name, desk.said_anew(), now)
    desk.write()
    _hear(patient, new, now)
    return results


def _store_first(patient: Held, sent: Sequence[Sent], now: datetime) -> list[Result]:
    """The first of a day, as most are: with nothing known it is decided before anybody looks, and the statement that
    writes it looks whether that is so. If not, nothing is written and nothing comes back.
    """
    desk = Desk(patient, CHECK_IN, (), now)
    results = desk.take(sent)
    if patient.quarantined or results[0].outcome is not Outcome.STORED:
        return []
    new = list(desk.kept.values())
    choose(new)
    name_counting(new)
    patient.look_at_once(now, first_moved(new))
    if not desk.write_first(FIRST):
        return []
    _hear(patient, new, now)
    return results


def _hear(patient: Held, new: Sequence[Kept], now: datetime) -> None:
    """What cannot wait for a tick is raised here. An edit that says yes still is no second yes."""
    yes = [one for one in new if one.row["self_harm_thoughts"] == Answer.YES]
    first_told = [one.row["day"] for one in yes if not one.was or one.was["self_harm_thoughts"] != Answer.YES]
    hear_yes(patient, first_told, [one.row["day"] for one in yes], now)


def get_check_in(patient_id: uuid.UUID, check_in_id: uuid.UUID) -> CheckIn:
    found = db.session.get(CheckIn, (patient_id, check_in_id))
    if found is None:
        raise NotFound("There is no such check-in.")
    return found


def earlier_versions(patient_id: uuid.UUID, check_in_id: uuid.UUID) -> Sequence[CheckInVersion]:
    """What it said before each edit, the latest first; none for what was never edited. Raises NotFound."""
    get_check_in(patient_id, check_in_id)
    return versions_of(CheckInVersion, patient_id, check_in_id)


def list_check_ins(patient_id: uuid.UUID, cursor: Cursor | None, limit: int) -> Sequence[CheckIn]:
    """Newest first."""
    return newest_first(CheckIn, patient_id, cursor, limit)


def counting(patient_id: uuid.UUID, since: date | None = None) -> Sequence[CheckIn]:
    """The check-in that counts for each local day, oldest first."""
    found = select(CheckIn).where(CheckIn.patient_id == patient_id, CheckIn.counts).order_by(CheckIn.day)
    if since:
        found = found.where(CheckIn.day >= since)
    return db.session.scalars(found).all()
