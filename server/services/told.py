"""What has been told of patients: the alerts that nobody has closed, and the events that tell of a finding."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import contains_eager, lazyload, load_only

from server.extensions import db
from server.models import Alert, AlertEvent, AlertState
from server.services.listed import any_of


@dataclass(slots=True)
class Told:
    """Of one patient."""

    events: list[AlertEvent] = field(default_factory=list)
    """Those whose finding the record still holds, as far as is known; oldest first."""
    alerts: dict[str, Alert] = field(default_factory=dict)
    """Those that nobody has closed, by rule: there is at most one each."""


def told_about(patient_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Told]:
    """What has been told of each of these patients. The caller holds their rows; the alerts are held from here on."""
    told = {patient_id: Told() for patient_id in patient_ids}
    for alert in db.session.scalars(
        select(Alert)
        .where(Alert.patient_id == any_of(patient_ids), Alert.state != AlertState.RESOLVED)
        .options(lazyload(Alert.patient))
        # In the order of all who hold several.
        .order_by(Alert.id)
        .with_for_update(of=Alert)
        .execution_options(populate_existing=True)
    ):
        told[alert.patient_id].alerts[alert.rule] = alert
    for event in db.session.scalars(
        select(AlertEvent)
        .join(Alert, Alert.id == AlertEvent.alert_id)
        .where(Alert.patient_id == any_of(patient_ids), AlertEvent.stands_on.is_not(None))
        .order_by(AlertEvent.stands_on, AlertEvent.id)
        # There may be a hundred of a patient: without their sentences, and the alerts that are closed without theirs.
        .options(
            load_only(AlertEvent.at, AlertEvent.severity, AlertEvent.day, AlertEvent.stands_on),
            lazyload(AlertEvent.member),
            contains_eager(AlertEvent.alert).options(load_only(Alert.patient_id, Alert.rule), lazyload(Alert.patient)),
        )
    ):
        told[event.alert.patient_id].events.append(event)
    return told
