"""What is remembered of patients, held against their diaries: the second line of defence.

A standing is a cache. Whoever changes what it rests on says so, and should one of them not, or the machine lose a bit,
a rule would stay silent of which nobody would ever hear. So each is made anew from the diary, once a week.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import ColumnElement, Integer, func, select

from server.extensions import db, table_of
from server.models import PATIENT_HELD, Clinic, Patient, Watch
from server.scope import entered
from server.services.due import read_due
from server.services.listed import Ids, any_of
from server.services.looks import look_at_once
from server.services.replays import replay
from server.services.standings import differing, limits_of

_WATCH = table_of(Watch)
PARTS = 7


def remembered(part: int, after: uuid.UUID, most: int) -> Ids:
    """Of the clinic's patients of whom anything is, those of one of PARTS, after one of them; by id."""
    found = select(_WATCH.c.patient_id).where(
        _WATCH.c.through.is_not(None), _part() == part, _WATCH.c.patient_id > after
    )
    return Ids.of_all(db.session.scalars(found.order_by(_WATCH.c.patient_id).limit(most)))


def _part() -> ColumnElement[int]:
    """By the last byte of the id, which is random in every kind of id that anybody makes."""
    return func.get_byte(func.uuid_send(_WATCH.c.patient_id), 15, type_=Integer) % PARTS


def suspects(patient_ids: Ids) -> Ids:
    """Of whom something else is remembered than their diaries say. Nothing is held, so they may have changed meanwhile,
    and each is to be looked at again.
    """
    clinic = db.session.get_one(Clinic, entered())
    due = read_due(patient_ids, date.max)  # no standing will do: the diaries are read whole
    return due.ids.of(differing(clinic, limits_of(clinic), due))


def mend(patient_ids: Ids, now: datetime) -> int:
    """Has the diaries read anew, at the next tick, of those of them of whom it is still so; returns how many."""
    held = select(Patient).where(Patient.id == any_of(patient_ids)).order_by(Patient.id).with_for_update(**PATIENT_HELD)
    patients = {one.id: one for one in db.session.scalars(held.execution_options(populate_existing=True))}
    # A change for everybody holds these, and no patient.
    watched = select(_WATCH.c.patient_id).where(_WATCH.c.patient_id == any_of(patients)).order_by(_WATCH.c.patient_id)
    wrong = suspects(Ids.of_all(db.session.scalars(watched.with_for_update(key_share=True))))
    for patient_id in wrong:
        replay(patients[patient_id])
        look_at_once(patients[patient_id], now)
    return len(wrong)
