"""An alarm to the clinic's admins: an alert that nobody can be told of must not lie unseen."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import func, select

from server.clock import local_day
from server.extensions import db
from server.models import (
    Alert,
    AlertEmail,
    AlertState,
    Clinic,
    EmailState,
    Member,
    MemberMail,
    MemberMailKind,
    Role,
)
from server.services.member_mails import send

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

FAILED = (EmailState.UNDELIVERABLE, EmailState.BOUNCED)


def alarm(alert: Alert, now: datetime) -> None:
    """One mail to each admin, once for each alert. The caller holds the alert's row, or has just made it."""
    clinic = db.session.get_one(Clinic, alert.clinic_id)
    log.error("an alert has nobody to go to", alert_id=alert.id)
    if not clinic.live:
        return
    alarmed = set(db.session.scalars(select(MemberMail.member_id).where(MemberMail.alert_id == alert.id)))
    to = [admin for admin in _admins(clinic) if admin.id not in alarmed]
    if not to:
        return
    unrouted, undeliverable = _counts(clinic)
    for admin in to:
        mail = MemberMail(
            kind=MemberMailKind.ALARM,
            member_id=admin.id,
            alert_id=alert.id,
            day=local_day(now, clinic.zone, clinic.day_starts_at),
            unrouted=max(unrouted, 1),
            undeliverable=undeliverable,
        )
        send(mail, now)


def unheard(clinic: Clinic) -> Sequence[Alert]:
    """Alerts that wait for a person and have no mail, sent or waiting, to anybody who can be reached."""
    heard = (
        select(AlertEmail.id)
        .outerjoin(Member, Member.id == AlertEmail.member_id)
        .where(
            AlertEmail.alert_id == Alert.id,
            AlertEmail.consent_id.is_(None),
            AlertEmail.state.in_((EmailState.QUEUED, EmailState.SENT, EmailState.IN_DIGEST)),
            AlertEmail.to_clinic | (Member.active & Member.bounced_at.is_(None)),
        )
    )
    waits = select(Alert).where(Alert.clinic_id == clinic.id, Alert.state == AlertState.OPEN, ~heard.exists())
    return db.session.scalars(waits.order_by(Alert.raised_at, Alert.id)).all()


def _counts(clinic: Clinic) -> tuple[int, int]:
    failed = (
        select(func.count())
        .select_from(AlertEmail)
        .join(Alert, Alert.id == AlertEmail.alert_id)
        .where(Alert.clinic_id == clinic.id, Alert.state == AlertState.OPEN, AlertEmail.state.in_(FAILED))
    )
    return len(unheard(clinic)), db.session.scalar(failed) or 0


def _admins(clinic: Clinic) -> Sequence[Member]:
    found = select(Member).where(
        Member.clinic_id == clinic.id, Member.role == Role.ADMIN, Member.active, Member.bounced_at.is_(None)
    )
    return db.session.scalars(found.order_by(Member.created_at, Member.id)).all()
