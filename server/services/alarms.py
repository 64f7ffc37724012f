"""An alarm to the clinic's admins: an alert that is with nobody must not lie unseen."""

from collections.abc import Sequence
from datetime import datetime, timedelta

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
from server.services.member_mails import note_withheld, send

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

FAILED = (EmailState.UNDELIVERABLE, EmailState.BOUNCED)
# Who was alarmed a moment ago is at the worklist, which says it all: after days down there may be many at once.
ONE_EACH = timedelta(minutes=15)


def alarm(alert: Alert, now: datetime) -> None:
    """One mail to each admin, once for each alert: nobody can be told of it, or all were and nobody acknowledged it.

    The caller holds the alert's row, or has just made it.
    """
    clinic = db.session.get_one(Clinic, alert.clinic_id)
    log.error("an alert is with nobody", alert_id=alert.id)
    if not clinic.live:
        return
    alarmed = set(db.session.scalars(select(MemberMail.member_id).where(MemberMail.alert_id == alert.id)))
    to = [admin for admin in _admins(clinic) if admin.id not in alarmed]
    if not to:
        return
    unrouted, undeliverable = _counts(clinic, alert)
    recent = select(MemberMail.member_id).where(
        MemberMail.kind == MemberMailKind.ALARM,
        MemberMail.state != EmailState.WITHHELD,
        MemberMail.created_at > now - ONE_EACH,
    )
    at_work = set(db.session.scalars(recent))
    for admin in to:
        mail = MemberMail(
            kind=MemberMailKind.ALARM,
            member_id=admin.id,
            alert_id=alert.id,
            day=local_day(now, clinic.zone, clinic.day_starts_at),
            unrouted=unrouted,
            undeliverable=undeliverable,
        )
        if admin.id in at_work:
            note_withheld(mail, now)
        else:
            send(mail, now)


def unacknowledged(clinic: Clinic) -> Sequence[Alert]:
    """Open alerts of which everybody on their way was told in turn, so that the admins were alarmed."""
    alarmed = select(MemberMail.alert_id).where(MemberMail.kind == MemberMailKind.ALARM)
    waits = select(Alert).where(Alert.clinic_id == clinic.id, Alert.state == AlertState.OPEN, Alert.id.in_(alarmed))
    unheard_ids = {alert.id for alert in unheard(clinic)}
    found = db.session.scalars(waits.order_by(Alert.raised_at, Alert.id)).all()
    return [alert for alert in found if alert.id not in unheard_ids]


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


def _counts(clinic: Clinic, about: Alert) -> tuple[int, int]:
    failed = (
        select(func.count())
        .select_from(AlertEmail)
        .join(Alert, Alert.id == AlertEmail.alert_id)
        .where(Alert.clinic_id == clinic.id, Alert.state == AlertState.OPEN, AlertEmail.state.in_(FAILED))
    )
    # With the one that it is about, which is not on record as alarmed yet.
    with_nobody = {alert.id for alert in (*unheard(clinic), *unacknowledged(clinic), about)}
    return len(with_nobody), db.session.scalar(failed) or 0


def _admins(clinic: Clinic) -> Sequence[Member]:
    found = select(Member).where(
        Member.clinic_id == clinic.id, Member.role == Role.ADMIN, Member.active, Member.bounced_at.is_(None)
    )
    return db.session.scalars(found.order_by(Member.created_at, Member.id)).all()
