"""What is late or failing, for readyz: counts and ages only."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select

from server.extensions import db
from server.models import Alert, AlertEmail, AlertState, CareTeam, Clinic, EmailState, Member, Patient


def health(now: datetime) -> dict[str, int]:
    oldest_due = select(func.min(Patient.assess_due_at)).join(Clinic, Clinic.id == Patient.clinic_id)
    waiting, oldest_mail = db.session.execute(
        select(func.count(), func.min(AlertEmail.created_at)).where(AlertEmail.state == EmailState.QUEUED)
    ).one()
    return {
        "assessment_late_seconds": _late(db.session.scalar(oldest_due.where(Clinic.live)), now),
        "assessments_failing": _count(Patient, Patient.assess_failures > 0),
        "emails_waiting": waiting,
        "email_late_seconds": _late(oldest_mail, now),
        "emails_undeliverable": _count(AlertEmail, AlertEmail.state == EmailState.UNDELIVERABLE),
        "alerts_without_recipient": _unheard(),
    }


def _unheard() -> int:
    """Alerts not closed that nobody of today's care team was, or is about to be, told of."""
    told = (
        select(AlertEmail.id)
        .join(
            CareTeam,
            and_(CareTeam.patient_id == Alert.patient_id, CareTeam.member_id == AlertEmail.member_id),
        )
        .join(Member, Member.id == AlertEmail.member_id)
        .where(
            AlertEmail.alert_id == Alert.id,
            AlertEmail.state.in_((EmailState.QUEUED, EmailState.SENT)),
            Member.active,
        )
        .correlate(Alert)
        .exists()
    )
    unheard = (
        select(func.count())
        .select_from(Alert)
        .join(Clinic, Clinic.id == Alert.clinic_id)
        .where(Clinic.live, Alert.state != AlertState.RESOLVED, ~told)
    )
    return db.session.scalar(unheard) or 0


def _count(model: type[Patient | AlertEmail], condition: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(condition)) or 0


def _late(since: datetime | None, now: datetime) -> int:
    return max(0, int((now - since).total_seconds())) if since else 0
