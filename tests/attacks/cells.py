"""Who gets which status from which route: written down here, held by test_s01_access."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server.api.tokens import lasting
from server.extensions import db
from server.models import Alert, Answer, Member, Patient, QuarantinedItem, Role, TmsSession
from server.services import check_ins, consents, courses, identities, quarantine, rota, sign_ins, urges
from server.services.care_teams import replace_care_team
from server.services.quarantine import Refusal
from tests.attacks.good_bodies import (
    a_check_in,
    a_duty,
    a_limits,
    a_member,
    a_password,
    a_patient,
    a_push,
    a_routing,
    a_sync,
    a_urge,
    an_absence,
)
from tests.database import change
from tests.factories import (
    OUTCOME_NOTE,
    PASSWORD,
    TOTP_SECRET,
    Actors,
    check_in_body,
    consent_body,
    course_body,
    days_later,
    disclosure_fields,
    make_member,
    make_patient,
    mfa_code,
    new_id,
    urge_body,
)

ACTORS = ("ada", "eve", "gil", "bob", "dan", "carol", "alice", "frank", "dora")


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


@dataclass(frozen=True, slots=True)
class Cell:
    """The status for each of ACTORS, and the body that is sent."""

    statuses: str
    body: Callable[[datetime], dict[str, Any]] | None = None

    def expected(self) -> dict[str, int]:
        return dict(zip(ACTORS, map(int, self.statuses.split()), strict=True))


CELLS = {
    #                                                        ada eve gil bob dan carol alice frank dora
    ("POST", "/v1/tokens/refresh"): Cell("201 201 201 201 201 201 201 201 201"),
    ("DELETE", "/v1/tokens/current"): Cell("204 204 204 204 204 204 204 204 204"),
    ("DELETE", "/v1/tokens"): Cell("204 204 204 204 204 204 204 204 204"),
    ("GET", "/v1/me"): Cell("200 200 200 200 200 200 200 200 200"),
    ("PATCH", "/v1/me"): Cell(
        "200 200 200 403 403 403 403 403 403",
        lambda _: {"zone": "Europe/London", "language": "es", "reminder_time": "20:00"},
    ),
    ("GET", "/v1/me/push"): Cell("200 200 200 403 403 403 403 403 403"),
    ("PUT", "/v1/me/push"): Cell("200 200 200 403 403 403 403 403 403", a_push),
    ("DELETE", "/v1/me/push"): Cell("204 204 204 403 403 403 403 403 403"),
    ("GET", "/v1/me/export"): Cell("200 200 200 403 403 403 403 403 403"),
    # Ada's urgent alert is open.
    ("DELETE", "/v1/me"): Cell("409 200 200 403 403 403 403 403 403", lambda _: {"password": PASSWORD}),
    # Bob and Dan have begun, Alice and Frank are done.
    ("POST", "/v1/me/mfa"): Cell("403 403 403 201 201 201 409 409 201", lambda _: {"password": PASSWORD}),
    ("POST", "/v1/me/mfa/confirm"): Cell(
        "403 403 403 201 201 409 409 409 409", lambda now: {"mfa_code": mfa_code(now)}
    ),
    ("DELETE", "/v1/me/mfa"): Cell(
        "403 403 403 409 409 409 204 204 409", lambda now: {"password": PASSWORD, "mfa_code": mfa_code(now)}
    ),
    ("POST", "/v1/me/password"): Cell("201 201 201 201 201 201 201 201 201", a_password),
    ("GET", "/v1/me/devices"): Cell("200 200 200 200 200 200 200 200 200"),
    ("DELETE", "/v1/me/devices/<uuid:device_id>"): Cell("204 404 404 404 404 404 404 404 404"),
    ("GET", "/v1/today"): Cell("200 200 200 403 403 403 403 403 403"),
    ("PUT", "/v1/check-ins/<uuid:check_in_id>"): Cell("201 201 403 403 403 403 403 403 403", a_check_in),
    ("GET", "/v1/check-ins/<uuid:check_in_id>"): Cell("200 404 404 403 403 403 403 403 403"),
    ("GET", "/v1/check-ins"): Cell("200 200 200 403 403 403 403 403 403"),
    ("PUT", "/v1/urges/<uuid:urge_id>"): Cell("201 201 403 403 403 403 403 403 403", a_urge),
    ("GET", "/v1/urges/<uuid:urge_id>"): Cell("200 404 404 403 403 403 403 403 403"),
    ("GET", "/v1/urges"): Cell("200 200 200 403 403 403 403 403 403"),
    ("POST", "/v1/sync"): Cell("200 200 200 403 403 403 403 403 403", a_sync),
    ("GET", "/v1/sessions"): Cell("200 200 200 403 403 403 403 403 403"),
    ("GET", "/v1/consents"): Cell("200 200 200 403 403 403 403 403 403"),
    ("POST", "/v1/consents"): Cell(
        "201 201 409 403 403 403 403 403 403", lambda now: consent_body(now, f"{new_id()}@outside.example")
    ),
    ("DELETE", "/v1/consents/<uuid:consent_id>"): Cell("204 404 404 403 403 403 403 403 403"),
    ("GET", "/v1/disclosures"): Cell("200 200 200 403 403 403 403 403 403"),
    ("GET", "/v1/patients/<uuid:patient_id>/consents"): Cell("403 403 403 200 404 404 200 404 403"),
    ("GET", "/v1/patients/<uuid:patient_id>/disclosures"): Cell("403 403 403 200 404 404 200 404 403"),
    ("GET", "/v1/patients"): Cell("403 403 403 200 200 200 200 200 200"),
    ("POST", "/v1/patients"): Cell("403 403 403 201 201 201 201 201 403", a_patient),
    ("GET", "/v1/patients/<uuid:patient_id>"): Cell("403 403 403 200 404 404 200 404 200"),
    ("PATCH", "/v1/patients/<uuid:patient_id>"): Cell(
        "403 403 403 200 404 404 200 404 403", lambda now: {**a_patient(now), "active": True}
    ),
    ("POST", "/v1/patients/<uuid:patient_id>/invites"): Cell("403 403 403 201 404 404 201 404 403"),
    ("GET", "/v1/patients/<uuid:patient_id>/check-ins"): Cell("403 403 403 200 404 404 403 403 403"),
    ("GET", "/v1/patients/<uuid:patient_id>/check-ins/<uuid:check_in_id>/versions"): Cell(
        "403 403 403 200 404 404 403 403 403"
    ),
    ("GET", "/v1/patients/<uuid:patient_id>/urges"): Cell("403 403 403 200 404 404 403 403 403"),
    ("GET", "/v1/patients/<uuid:patient_id>/urges/<uuid:urge_id>/versions"): Cell(
        "403 403 403 200 404 404 403 403 403"
    ),
    ("GET", "/v1/patients/<uuid:patient_id>/quarantine"): Cell("403 403 403 200 404 404 403 403 403"),
    ("POST", "/v1/patients/<uuid:patient_id>/quarantine/<uuid:quarantined_id>/resolve"): Cell(
        "403 403 403 200 404 404 403 403 403", lambda _: {"outcome": "entered", "reason": "asked on the phone"}
    ),
    ("GET", "/v1/patients/<uuid:patient_id>/zones"): Cell("403 403 403 200 404 404 200 404 200"),
    ("GET", "/v1/patients/<uuid:patient_id>/adherence"): Cell("403 403 403 200 404 404 200 404 200"),
    ("GET", "/v1/trend"): Cell("200 200 200 403 403 403 403 403 403"),
    ("GET", "/v1/patients/<uuid:patient_id>/trend"): Cell("403 403 403 200 404 404 403 403 403"),
    ("GET", "/v1/patients/<uuid:patient_id>/chart.svg"): Cell("403 403 403 200 404 404 403 403 403"),
    ("GET", "/v1/patients/<uuid:patient_id>/courses"): Cell("403 403 403 200 404 404 200 404 200"),
    ("POST", "/v1/patients/<uuid:patient_id>/courses"): Cell(
        "403 403 403 201 404 404 201 404 403", lambda _: course_body()
    ),
    ("PATCH", "/v1/courses/<uuid:course_id>"): Cell(
        "403 403 403 200 404 404 200 404 403", lambda _: {"planned_sessions": 3}
    ),
    ("GET", "/v1/courses/<uuid:course_id>/sessions"): Cell("403 403 403 200 404 404 200 404 200"),
    ("PATCH", "/v1/sessions/<uuid:session_id>"): Cell(
        "403 403 403 200 404 404 200 404 200",
        lambda _: {"state": "attended", "starts_at": "2026-05-05T14:00:00-04:00"},
    ),
    ("GET", "/v1/clinic"): Cell("403 403 403 403 403 403 200 200 403"),
    ("PATCH", "/v1/clinic"): Cell("403 403 403 403 403 403 200 200 403", a_limits),
    ("GET", "/v1/members"): Cell("403 403 403 403 403 403 200 200 403"),
    ("POST", "/v1/members"): Cell("403 403 403 403 403 403 201 201 403", a_member),
    ("GET", "/v1/erasures"): Cell("403 403 403 200 200 200 200 200 200"),
    ("PATCH", "/v1/members/<uuid:member_id>"): Cell(
        "403 403 403 403 403 403 200 404 403",
        lambda _: {"role": "clinician", "active": True, "email": "bob@clinic.example"},
    ),
    ("GET", "/v1/alerts"): Cell("403 403 403 200 200 200 403 403 403"),
    ("GET", "/v1/alerts/<uuid:alert_id>"): Cell("403 403 403 200 404 404 403 403 403"),
    ("POST", "/v1/alerts/<uuid:alert_id>/acknowledge"): Cell("403 403 403 200 404 404 403 403 403"),
    ("POST", "/v1/alerts/<uuid:alert_id>/resolve"): Cell(
        "403 403 403 200 404 404 403 403 403",
        lambda _: {"outcome": "contacted_patient", "note": OUTCOME_NOTE},
    ),
    ("GET", "/v1/alerts/figures"): Cell("403 403 403 200 200 200 200 200 403"),
    ("GET", "/v1/clinic/routing"): Cell("403 403 403 403 403 403 200 200 403"),
    ("PATCH", "/v1/clinic/routing"): Cell("403 403 403 403 403 403 200 200 403", a_routing),
    ("PUT", "/v1/clinic/webhook"): Cell(
        "403 403 403 403 403 403 201 201 403", lambda _: {"url": "https://hook.clinic.example/alerts"}
    ),
    ("DELETE", "/v1/clinic/webhook"): Cell("403 403 403 403 403 403 204 204 403"),
    ("GET", "/v1/on-call"): Cell("403 403 403 200 200 200 200 200 200"),
    ("POST", "/v1/members/<uuid:member_id>/on-call"): Cell("403 403 403 403 403 403 201 404 201", a_duty),
    # Alice was first, and it is gone; so was Bob with his absence.
    ("DELETE", "/v1/on-call/<uuid:on_call_id>"): Cell("403 403 403 403 403 403 204 404 404"),
    ("GET", "/v1/absences"): Cell("403 403 403 200 200 200 200 200 200"),
    # A clinician's own.
    ("POST", "/v1/members/<uuid:member_id>/absences"): Cell("403 403 403 201 404 404 201 404 201", an_absence),
    ("DELETE", "/v1/absences/<uuid:absence_id>"): Cell("403 403 403 204 404 404 404 404 404"),
    ("GET", "/v1/worklist"): Cell("403 403 403 403 403 403 200 200 403"),
    ("GET", "/v1/audit-events"): Cell("403 403 403 403 403 403 200 200 403"),
    # The last, for whoever broke the glass sees more.
    ("POST", "/v1/patients/<uuid:patient_id>/break-glass"): Cell(
        "403 403 403 409 201 404 403 403 403", lambda _: {"reason": "on call, the patient is at the door"}
    ),
}
# Nobody needs to be signed in for these; their bodies are tried by test_s08_parser.
PUBLIC: dict[tuple[str, str], Callable[[datetime], dict[str, Any]] | None] = {
    ("POST", "/v1/enrollments"): lambda _: {
        "code": "7K4M-QXW2-9TFB",
        "password": "correct horse battery",
        "device": "phone",
        "zone": "America/New_York",
    },
    ("POST", "/v1/tokens"): lambda _: {"email": "nobody@clinic.example", "password": PASSWORD, "device": "phone"},
    ("POST", "/v1/password-resets"): lambda _: {"email": "nobody@clinic.example"},
    ("POST", "/v1/password-resets/redeem"): lambda _: {"token": "x" * 43, "password": PASSWORD},
    ("GET", "/v1/wordings"): None,
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("GET", "/metrics"): None,
    ("GET", "/openapi.json"): None,
    ("GET", "/problems"): None,
    ("GET", "/problems/<slug>"): None,
}
