"""The ledger of what went outside: what, to whom, when, by which consent (42 CFR 2.25)."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, tuple_

from server.extensions import db
from server.models import Action, Actor, AlertEmail, Disclosure
from server.services import audit
from server.services.pages import Cursor


def record(email: AlertEmail, now: datetime) -> None:
    """One line for one mail, with all that it names: it outlives the consent and the patient's own rows."""
    consent = email.consent
    if consent is None or consent.recipient_name is None or consent.recipient_email is None:
        raise RuntimeError("what goes outside goes by a consent that names its recipient")
    line = Disclosure(
        id=uuid.uuid4(),
        clinic_id=email.clinic_id,
        patient_id=consent.patient_id,
        consent_id=consent.id,
        email_id=email.id,
        at=now,
        reference=consent.reference,
        purpose=consent.purpose,
        what=consent.what,
        severity=email.event.severity,
    )
    line.recipient_name, line.recipient_email = consent.recipient_name, consent.recipient_email
    db.session.add(line)
    audit.record(Action.DISCLOSED, Actor.SERVICE, consent.patient_id, disclosure=line.id, consent=consent.id)
    db.session.flush()


def list_disclosures(patient_id: uuid.UUID, cursor: Cursor | None, limit: int) -> Sequence[Disclosure]:
    """Newest first."""
    found = (
        select(Disclosure)
        .where(Disclosure.patient_id == patient_id)
        .order_by(Disclosure.at.desc(), Disclosure.id.desc())
        .limit(limit)
    )
    if cursor:
        found = found.where(tuple_(Disclosure.at, Disclosure.id) < tuple_(cursor.at, cursor.id))
    return db.session.scalars(found).all()
