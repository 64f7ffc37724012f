"""Erasing one's own record: every row of it, looked for once more before anybody says so."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, column, delete, func, literal, select, table, text, tuple_, union_all, update

from server.errors import Conflict, Refused
from server.extensions import Base, db
from server.models import Action, Alert, AlertEmail, AlertState, AuditEvent, Consent, EndedHow, Erasure, Patient, Role
from server.queue import forget
from server.services import audit
from server.services.belongings import of_patient, tables_of_patients
from server.services.identities import Identity, account_of
from server.services.pages import Cursor
from server.services.passwords import password_matches
from server.trends import Severity

# Six years, whichever they are: 45 CFR 164.316(b)(2).
SIX_YEARS = timedelta(days=6 * 365 + 2)
# Tables with rows of a patient's that stay, and why: it is told to whoever erases.
KEPT: Mapping[str, str] = {
    "audit_event": "Who saw or changed your record, and when, by ids alone. 45 CFR 164.312(b) and 164.316(b)(2) make"
    " the clinic keep it.",
    "break_glass": "Who saw your record without being in your care team, when, and why. It is kept like the audit.",
    "consent": "What you agreed to, whom it named, and when it ended; what was in force ends now. 42 CFR 2.31 and 45"
    " CFR 164.508(b)(6) make the clinic keep it.",
    "disclosure": "What went outside the clinic: to whom, when, by which consent. You may ask the clinic for it: 42 CFR"
    " 2.25 and 45 CFR 164.528.",
    "erasure": "That there was a record, and when you erased it, by your code alone: your care team must know that"
    " nothing comes from you any more.",
}
ELSEWHERE = (
    "Your clinic's own record of your treatment is kept elsewhere, and the law makes the clinic keep it. What was in"
    " emails named nobody. Backups of this service go when their time is over."
)


@dataclass(frozen=True, slots=True)
class Erased:
    kind: str
    rows: int


@dataclass(frozen=True, slots=True)
class Kept:
    kind: str
    rows: int
    why: str
    at_least_until: date


class NotErased(Exception):
    """Rows are left that should be gone; nothing may be committed. Names the tables alone."""


def erase(caller: Identity, password: str, now: datetime) -> dict[str, Any]:
    """What was erased, and what is kept and why.

    Raises Refused for a wrong password, Conflict while an urgent alert or an email of the patient's is under way.
    """
    if not password_matches(password, account_of(caller).password_hash):
        raise Refused("password", "This is not your password.")
    patient = _hold(caller)
    _check_nothing_is_under_way(patient.id)
    erased = _erase(patient, now)
    return {"erased_at": now, "erased": erased, "kept": _kept(caller.id, now), "elsewhere": ELSEWHERE}


def erase_again(patient_id: uuid.UUID, erased_at: datetime) -> bool:
    """For an operator who restored a backup of before; False when nobody is there. What was urgent then is closed."""
    patient = db.session.scalar(select(Patient).where(Patient.id == patient_id).with_for_update(of=Patient))
    if patient is None:
        return False
    _hold_alerts(patient_id)
    _erase(patient, erased_at)
    audit.record(Action.ERASED, None, patient_id)
    return True


def all_erased() -> Sequence[tuple[uuid.UUID, datetime]]:
    """Of the clinic, oldest first."""
    found = select(Erasure.patient_id, Erasure.erased_at).order_by(Erasure.erased_at, Erasure.patient_id)
    return [(patient_id, erased_at) for patient_id, erased_at in db.session.execute(found)]


def list_erasures(caller: Identity, cursor: Cursor | None, limit: int) -> list[Erasure]:
    """Newest first: of those that a clinician cared for, of the clinic for the others."""
    found = select(Erasure).where(Erasure.clinic_id == caller.clinic_id)
    if caller.role is Role.CLINICIAN:
        found = found.where(Erasure.care_team.contains([caller.id]))
    if cursor:
        found = found.where(tuple_(Erasure.erased_at, Erasure.patient_id) < tuple_(cursor.at, cursor.id))
    found = found.order_by(Erasure.erased_at.desc(), Erasure.patient_id.desc()).limit(limit)
    listed = list(db.session.scalars(found))
    audit.concerns(*(erasure.patient_id for erasure in listed))
    return listed


def _hold(caller: Identity) -> Patient:
    """The row locked for good: whoever writes about the patient is done, or waits and then finds nobody."""
    held = select(Patient).where(Patient.id == caller.id).with_for_update(of=Patient)
    patient = db.session.scalars(held.execution_options(populate_existing=True)).one()
    if not patient.active or patient.token_version != caller.token_version:
        raise Conflict("You were signed out meanwhile. Sign in again.")
    _hold_alerts(patient.id)
    return patient


def _hold_alerts(patient_id: uuid.UUID) -> None:
    """Who closes one holds the alert and not the patient: what they add is there when they are done, or never."""
    db.session.execute(select(Alert.id).where(Alert.patient_id == patient_id).order_by(Alert.id).with_for_update())


def _check_nothing_is_under_way(patient_id: uuid.UUID) -> None:
    """A record that somebody must act on now is not taken from under them; nor is what leaves left unrecorded."""
    urgent = select(Alert.id).where(
        Alert.patient_id == patient_id, Alert.severity == Severity.URGENT, Alert.state != AlertState.RESOLVED
    )
    if db.session.scalar(urgent.limit(1)) is not None:
        raise Conflict(
            "Your care team has an urgent alert about you that nobody has closed yet, and could not see it any more."
            " Ask them to close it; then you can erase your record."
        )
    leaving = select(AlertEmail.id).join(Alert, Alert.id == AlertEmail.alert_id)
    leaving = leaving.where(Alert.patient_id == patient_id, AlertEmail.claim.is_not(None))
    if db.session.scalar(leaving.limit(1)) is not None:
        raise Conflict("An email to your care team is on its way at this moment. Try again in a few minutes.")


def _erase(patient: Patient, at: datetime) -> list[Erased]:
    patient_id = patient.id
    db.session.add(
        Erasure(
            patient_id=patient_id,
            clinic_id=patient.clinic_id,
            code=patient.code,
            care_team=patient.care_team,
            erased_at=at,
        )
    )
    db.session.flush()
    _end_consents(patient_id, at)
    erased = _delete(patient_id)
    check_erased(patient_id)
    return erased


def _end_consents(patient_id: uuid.UUID, now: datetime) -> None:
    in_force = update(Consent).where(Consent.patient_id == patient_id, Consent.withdrawn_at.is_(None))
    db.session.execute(in_force.values(withdrawn_at=now, withdrawn_how=EndedHow.BY_PATIENT))


def _delete(patient_id: uuid.UUID) -> list[Erased]:
    """Whatever a table's rows are found by; a table that nobody thought of goes, too."""
    erased = []
    for each in reversed(tables_of_patients()):
        theirs = of_patient(each, patient_id)
        if each.name not in KEPT and theirs is not None:
            gone = db.session.connection().execute(delete(each).where(theirs))
            erased.append(Erased(each.name, gone.rowcount))
    forget("patient_ids", str(patient_id), db.session)
    # Whatever the session remembers of them is not there any more.
    db.session.expunge_all()
    return erased[::-1]


