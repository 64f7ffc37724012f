"""What a patient agreed to, for whom and for what (42 CFR 2.31), and the ledger of what went outside (2.25)."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from server.extensions import Base
from server.models.sealed import Sealed
from server.models.types import CLINIC_IN_FORCE, choice


class ConsentKind(StrEnum):
    PARTICIPATION = "participation"
    """To be monitored: the clinic reads the check-ins, and its care team hears of alerts."""
    DISCLOSURE = "disclosure"
    """Somebody outside the clinic hears that there is an alert."""


class Purpose(StrEnum):
    MONITORING = "monitoring"
    TREATMENT = "treatment"
    SUPPORT = "support"
    OWN_REQUEST = "own_request"


class What(StrEnum):
    """How much and what kind of information."""

    CHECK_INS = "check_ins"
    ALERTS = "alerts"
    URGENT_ALERTS = "urgent_alerts"


class EndedHow(StrEnum):
    """How a consent was withdrawn."""

    BY_PATIENT = "by_patient"
    WITH_PARTICIPATION = "with_participation"
    """Who takes no part any more has nothing to tell anybody outside."""
    EXPIRED = "expired"
    """It was over when another took its place."""


class Consent(Base):
    """One consent. What it says never changes; it ends once, and another one is another row.

    No key refers to the patient: it outlives the patient's own rows, as what was disclosed by it does.
    """

    __tablename__ = "consent"
    __table_args__ = (
        Index(
            "uq_consent_participation",
            "patient_id",
            unique=True,
            postgresql_where=text("kind = 'participation' AND withdrawn_at IS NULL"),
        ),
        Index(
            "uq_consent_recipient",
            "patient_id",
            "recipient_index",
            unique=True,
            postgresql_where=text("kind = 'disclosure' AND withdrawn_at IS NULL"),
        ),
        CheckConstraint(
            "num_nonnulls(recipient_name_sealed, recipient_email_sealed, recipient_index, reference, expires_on)"
            " = CASE WHEN kind = 'disclosure' THEN 5 ELSE 0 END",
            name="recipient",
        ),
        CheckConstraint("(kind = 'participation') = (what = 'check_ins')", name="what_of_kind"),
        CheckConstraint("(kind = 'participation') = (purpose = 'monitoring')", name="purpose_of_kind"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_how IS NULL)", name="withdrawn"),
        UniqueConstraint("clinic_id", "reference"),
        # What refers to a consent names the clinic too, so that the two cannot disagree.
        UniqueConstraint("id", "clinic_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    clinic_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("clinic.id"), server_default=CLINIC_IN_FORCE)
    patient_id: Mapped[uuid.UUID] = mapped_column(index=True)
    kind: Mapped[ConsentKind] = mapped_column(choice(ConsentKind, "kind"))
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose, "purpose"))
    what: Mapped[What] = mapped_column(choice(What, "what"))
    recipient_name_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    recipient_email_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    recipient_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    """What keeps the recipients of one patient apart."""
    reference: Mapped[str | None]
    """All that a mail to the recipient says of whom it is about; the clinic finds the patient by it."""
    wording: Mapped[str]
    """The version of the text that was agreed to."""
    granted_at: Mapped[datetime]
    expires_on: Mapped[date | None]
    """The last local day of the patient on which it holds; None: until it is withdrawn."""
    withdrawn_at: Mapped[datetime | None]
    withdrawn_how: Mapped[EndedHow | None] = mapped_column(choice(EndedHow, "withdrawn_how"))

    recipient_name = Sealed[str | None]("patient_id", "id")
    recipient_email = Sealed[str | None]("patient_id", "id")


class Disclosure(Base):
    """One mail that went outside: what, to whom, when, why. Only ever added to; no key refers to a patient's rows."""

    __tablename__ = "disclosure"
    __table_args__ = (UniqueConstraint("email_id"), Index("ix_disclosure_patient_id_at_id", "patient_id", "at", "id"))

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    clinic_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("clinic.id"), server_default=CLINIC_IN_FORCE)
    patient_id: Mapped[uuid.UUID]
    consent_id: Mapped[uuid.UUID]
    email_id: Mapped[uuid.UUID]
    """Its Message-ID is made from it."""
    at: Mapped[datetime]
    """When the recipient's mail server had taken it."""
    recipient_name_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    recipient_email_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    reference: Mapped[str]
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose, "purpose"))
    what: Mapped[What] = mapped_column(choice(What, "what"))
    severity: Mapped[str]

    recipient_name = Sealed[str]("patient_id", "id")
    recipient_email = Sealed[str]("patient_id", "id")
