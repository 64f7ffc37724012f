"""An alert, what happened to it, and the emails that tell of it."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.extensions import Base
from server.models.clinic import Member
from server.models.consent import Consent
from server.models.outgoing import Outgoing
from server.models.patient import Patient
from server.models.sealed import Sealed
from server.models.types import CLINIC_IN_FORCE, choice


class AlertState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Outcome(StrEnum):
    """How an alert was closed."""

    CONTACTED = "contacted_patient"
    SEEN_AT_SESSION = "seen_at_session"
    PLAN_CHANGED = "plan_changed"
    REFERRED = "referred"
    NO_ACTION_NEEDED = "no_action_needed"
    FALSE_ALARM = "false_alarm"


class EventKind(StrEnum):
    RAISED = "raised"
    REPEATED = "repeated"
    SEVERITY_RAISED = "severity_raised"
    RESTATED = "restated"
    """The record changed, and with it what the alert says."""
    SUPERSEDED = "superseded"
    """The record changed, and the rule finds nothing any more."""
    ESCALATED = "escalated"
    """Nobody acknowledged it in time, or the mail did not reach who was to: the next person is told."""
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    RESTORED = "restored"
    """A backup was restored, and nobody knows whether it was answered since: it is told anew."""


class Withheld(StrEnum):
    """Why an email was not sent."""

    NOT_IN_CARE_TEAM = "not_in_care_team"
    PARTICIPATION_WITHDRAWN = "participation_withdrawn"
    """The patient takes no part any more, and this is not about an open urgent alert."""
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_EXPIRED = "consent_expired"
    ACKNOWLEDGED = "acknowledged"
    """Somebody had acknowledged the alert before the digest that would have counted it."""
    RESTORED = "restored"
    """A backup was restored: it may have gone since that was taken."""


SEVERITIES = "severity IN ('urgent', 'prompt', 'routine')"


class Alert(Base):
    """What a rule found in one patient's check-ins, until somebody has closed it."""

    __tablename__ = "alert"
    __table_args__ = (
        Index(
            "uq_alert_open",
            "patient_id",
            "rule",
            unique=True,
            postgresql_where=text("state <> 'resolved'"),
        ),
        CheckConstraint(SEVERITIES, name="severity"),
        CheckConstraint("last_day >= day", name="days"),
        CheckConstraint("(state = 'open') = (acknowledged_at IS NULL)", name="acknowledged"),
        CheckConstraint("(state = 'resolved') = (resolved_at IS NOT NULL)", name="resolved"),
        CheckConstraint("(state = 'resolved') = (outcome IS NOT NULL)", name="outcome_given"),
        CheckConstraint("escalate_at IS NULL OR state = 'open'", name="escalates_while_open"),
        Index("ix_alert_escalate_at", "escalate_at", postgresql_where=text("escalate_at IS NOT NULL")),
        Index("ix_alert_clinic_id_raised_at_id", "clinic_id", "raised_at", "id"),
        ForeignKeyConstraint(["patient_id", "clinic_id"], ["patient.id", "patient.clinic_id"]),
        # What refers to an alert names the clinic too, so that the two cannot disagree.
        UniqueConstraint("id", "clinic_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    clinic_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("clinic.id"))
    patient_id: Mapped[uuid.UUID] = mapped_column(index=True)
    rule: Mapped[str]
    rule_version: Mapped[int] = mapped_column(SmallInteger)
    severity: Mapped[str]
    state: Mapped[AlertState] = mapped_column(choice(AlertState, "state"), default=AlertState.OPEN)
    day: Mapped[date]
    """The local day on which the rule fired."""
    last_day: Mapped[date]
    """The latest local day on which it fired again while the alert was open."""
    sentence: Mapped[str]
    basis: Mapped[list[str]] = mapped_column(JSONB)
    """The local days that the finding rests on."""
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB)
    thresholds: Mapped[dict[str, Any]] = mapped_column(JSONB)
    raised_at: Mapped[datetime]
    escalate_at: Mapped[datetime | None]
    """When the next person is told, unless somebody has acknowledged it; None: nobody is left to be told."""
    escalate_queued_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    superseded_at: Mapped[datetime | None]
    """Since when the record no longer holds what was found; the alert still waits for a person to close it."""
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    outcome: Mapped[Outcome | None] = mapped_column(choice(Outcome, "outcome"))
    outcome_note_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)

    outcome_note = Sealed[str | None]("patient_id", "id")

    patient: Mapped[Patient] = relationship(lazy="joined", innerjoin=True, foreign_keys=patient_id)
    events: Mapped[list["AlertEvent"]] = relationship(
        order_by="AlertEvent.id", back_populates="alert", foreign_keys="AlertEvent.alert_id"
    )