def check_erased(patient_id: uuid.UUID) -> None:
    """Asks the database, and not our models, which tables name a patient. Raises NotErased."""
    named = text("""
        SELECT c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE a.attname = 'patient_id' AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
            AND c.relnamespace = 'public'::regnamespace
    """)
    found = [name for name in db.session.scalars(named) if name not in KEPT]
    counts = [_count_of(name, "patient_id", patient_id) for name in found] + [_count_of("patient", "id", patient_id)]
    left = [name for name, rows in db.session.execute(union_all(*counts)) if rows]
    if left:
        raise NotErased(", ".join(sorted(left)))


def _count_of(name: str, by: str, patient_id: uuid.UUID) -> Select[str, int]:
    named = table(name, column(by))
    return select(literal(name), func.count()).select_from(named).where(named.c[by] == patient_id)


def _kept(patient_id: uuid.UUID, now: datetime) -> list[Kept]:
    kept = []
    for name, why in KEPT.items():
        theirs = of_patient(Base.metadata.tables[name], patient_id)
        if theirs is None:
            theirs = AuditEvent.patients.contains([patient_id])
        rows = select(func.count()).select_from(Base.metadata.tables[name]).where(theirs)
        kept.append(Kept(name, db.session.scalar(rows) or 0, why, (now + SIX_YEARS).date()))
    return kept
