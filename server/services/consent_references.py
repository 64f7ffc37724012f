"""The reference of a consent: all that a mail outside says of whom it is about."""

import uuid

from sqlalchemy import Select, exists, select

from server.extensions import db
from server.models import Consent
from server.services.codes import new_code, normal_code

SYMBOLS = 8


def unused_reference() -> str:
    while True:
        reference = new_code(SYMBOLS)
        if not db.session.scalar(select(exists().where(Consent.reference == reference))):
            return reference


def named_by(reference: str) -> Select[uuid.UUID]:
    """Whose consent it is, for a query to ask; also of one that is over, for whoever calls late."""
    return select(Consent.patient_id).where(Consent.reference == normal_code(reference))
