"""When what the trend engine remembers of a patient will not do any more, and the diary must be read again.

Whoever changes what it rests on writes the patient's Watch in the same transaction, though there be nothing to
forget: a look at this moment may not see the change. Either the look comes first, and here is decided by what it
wrote, or the row is not the one that it read, and it passes over the patient.

Of a change for everybody that is not enough: it cannot hold a row that somebody adds meanwhile, and a first look there
would rest on what was before. So it also holds a lock that is no row's, from before it looks for rows until it is
there. A closer look, which alone makes a standing where there was none, asks for its share of that lock once its rows
are held, and before it reads what is everybody's. Has it a share, then what it reads is all there is, and the next
change finds its rows. Has it none, it keeps no standing: as if the change came after it, and forgot what it wrote.

Looks and phones never wait for that lock. A change waits for the one before it, as it did for the rows, and for the
closer looks that have a share: they wait for nobody who waits for it, who holds no row of a patient's yet.
"""

import uuid
from datetime import date

from sqlalchemy import Case, case, func, null, select, update

from server.extensions import ask_one, db, table_of
from server.models import Patient, Watch

_WATCH = table_of(Watch)
# Among PostgreSQL's advisory locks; nothing else here uses any.
_CHANGE_FOR_ALL = int.from_bytes(b"replays!")
_SHARE = select(func.pg_try_advisory_xact_lock_shared(_CHANGE_FOR_ALL).label("had"))


def _kept_before(day: date) -> Case[date]:
    return case((_WATCH.c.through < day, _WATCH.c.through))


def replay_from(patient: Patient, day: date) -> None:
    """Something about `day` changed: a standing that holds it will not do. The caller holds the patient's row."""
    db.session.execute(update(_WATCH).where(_WATCH.c.patient_id == patient.id).values(through=_kept_before(day)))


def change_for_all() -> None:
    """Begins a change for everybody, one at a time. Whoever holds anything else for its sake holds this first."""
    # In a statement of its own: the next ones find every row of a look that had its share before.
    db.session.execute(select(func.pg_advisory_xact_lock(_CHANGE_FOR_ALL)))


def replay_all_from(day: date, clinic_id: uuid.UUID | None = None) -> None:
    """The same for every patient (of a clinic)."""
    change_for_all()
    if clinic_id is None:
        # No query of ours sees every clinic.
        db.session.execute(select(func.forget_trends_from(day)))
        return
    of_clinic = _WATCH.c.clinic_id == clinic_id
    # All first, in the order of all who hold several; what a look had written by then, the next statement sees.
    held = select(_WATCH.c.patient_id).where(of_clinic).order_by(_WATCH.c.patient_id).with_for_update(key_share=True)
    db.session.execute(select(func.count()).select_from(held.subquery()))
    # Those, too, that end before that day: a look that has read one may be about to take the day in. But none that has
    # no last day, for that one may have been added meanwhile, and then is not held here.
    standing = update(_WATCH).where(of_clinic, _WATCH.c.through.is_not(None))
    db.session.execute(standing.values(through=_kept_before(day)))


def nothing_changes_for_all() -> bool:
    """Whether what is read from now on is all there is, for everybody; it stays so until this transaction ends."""
    return bool(ask_one(_SHARE, {}).had)


def replay(patient: Patient) -> None:
    """Something changed that every day may rest on: the course, the zone, the monitored days."""
    db.session.execute(update(_WATCH).where(_WATCH.c.patient_id == patient.id).values(through=null()))
