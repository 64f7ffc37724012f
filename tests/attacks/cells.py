"""Who gets which status from which route: written down here, held by test_s01_access."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
from tests.factories import (
    OUTCOME_NOTE,
    PASSWORD,
    consent_body,
    course_body,
    mfa_code,
    new_id,
)

ACTORS = ("ada", "eve", "gil", "bob", "dan", "carol", "alice", "frank", "dora")


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
