"""What there is of Ada's, and everybody who may ask for it."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.api.tokens import lasting
from server.extensions import db
from server.models import Alert, Answer, Member, Patient, QuarantinedItem, Role, TmsSession
from server.services import check_ins, consents, courses, identities, quarantine, rota, sign_ins, urges
from server.services.care_teams import replace_care_team
from server.services.quarantine import Refusal
from tests.database import change
from tests.factories import (
    TOTP_SECRET,
    Actors,
    check_in_body,
    course_body,
    days_later,
    disclosure_fields,
    make_member,
    make_patient,
    new_id,
    urge_body,
)


@dataclass(frozen=True, slots=True)
class Things:
    """What there is of Ada's, and everybody who may ask for it."""

    patient: uuid.UUID
    course: uuid.UUID
    session: uuid.UUID
    alert: uuid.UUID
    device: uuid.UUID
    consent: uuid.UUID
    """That Dr. Gray hears of alerts."""
    check_in: uuid.UUID
    urge: uuid.UUID
    quarantined: uuid.UUID
    """What Ada's phone sent and we could not take."""
    member: uuid.UUID
    """Bob: a member of Alice's clinic."""
    on_call: uuid.UUID
    absence: uuid.UUID
    """Bob's, both of another month."""
    people: dict[str, Member | Patient]
    now: datetime

    def url(self, rule: str, *, missing: bool = False) -> str:
        """The address of Ada's own, or of what does not exist."""
        for name in set(self.__slots__) - {"people", "now"}:
            wanted = new_id() if missing else str(getattr(self, name))
            rule = rule.replace(f"<uuid:{name}_id>", wanted)
        return rule


def make_things(actors: Actors, now: datetime) -> Things:
    """Eve is another patient of Bob's, and so is Gil, who withdrew; Dan works with Bob but is in nobody's
    team; Frank is admin elsewhere.

    Dora keeps the schedule of Bob's clinic.
    """
    ada = actors.ada
    course = courses.create_course(identities.of_member(actors.bob), ada.id, _course(), now)
    device = sign_ins.begin(identities.of_patient(ada), "old phone", lasting(), now).sign_in_id
    yes = check_in_body(now, self_harm_thoughts=Answer.YES) | {"recorded_at": now}
    check_in = uuid.uuid4()
    check_ins.put_check_in(ada.id, check_in, yes, now)
    urge = uuid.uuid4()
    urges.put_urge(ada.id, urge, urge_body(now) | {"recorded_at": now}, now)
    quarantine.keep(ada.id, [Refusal("urge", uuid.uuid4(), {"craving": 11}, "invalid", ["#/craving"])], now)
    quarantined = db.session.query(QuarantinedItem.id).filter_by(patient_id=ada.id).scalar()
    consent = consents.grant(identities.of_patient(ada), disclosure_fields(now), now).id
    db.session.commit()
    people: dict[str, Member | Patient] = {
        "ada": ada,
        "eve": make_patient(actors.bob, now),
        "gil": _withdrawn(make_patient(actors.bob, now), now),
        "bob": actors.bob,
        "dan": make_member(actors.clinic, Role.CLINICIAN, "Dan", now),
        "carol": actors.carol,
        "alice": actors.alice_admin,
        "frank": make_member(actors.elsewhere, Role.ADMIN, "Frank", now),
        "dora": make_member(actors.clinic, Role.COORDINATOR, "Dora", now),
    }
    for begun in (people["bob"], people["dan"]):
        begin_second_step(begun)
    alice, next_month = identities.of_member(actors.alice_admin), days_later(now, 30)
    on_call = rota.add_on_call(alice, actors.bob.id, next_month, days_later(next_month, 1), now)
    absence = rota.add_absence(alice, actors.bob.id, next_month.date(), next_month.date(), None, now)
    db.session.commit()
    session = db.session.query(TmsSession).filter_by(patient_id=ada.id, number=1).one()
    alert = db.session.query(Alert).filter_by(patient_id=ada.id).one()
    return Things(
        ada.id,
        course.id,
        session.id,
        alert.id,
        device,
        consent,
        check_in,
        urge,
        quarantined,
        actors.bob.id,
        on_call.id,
        absence.id,
        people,
        now,
    )


def _withdrawn(patient: Patient, now: datetime) -> Patient:
    """Who takes no part any more."""
    (consent,) = consents.list_consents(patient.id)
    consents.withdraw(identities.of_patient(patient), consent.id, now)
    db.session.commit()
    return patient


def disable(account: Member | Patient) -> None:
    table = "patient" if isinstance(account, Patient) else "member"
    change(f"UPDATE {table} SET active = false WHERE id = :id", id=account.id)  # noqa: S608


def begin_second_step(account: Member | Patient) -> None:
    """A secret is there and waits to be confirmed."""
    if isinstance(account, Member):
        account.totp, account.totp_since = TOTP_SECRET, None
    db.session.commit()


def remove_from_team(things: Things) -> None:
    replace_care_team(db.session.get_one(Patient, things.patient), [things.people["dan"].id])
    db.session.commit()


def _course() -> dict[str, Any]:
    said = course_body()
    return said | {"first_day": datetime.fromisoformat(said["first_day"]).date()}
