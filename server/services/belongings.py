"""Which rows of which table are about one patient."""

import uuid

from sqlalchemy import ColumnElement, Table, select

from server.extensions import Base
from server.models import Alert, Patient


def of_patient(table: Table, patient_id: uuid.UUID) -> ColumnElement[bool] | None:
    """What is true for this patient's rows; None for a table that has rows of no patient.

    A row is a patient's when it names the patient, or an alert about the patient.
    """
    if table is Patient.__table__:
        return table.c.id == patient_id
    if "patient_id" in table.c:
        return table.c.patient_id == patient_id
    if "alert_id" in table.c:
        return table.c.alert_id.in_(select(Alert.id).where(Alert.patient_id == patient_id))
    return None


def tables_of_patients() -> list[Table]:
    """Each after all that it refers to."""
    return [table for table in Base.metadata.sorted_tables if of_patient(table, uuid.UUID(int=0)) is not None]
