"""Who cares for a patient, and so who hears of an alert, in order."""

import uuid
from collections.abc import Sequence

from sqlalchemy import Select, delete, or_, select

from server.errors import Refused
from server.extensions import db
from server.models import Alert, AlertEmail, AlertState, CareTeam, EmailState, Member, Patient, Role
from server.services.identities import Identity
from server.services.listed import any_of


def care_team(patient_id: uuid.UUID) -> Sequence[Member]:
    """Those who hear of this patient, in order: who left the clinic does not."""
    return care_teams([patient_id])[patient_id]


def care_teams(patient_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Member]]:
    """The care team of each of these patients."""
    teams: dict[uuid.UUID, list[Member]] = {patient_id: [] for patient_id in patient_ids}
    for patient_id, member in db.session.execute(
        select(CareTeam.patient_id, Member)
        .join(Member, CareTeam.member_id == Member.id)
        .where(CareTeam.patient_id == any_of(patient_ids), Member.active)
        .order_by(CareTeam.position)
    ):
        teams[patient_id].append(member)
    return teams


def cared_for_by(caller: Identity) -> Select[uuid.UUID]:
    """The patients in this member's care, for a query to ask."""
    return select(CareTeam.patient_id).where(CareTeam.member_id == caller.id)


def told_to(caller: Identity) -> Select[uuid.UUID]:
    """The alerts that a mail has told this member of who stands in, and that are not closed, or by this member."""
    return (
        select(Alert.id)
        .join(AlertEmail, AlertEmail.alert_id == Alert.id)
        .where(
            AlertEmail.member_id == caller.id,
            AlertEmail.stand_in,
            AlertEmail.state.in_((EmailState.QUEUED, EmailState.SENT, EmailState.IN_DIGEST)),
            or_(Alert.state != AlertState.RESOLVED, Alert.resolved_by == caller.id),
        )
    )


def has_alert_of(caller: Identity) -> Select[uuid.UUID]:
    """The patients of those alerts, for as long as one is not closed."""
    return select(Alert.patient_id).where(Alert.state != AlertState.RESOLVED, Alert.id.in_(told_to(caller)))


def replace_care_team(patient: Patient, member_ids: Sequence[uuid.UUID]) -> None:
    """Raises Refused unless each is an active clinician of this clinic."""
    wanted = list(dict.fromkeys(member_ids))
    clinicians = set(
        db.session.scalars(
            select(Member.id).where(
                Member.id.in_(wanted),
                Member.clinic_id == patient.clinic_id,
                Member.role == Role.CLINICIAN,
                Member.active,
            )
        )
    )
    if clinicians != set(wanted):
        raise Refused("care_team", "The care team is made of active clinicians of this clinic.")
    db.session.execute(delete(CareTeam).where(CareTeam.patient_id == patient.id))
    db.session.add_all(
        CareTeam(patient_id=patient.id, member_id=member_id, position=position)
        for position, member_id in enumerate(wanted, start=1)
    )
    db.session.flush()
    db.session.expire(patient, ["team"])
