"""Consents: granted and withdrawn by the patient alone, seen by the care team, one in force for each recipient."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from server.extensions import db
from server.services.wordings import EARLIER, WORDINGS
from tests.api.problem import assert_problem, pointers
from tests.audited import events
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import digest, digest_but_audit, one, rows
from tests.factories import GRAY, GRAY_NAME, Actors, consent_body, make_patient, signed_in

PARTICIPATION = {"kind": "participation", "wording": "participation-2"}
KNOWN_BEFORE = "7e32b1fa5dd6e350"
IN_FORCE = "SELECT kind FROM consent WHERE withdrawn_at IS NULL ORDER BY kind"


@pytest.fixture
def ada(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.ada)


def grant(client: FlaskClient, headers: dict[str, str], body: dict[str, Any]) -> TestResponse:
    return client.post("/v1/consents", json=body, headers=headers)


def listed(client: FlaskClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/v1/consents", headers=headers).get_json()["items"]
    return found


def withdraw(client: FlaskClient, headers: dict[str, str], kind: str) -> None:
    for consent in listed(client, headers):
        if consent["kind"] == kind and consent["withdrawn_at"] is None:
            assert client.delete(f"/v1/consents/{consent['id']}", headers=headers).status_code == 204


def test_the_enrolment_records_participation(client: FlaskClient, ada: dict[str, str], clock: Clock) -> None:
    (consent,) = listed(client, ada)
    assert consent | {"id": None} == {
        "id": None,
        "kind": "participation",
        "purpose": "monitoring",
        "what": "check_ins",
        "recipient_name": None,
        "recipient_email": None,
        "reference": None,
        "wording": "participation-2",
        "granted_at": clock().isoformat().replace("+00:00", "Z"),
        "expires_on": None,
        "withdrawn_at": None,
        "withdrawn_how": None,
    }


def test_the_words_are_shown_to_anybody(client: FlaskClient) -> None:
    shown = {item["kind"]: item for item in client.get("/v1/wordings").get_json()["items"]}
    assert {kind: item["version"] for kind, item in shown.items()} == {
        "participation": "participation-2", "disclosure": "disclosure-1"
    }  # fmt: skip
    assert all("withdraw" in item["text"] for item in shown.values())


def test_what_somebody_agreed_to_is_still_known_word_for_word() -> None:
    """A text that changes gets a version of its own, and the one before stays as it was."""
    texts = [wording.version + wording.text for wording in EARLIER]
    assert hashlib.sha256("".join(texts).encode()).hexdigest()[:16] == KNOWN_BEFORE
    versions = [wording.version for wording in (*EARLIER, *WORDINGS.values())]
    assert len(set(versions)) == len(versions)


def test_an_earlier_wording_cannot_be_agreed_to_any_more(client: FlaskClient, ada: dict[str, str]) -> None:
    for wording in EARLIER:
        answer = client.post("/v1/consents", json={"kind": wording.kind, "wording": wording.version}, headers=ada)
        assert_problem(answer, 422)
        assert pointers(answer) == ["#/wording"]


def test_a_recipient_outside_is_named_and_sealed(client: FlaskClient, ada: dict[str, str], clock: Clock) -> None:
    said = consent_body(clock())
    answer = grant(client, ada, said)
    assert answer.status_code == 201
    made = answer.get_json()
    assert {name: made[name] for name in said} == said
    assert len(made["reference"]) == len("7K4M-QXW2")
    assert made in listed(client, ada)
    kept = one("SELECT consent::text FROM consent WHERE kind = 'disclosure'")
    for secret in (GRAY, GRAY_NAME):
        assert secret not in kept
        assert secret.encode().hex() not in kept


def test_each_is_audited(app: Flask, client: FlaskClient, actors: Actors, ada: dict[str, str], clock: Clock) -> None:
    consent = grant(client, ada, consent_body(clock())).get_json()["id"]
    client.get(f"/v1/patients/{actors.ada.id}/consents", headers=signed_in(app, actors.bob))
    withdraw(client, ada, "disclosure")
    mine, what = ("patient", actors.ada.id, [actors.ada.id]), {"consent": consent}
    assert events() == [
        ("consent_granted", *mine, what),
        ("consents_read", "member", actors.bob.id, [actors.ada.id], {}),
        ("consent_withdrawn", *mine, what),
    ]


def test_withdrawn_it_stays_on_record(client: FlaskClient, ada: dict[str, str], clock: Clock) -> None:
    made = grant(client, ada, consent_body(clock())).get_json()
    clock.pass_by(minutes=10)
    withdraw(client, ada, "disclosure")
    at = clock().isoformat().replace("+00:00", "Z")
    assert made | {"withdrawn_at": at, "withdrawn_how": "by_patient"} in listed(client, ada)
    before = digest()
    assert client.delete(f"/v1/consents/{made['id']}", headers=ada).status_code == 204
    assert digest() == before


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"wording": "disclosure-0"}, "wording"),
        ({"wording": "participation-2"}, "wording"),
        ({"purpose": "monitoring"}, "purpose"),
        ({"what": "check_ins"}, "what"),
        ({"recipient_email": "no address"}, "recipient_email"),
        ({"recipient_name": ""}, "recipient_name"),
        ({"expires_on": "2026-05-03"}, "expires_on"),
        ({"expires_on": "2028-05-05"}, "expires_on"),
        ({"kind": "participation", "wording": "participation-2"}, "purpose"),
    ],
)
def test_what_no_consent_can_say_is_refused(
    client: FlaskClient, ada: dict[str, str], clock: Clock, wrong: dict[str, str], field: str
) -> None:
    before = digest()
    answer = grant(client, ada, consent_body(clock()) | wrong)
    assert_problem(answer, 422)
    assert f"#/{field}" in pointers(answer)
    assert digest() == before


@pytest.mark.parametrize("missing", ["purpose", "what", "recipient_name", "recipient_email", "expires_on"])
def test_a_disclosure_needs_every_element(client: FlaskClient, ada: dict[str, str], clock: Clock, missing: str) -> None:
    said = consent_body(clock())
    del said[missing]
    answer = grant(client, ada, said)
    assert_problem(answer, 422)
    assert pointers(answer) == [f"#/{missing}"]


def test_its_first_and_its_last_possible_day(client: FlaskClient, ada: dict[str, str], clock: Clock) -> None:
    for number, day in enumerate(("2026-05-04", "2028-05-04")):
        body = consent_body(clock(), f"{number}@outside.example", expires_on=day)
        assert grant(client, ada, body).status_code == 201


def test_one_consent_for_each_recipient_is_in_force(
    app: Flask, client: FlaskClient, actors: Actors, ada: dict[str, str], clock: Clock
) -> None:
    assert grant(client, ada, consent_body(clock())).status_code == 201
    assert_problem(grant(client, ada, consent_body(clock(), GRAY.upper())), 409)
    withdraw(client, ada, "disclosure")
    assert grant(client, ada, consent_body(clock(), what="urgent_alerts")).status_code == 201
    # What has expired is in nobody's way.
    clock.pass_by(days=181)
    assert grant(client, signed_in(app, actors.ada), consent_body(clock())).status_code == 201
    assert rows("SELECT withdrawn_how FROM consent WHERE kind = 'disclosure' ORDER BY granted_at, withdrawn_at") == [
        ("by_patient",), ("expired",), (None,)
    ]  # fmt: skip


def test_two_patients_may_name_the_same_recipient(
    app: Flask, client: FlaskClient, actors: Actors, ada: dict[str, str], clock: Clock
) -> None:
    eve = signed_in(app, make_patient(actors.bob, clock()))
    assert [grant(client, who, consent_body(clock())).status_code for who in (ada, eve)] == [201, 201]
    assert one("SELECT count(DISTINCT recipient_index) FROM consent") == 2


def test_only_so_many_can_be_mailed(client: FlaskClient, ada: dict[str, str], clock: Clock) -> None:
    answers = [grant(client, ada, consent_body(clock(), f"{number}@outside.example")) for number in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [409]


def test_granted_twice_at_once_it_is_one(app: Flask, client: FlaskClient, ada: dict[str, str], clock: Clock) -> None:
    answers = concurrently(app, *[lambda: grant(client, ada, consent_body(clock())).status_code] * 3)
    assert sorted(answers) == [201, 409, 409]


def test_withdrawn_and_granted_again_it_is_another_consent(
    client: FlaskClient, ada: dict[str, str], clock: Clock
) -> None:
    assert_problem(grant(client, ada, PARTICIPATION), 409)
    assert grant(client, ada, consent_body(clock())).status_code == 201
    withdraw(client, ada, "participation")
    assert rows(IN_FORCE) == []
    assert_problem(grant(client, ada, consent_body(clock())), 409)
    assert grant(client, ada, PARTICIPATION).status_code == 201
    # The recipients outside are named anew, or not.
    assert rows(IN_FORCE) == [("participation",)]
    hows = [(item["kind"], item["withdrawn_how"]) for item in listed(client, ada)]
    assert sorted(hows, key=str) == [
        ("disclosure", "with_participation"), ("participation", "by_patient"), ("participation", None)
    ]  # fmt: skip


def test_staff_see_and_do_not_withdraw(
    app: Flask, client: FlaskClient, actors: Actors, ada: dict[str, str], clock: Clock
) -> None:
    grant(client, ada, consent_body(clock()))
    before = digest_but_audit()
    for member in (actors.bob, actors.alice_admin):
        seen = client.get(f"/v1/patients/{actors.ada.id}/consents", headers=signed_in(app, member)).get_json()
        assert seen["items"] == listed(client, ada)
        for consent in seen["items"]:
            answer = client.delete(f"/v1/consents/{consent['id']}", headers=signed_in(app, member))
            assert_problem(answer, 403)
    assert digest_but_audit() | {"sign_in": ""} == before | {"sign_in": ""}


def test_the_app_role_ends_a_consent_and_rewrites_none(
    app: Flask, client: FlaskClient, actors: Actors, ada: dict[str, str], clock: Clock
) -> None:
    grant(client, ada, consent_body(clock()))
    for change in (
        "UPDATE consent SET granted_at = granted_at - interval '1 year'",
        "UPDATE consent SET expires_on = expires_on + 365",
        "UPDATE consent SET what = 'alerts'",
        "UPDATE consent SET recipient_email_sealed = ''",
        "UPDATE consent SET patient_id = patient_id",
        "TRUNCATE consent",
        "UPDATE disclosure SET at = now()",
        "DELETE FROM disclosure",
        "TRUNCATE disclosure",
    ):
        with db.engine.connect() as connection, pytest.raises(DBAPIError) as refused:
            connection.execute(text(change))
        assert isinstance(refused.value.orig, errors.InsufficientPrivilege), change


def test_an_invite_for_a_new_phone_grants_nothing(
    app: Flask, client: FlaskClient, actors: Actors, ada: dict[str, str], clock: Clock
) -> None:
    withdraw(client, ada, "participation")
    bob = signed_in(app, actors.bob)
    code = client.post(f"/v1/patients/{actors.ada.id}/invites", headers=bob).get_json()["code"]
    clock.pass_by(seconds=1)
    said = {"code": code, "password": "another battery horse", "device": "new", "zone": "America/New_York"}
    assert client.post("/v1/enrollments", json=said).status_code == 201
    assert rows(IN_FORCE) == []
    assert rows("SELECT withdrawn_at, due_at FROM patient JOIN watch ON patient_id = id") == [
        (clock() - timedelta(seconds=1), None)
    ]
