"""Which of a patient's check-ins counts for its local day: the latest recorded_at does, then the greatest id."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ARRAY, Date, Select, Uuid, and_, any_, bindparam, or_, select

from server.errors import Refused
from server.extensions import ask, table_of
from server.models import CheckIn
from server.services.holding import Held
from server.services.local_times import local_time
from server.services.reports import Kept, Sent
from server.services.row_sets import adding

TABLE = table_of(CheckIn)
# Built once, and of one text however many are asked for: PostgreSQL plans it once, too.
_THESE = TABLE.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
_THAT_DAY = TABLE.c.day == any_(bindparam("days", type_=ARRAY(Date)))
_OF_PATIENT = select(TABLE).where(TABLE.c.patient_id == bindparam("patient_id"))
_THESE_AND_HOLDERS = _OF_PATIENT.where(or_(_THESE, and_(TABLE.c.counts, _THAT_DAY)))
_THESE_AND_THEIR_DAYS = _OF_PATIENT.where(or_(_THESE, _THAT_DAY))
# One alone, as a phone mostly sends: how many an array will hold PostgreSQL cannot know, and so it plans those anew.
_ONE, _ITS_DAY = TABLE.c.id == bindparam("id"), TABLE.c.day == bindparam("day")
_ONE_AND_HOLDER = _OF_PATIENT.where(or_(_ONE, and_(TABLE.c.counts, _ITS_DAY)))
FIRST = adding(TABLE, unless=_ONE_AND_HOLDER)
"""Adds one that nothing is known of: neither is anything stored under its id, nor does anything count for its day."""


def known_rows(patient: Held, sent: Sequence[Sent]) -> list[dict[str, Any]]:
    """What is stored under these ids, and all that may count for a day in their place."""
    ids = {one.id for one in sent}
    days = set(_days(patient, sent))
    if len(ids) == len(days) == 1:
        (one,), (day,) = ids, days
        found = _rows(_ONE_AND_HOLDER, patient, id=one, day=day)
    else:
        found = _rows(_THESE_AND_HOLDERS, patient, ids=list(ids), days=list(days))
    if any(one.if_match is not None for one in sent):
        # A day that an edit leaves is another's: every report of it is asked.
        days |= {row["day"] for row in found if row["id"] in ids}
        found = _rows(_THESE_AND_THEIR_DAYS, patient, ids=list(ids), days=list(days))
    return found


def choose(kept: Iterable[Kept]) -> None:
    """Settles, for each day that anything new was said of or taken from, which report counts."""
    kept = list(kept)
    days = {day for one in kept if one.said_anew for day in _days_of(one)}
    best: dict[date, Kept] = {}
    for one in kept:
        if one.row["day"] in days:
            one.row["counts"] = False
            holder = best.get(one.row["day"])
            if holder is None or _order(one) > _order(holder):
                best[one.row["day"]] = one
    for one in best.values():
        one.row["counts"] = True


def name_counting(kept: Iterable[Kept]) -> None:
    """Lets each answer say which report counts for its day."""
    kept = list(kept)
    holders = {one.row["day"]: one.row["id"] for one in kept if one.row["counts"]}
    for one in kept:
        one.row["counting_id"] = holders.get(one.row["day"])


def lowered(kept: Iterable[Kept]) -> list[uuid.UUID]:
    """Those whose day is to be another's: they let it go before anything takes it."""
    return [
        one.row["id"]
        for one in kept
        if one.was and one.was["counts"] and (not one.row["counts"] or one.row["day"] != one.was["day"])
    ]


def first_moved(kept: Iterable[Kept]) -> date | None:
    """The first day of which the trend engine hears something else than before."""
    days = [
        day
        for one in kept
        if one.touched and (one.row["counts"] or (one.was and one.was["counts"]))
        for day in _days_of(one)
    ]
    return min(days, default=None)


def _days_of(one: Kept) -> set[date]:
    return {one.row["day"], *([one.was["day"]] if one.was else [])}


def _order(one: Kept) -> tuple[Any, uuid.UUID]:
    return one.row["recorded_at"], one.row["id"]


def _days(patient: Held, sent: Sequence[Sent]) -> Iterable[date]:
    for one in sent:
        try:
            yield local_time(one.fields["recorded_at"], one.fields["zone"], patient.day_starts_at).day
        except Refused:
            continue  # its own result says so


def _rows(asked: Select[Any], patient: Held, **values: object) -> list[dict[str, Any]]:
    return [row._asdict() for row in ask(asked, {"patient_id": patient.id, **values})]
