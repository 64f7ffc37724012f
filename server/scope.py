"""Which clinic a session works for. PostgreSQL shows it that clinic's rows alone, and none before it has one.

The clinic is a setting of the transaction, given anew at the start of each, so a pooled connection carries it no
further than the commit.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_sqlalchemy.session import Session
from sqlalchemy import Select, Uuid, bindparam, event, func, select, true
from sqlalchemy.engine import Connection
from sqlalchemy.orm import SessionTransaction

from server.extensions import ask, db

_KEY = "clinic"
_SET = select(func.set_config("interlude.clinic", bindparam("clinic"), True).label("clinic"))
# No clinic has it: whoever is unknown takes the same steps as whoever is known, and sees nothing.
NOWHERE = uuid.UUID(int=0)


@event.listens_for(Session, "after_begin")
def tell(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    """The clinic, at the start of each transaction."""
    clinic_id = session.info.get(_KEY)
    if clinic_id is not None and not transaction.nested:
        connection.execute(_SET, {"clinic": str(clinic_id)})


def enter(clinic_id: uuid.UUID) -> None:
    """From here on, in this transaction and the next ones, the session works for this clinic and for no other."""
    session = db.session()
    known = session.info.get(_KEY)
    if known == clinic_id:
        return
    if session.in_nested_transaction():
        # Rolled back, a savepoint would bring back the clinic of before.
        raise RuntimeError("a clinic is entered outside of savepoints")
    if known is not None:
        # Nothing of the other clinic stays in the session's memory.
        session.flush()
        session.expunge_all()
    session.info[_KEY] = clinic_id
    if session.in_transaction():
        session.connection().execute(_SET, {"clinic": str(clinic_id)})


def telling(asked: Select[Any]) -> Select[Any]:
    """The same question, which tells the clinic first (its parameter `clinic`): one trip to the database for both.

    The question refers to what was told, behind a fence, so PostgreSQL has to tell before it looks. Did it look first,
    it would see no row.
    """
    told = _SET.cte("told")
    within = asked.where(told.c.clinic.is_not(None)).offset(0).lateral("within")
    return select(within).select_from(told.join(within, true()))


def enter_asking(clinic_id: uuid.UUID, asked: Select[Any], values: Mapping[str, Any]) -> list[Any]:
    """As enter, by the first question that is asked there. `asked` is of `telling`."""
    session = db.session()
    if _KEY in session.info or session.in_transaction():
        enter(clinic_id)
    else:
        session.connection()  # it begins with nothing to tell
        session.info[_KEY] = clinic_id
    return ask(asked, {**values, "clinic": str(clinic_id)})


def entered() -> uuid.UUID | None:
    """The clinic that the session works for."""
    found: uuid.UUID | None = db.session().info.get(_KEY)
    return found


def clinic_of_member(email_index: bytes) -> uuid.UUID | None:
    return db.session.scalar(select(func.clinic_of_member(email_index, type_=Uuid())))


def clinic_of_patient(code: str) -> uuid.UUID | None:
    return db.session.scalar(select(func.clinic_of_patient(code, type_=Uuid())))


def clinic_of_invite(code_hash: bytes) -> uuid.UUID | None:
    return db.session.scalar(select(func.clinic_of_invite(code_hash, type_=Uuid())))


def clinic_of_reset(token_hash: bytes) -> uuid.UUID | None:
    return db.session.scalar(select(func.clinic_of_reset(token_hash, type_=Uuid())))


def clinics_with_due(job: str, at: datetime) -> Sequence[uuid.UUID]:
    """Where a tick of this job, "assess", "deliver" or "remind", may have something to enqueue."""
    return db.session.scalars(select(func.clinics_with_due(job, at, type_=Uuid()))).all()


def every_clinic() -> Sequence[uuid.UUID]:
    """For an operator's commands and the daily upkeep, which go from one to the next."""
    return db.session.scalars(select(func.every_clinic(type_=Uuid()))).all()
