"""Who saw or changed what of whom: a chain of events for each clinic, which is only ever added to."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.types import CLINIC_IN_FORCE


class Actor(StrEnum):
    """What kind of somebody did it."""

    MEMBER = "member"
    PATIENT = "patient"
    OPERATOR = "operator"
    """Whoever runs the service, by a command."""
    SERVICE = "service"
    """The service: one of its jobs, or for somebody who did not have to say who they are."""


class Action(StrEnum):
    """All that is audited."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    SIGN_OUT_EVERYWHERE = "sign_out_everywhere"
    REFRESH_REUSED = "refresh_reused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # what happened, not one  # nosec B105  # no secret
    PASSWORD_RESET_MAILED = "password_reset_mailed"  # noqa: S105  # what happened, not one  # nosec B105  # no secret
    PASSWORD_RESET = "password_reset"  # noqa: S105  # as above  # nosec B105  # no secret
    SECOND_STEP_SET_UP = "second_step_set_up"
    SECOND_STEP_REMOVED = "second_step_removed"
    DEVICE_REVOKED = "device_revoked"
    ENROLLED = "enrolled"
    EXPORTED = "exported"
    CONSENT_GRANTED = "consent_granted"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENTS_READ = "consents_read"
    DISCLOSED = "disclosed"
    DISCLOSURES_READ = "disclosures_read"
    ERASED = "erased"
    ERASURES_LISTED = "erasures_listed"
    PATIENTS_LISTED = "patients_listed"
    PATIENT_READ = "patient_read"
    PATIENT_CREATED = "patient_created"
    PATIENT_CHANGED = "patient_changed"
    PATIENT_INVITED = "patient_invited"
    CHECK_INS_READ = "check_ins_read"
    URGES_READ = "urges_read"
    QUARANTINE_READ = "quarantine_read"
    QUARANTINE_SETTLED = "quarantine_settled"
    ZONES_READ = "zones_read"
    ADHERENCE_READ = "adherence_read"
    TREND_READ = "trend_read"
    CHART_READ = "chart_read"
    COURSES_READ = "courses_read"
    COURSE_CREATED = "course_created"
    COURSE_CHANGED = "course_changed"
    SESSIONS_READ = "sessions_read"
    SESSION_CHANGED = "session_changed"
    ALERTS_LISTED = "alerts_listed"
    ALERT_READ = "alert_read"
    ALERT_ACKNOWLEDGED = "alert_acknowledged"
    ALERT_RESOLVED = "alert_resolved"
    ALERT_EXPLAINED = "alert_explained"
    BREAK_GLASS = "break_glass"
    RESTORED = "restored"
    CLINIC_CHANGED = "clinic_changed"
    ROUTING_CHANGED = "routing_changed"
    ROTA_CHANGED = "rota_changed"
    """Who is on call, or away."""
    WORKLIST_READ = "worklist_read"
    MEMBER_ADDED = "member_added"
    MEMBER_CHANGED = "member_changed"
    AUDIT_READ = "audit_read"


class AuditEvent(Base):
    """One event. It names by ids, says nothing of anybody, and refers to no row: it outlives what it names.

    Action and actor are plain text here, so that the verifier can read whatever somebody put there.
    """

    __tablename__ = "audit_event"

    clinic_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("clinic.id"), primary_key=True, server_default=CLINIC_IN_FORCE
    )
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """1, 2, 3 within the clinic, with no gap."""
    at: Mapped[datetime]
    actor: Mapped[str]
    actor_id: Mapped[uuid.UUID | None]
    action: Mapped[str]
    patients: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid()))
    """Whose record was shown or changed: of a list, everybody on it."""
    what: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """Ids of what else it was about."""
    request_id: Mapped[str | None]
    """As in the answer and in the log; None for a command or a job."""
    key_id: Mapped[str]
    """Which of AUDIT_KEYS made the link."""
    link: Mapped[bytes]
    """HMAC-SHA-256 of the link before and of this row."""


class AuditHead(Base):
    """Where a clinic's chain ends: locked by whoever adds to it, and last of all that a transaction locks."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("seq >= 0", name="seq"),)

    clinic_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("clinic.id"), primary_key=True, server_default=CLINIC_IN_FORCE
    )
    seq: Mapped[int] = mapped_column(BigInteger)
    link: Mapped[bytes]
    at: Mapped[datetime | None]