class AlertEvent(Base):
    """One transition: what, when, by whom (nobody: the engine)."""

    __tablename__ = "alert_event"
    __table_args__ = (
        CheckConstraint(SEVERITIES, name="severity"),
        ForeignKeyConstraint(["alert_id", "clinic_id"], ["alert.id", "alert.clinic_id"]),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    alert_id: Mapped[uuid.UUID] = mapped_column(index=True)
    kind: Mapped[EventKind] = mapped_column(choice(EventKind, "kind"))
    at: Mapped[datetime]
    member_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("member.id"))
    severity: Mapped[str]
    day: Mapped[date | None]
    sentence: Mapped[str | None]
    basis: Mapped[list[str] | None] = mapped_column(JSONB)
    stands_on: Mapped[date | None]
    """The day on which the rule finds now what this event told; None: nothing was told, or it is found no more."""
    reason: Mapped[str | None]
    """What changed in the record, for an event that such a change made."""
    clinic_id: Mapped[uuid.UUID] = mapped_column(server_default=CLINIC_IN_FORCE)

    alert: Mapped[Alert] = relationship(back_populates="events", foreign_keys=alert_id)
    member: Mapped[Member | None] = relationship(lazy="joined")


class AlertEmail(Outgoing, Base):
    """One email to one recipient about one event: a member, whom a consent names, or the clinic's own address.

    Sent is recorded after the server's 250, never before.
    """

    __tablename__ = "alert_email"
    __table_args__ = (
        UniqueConstraint("event_id", "member_id"),
        UniqueConstraint("event_id", "consent_id"),
        Index("uq_alert_email_to_clinic", "event_id", unique=True, postgresql_where=text("to_clinic")),
        CheckConstraint("num_nonnulls(member_id, consent_id) + to_clinic::integer = 1", name="one_recipient"),
        CheckConstraint("(state = 'withheld') = (withheld_why IS NOT NULL)", name="withheld"),
        CheckConstraint("(state IN ('sent', 'bounced')) = (sent_at IS NOT NULL)", name="sent"),
        CheckConstraint("state <> 'in_digest' OR member_id IS NOT NULL", name="in_digest"),
        Index("ix_alert_email_due_at", "due_at", postgresql_where=text("state = 'queued'")),
        Index("ix_alert_email_undelivered", "alert_id", postgresql_where=text("state IN ('undeliverable', 'bounced')")),
        ForeignKeyConstraint(["alert_id", "clinic_id"], ["alert.id", "alert.clinic_id"]),
        ForeignKeyConstraint(["member_id", "clinic_id"], ["member.id", "member.clinic_id"]),
        ForeignKeyConstraint(["consent_id", "clinic_id"], ["consent.id", "consent.clinic_id"]),
        ForeignKeyConstraint(["digest_id", "clinic_id"], ["member_mail.id", "member_mail.clinic_id"]),
    )

    alert_id: Mapped[uuid.UUID] = mapped_column(index=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("alert_event.id"))
    member_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    consent_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    to_clinic: Mapped[bool] = mapped_column(default=False, server_default=false())
    """To the clinic's address for what nobody acknowledged."""
    stand_in: Mapped[bool] = mapped_column(default=False, server_default=false())
    """To a deputy or somebody on call, from outside the care team, who may see the alert until it is closed."""
    withheld_why: Mapped[Withheld | None] = mapped_column(choice(Withheld, "withheld_why"))
    digest_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    """The digest that counts it."""

    alert: Mapped[Alert] = relationship(lazy="joined", innerjoin=True, foreign_keys=alert_id)
    event: Mapped[AlertEvent] = relationship(lazy="joined", innerjoin=True)
    member: Mapped[Member | None] = relationship(lazy="joined", foreign_keys="AlertEmail.member_id")
    consent: Mapped[Consent | None] = relationship(lazy="joined", foreign_keys="AlertEmail.consent_id")
