"""How alerts reach people, as an admin sets it; who is on call and who is away; what must be mended."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.models import Member, Role
from server.services.routes import routing_of
from server.trends import Severity
from tests.api.problem import assert_problem, pointers
from tests.attacks.good_bodies import a_duty, a_routing, an_absence
from tests.conftest import Clock
from tests.database import change, digest, one, rows
from tests.factories import Actors, make_member, new_id, signed_in
from tests.services.test_alerts import tell

HOOK = {"url": "https://hook.clinic.example/alerts"}


@pytest.fixture
def alice(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.alice_admin)


def test_what_is_set_is_shown_and_the_rest_stays(client: FlaskClient, alice: dict[str, str], clock: Clock) -> None:
    before = client.get("/v1/clinic/routing", headers=alice).get_json()
    assert (before["urgent_minutes"], before["quiet_from"], before["has_webhook"]) == (15, "19:00", False)
    assert before["digest_due_at"] == "2026-05-05T11:30:00Z"
    said = a_routing(clock())
    changed = client.patch("/v1/clinic/routing", json=said, headers=alice).get_json()
    # The time of the digest is another, and so is when the next is due.
    assert changed == before | said | {"digest_due_at": "2026-05-05T11:00:00Z"}
    again = client.patch("/v1/clinic/routing", json={"escalation_email": None}, headers=alice).get_json()
    assert again == changed | {"escalation_email": None}


@pytest.mark.parametrize(
    "said",
    [
        {"urgent_minutes": 4}, {"urgent_minutes": 1441}, {"urgent_minutes": 7.5}, {"prompt_minutes": 14},
        {"routine_minutes": 59}, {"quiet_from": "24:00"}, {"digest_at": None}, {"escalation_email": "front desk"},
        {"escalation_email": "a@b.example\r\nBcc: c@d.example"}, {"webhook_url": "https://evil.example"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(client: FlaskClient, alice: dict[str, str], said: dict[str, Any]) -> None:
    before = digest()
    refused = client.patch("/v1/clinic/routing", json=said, headers=alice)
    assert_problem(refused, 422)
    assert set(pointers(refused)) == {f"#/{next(iter(said))}"}
    assert digest() == before


def test_a_webhook_has_a_secret_that_is_shown_once(client: FlaskClient, actors: Actors, alice: dict[str, str]) -> None:
    secrets = [client.put("/v1/clinic/webhook", json=HOOK, headers=alice).get_json()["secret"] for _ in range(2)]
    assert len({secret for secret in secrets if secret.startswith("whsec_")}) == 2
    assert client.get("/v1/clinic/routing", headers=alice).get_json()["has_webhook"] is True
    db.session.expire_all()
    routing = routing_of(actors.clinic.id)
    assert (routing.webhook_url, routing.webhook_secret) == (HOOK["url"], secrets[1])
    assert HOOK["url"].encode() not in one(
        "SELECT webhook_url_sealed FROM routing WHERE webhook_url_sealed IS NOT NULL"
    )
    assert client.delete("/v1/clinic/webhook", headers=alice).status_code == 204
    assert client.get("/v1/clinic/routing", headers=alice).get_json()["has_webhook"] is False


@pytest.mark.parametrize(
    "url",
    ["http://hook.clinic.example/", "https://elsewhere.example/", "https://127.0.0.1/", "https://hook.clinic.example:1/",
     "https://hook.clinic.example@evil.example/", "ftp://hook.clinic.example/", "hook"],
)  # fmt: skip
def test_only_where_the_operator_lets_us_call(client: FlaskClient, alice: dict[str, str], url: str) -> None:
    before = digest()
    refused = client.put("/v1/clinic/webhook", json={"url": url}, headers=alice)
    assert_problem(refused, 422)
    assert pointers(refused) == ["#/url"]
    assert digest() == before


def test_duties_are_listed_until_they_are_over(
    client: FlaskClient, actors: Actors, alice: dict[str, str], clock: Clock
) -> None:
    made = client.post(f"/v1/members/{actors.bob.id}/on-call", json=a_duty(clock()), headers=alice).get_json()
    assert made["member_id"] == str(actors.bob.id)
    assert client.get("/v1/on-call", headers=alice).get_json() == {"items": [made]}
    clock.pass_by(days=7)
    later = {"Authorization": alice["Authorization"]} | signed_in(client.application, actors.alice_admin)
    assert client.get("/v1/on-call", headers=later).get_json() == {"items": []}


@pytest.mark.parametrize(
    "times",
    [
        {"begins_at": "2026-05-05T08:00:00Z", "ends_at": "2026-05-05T08:00:00Z"},
        {"begins_at": "2026-05-01T08:00:00Z", "ends_at": "2026-05-04T08:00:00Z"},
    ],
)
def test_a_duty_is_not_over_before_it_begins(
    client: FlaskClient, actors: Actors, alice: dict[str, str], times: dict[str, str]
) -> None:
    refused = client.post(f"/v1/members/{actors.bob.id}/on-call", json=times, headers=alice)
    assert_problem(refused, 422)
    assert pointers(refused) == ["#/ends_at"]


def test_only_a_clinician_is_on_call(client: FlaskClient, actors: Actors, alice: dict[str, str], clock: Clock) -> None:
    url = f"/v1/members/{actors.alice_admin.id}/on-call"
    assert_problem(client.post(url, json=a_duty(clock()), headers=alice), 409)


@pytest.fixture
def dan(actors: Actors, clock: Clock) -> Member:
    return make_member(actors.clinic, Role.CLINICIAN, "Dan", clock())


def test_a_clinician_says_who_stands_in_and_takes_it_back(
    app: Flask, client: FlaskClient, actors: Actors, dan: Member, clock: Clock
) -> None:
    bob, url = signed_in(app, actors.bob), f"/v1/members/{actors.bob.id}/absences"
    said = an_absence(clock()) | {"deputy_id": str(dan.id)}
    made = client.post(url, json=said, headers=bob).get_json()
    assert made == said | {"id": made["id"], "member_id": str(actors.bob.id)}
    assert client.get("/v1/absences", headers=bob).get_json() == {"items": [made]}
    assert client.delete(f"/v1/absences/{made['id']}", headers=bob).status_code == 204
    assert client.get("/v1/absences", headers=bob).get_json() == {"items": []}


def test_a_deputy_is_another_active_clinician(
    app: Flask, client: FlaskClient, actors: Actors, dan: Member, clock: Clock
) -> None:
    bob, url = signed_in(app, actors.bob), f"/v1/members/{actors.bob.id}/absences"
    change("UPDATE member SET active = false WHERE id = :id", id=dan.id)
    for deputy in (actors.bob.id, actors.carol.id, actors.alice_admin.id, dan.id, new_id()):
        refused = client.post(url, json=an_absence(clock()) | {"deputy_id": str(deputy)}, headers=bob)
        assert_problem(refused, 422)
        assert pointers(refused) == ["#/deputy_id"]


def test_what_waits_for_who_is_away_today_goes_on_at_once(
    app: Flask, client: FlaskClient, actors: Actors, dan: Member, clock: Clock
) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    today = clock().date().isoformat()
    said = {"first_day": today, "last_day": today, "deputy_id": str(dan.id)}
    bob = signed_in(app, actors.bob)
    assert client.post(f"/v1/members/{actors.bob.id}/absences", json=said, headers=bob).status_code == 201
    assert one("SELECT escalate_at FROM alert") == clock()


def test_the_worklist_says_what_to_mend_and_nothing_of_what_was_found(
    client: FlaskClient, actors: Actors, alice: dict[str, str], clock: Clock
) -> None:
    tell(actors, clock, (0, Severity.PROMPT))
    empty = client.get("/v1/worklist", headers=alice).get_json()
    assert len(empty) == 6
    assert [found for name, found in empty.items() if name != "as_of"] == [[]] * 5
    change("UPDATE member SET bounced_at = :at, bounce_status = '5.1.1' WHERE name = 'Bob'", at=clock())
    change("UPDATE alert_email SET state = 'bounced', sent_at = created_at, last_error = 'bounced 5.1.1'")
    found = client.get("/v1/worklist", headers=alice)
    shown, alert = found.get_json(), str(one("SELECT id FROM alert"))
    assert [item["alert_id"] for item in shown["alerts_without_recipient"]] == [alert]
    assert [(item["alert_id"], item["last_error"]) for item in shown["undeliverable_emails"]] == [
        (alert, "bounced 5.1.1")
    ]
    assert [member["member_id"] for member in shown["bounced_members"]] == [str(actors.bob.id)]
    assert "Craving" not in found.get_data(as_text=True)
    # Whose alerts were shown is audited.
    assert rows("SELECT patients FROM audit_event WHERE action = 'worklist_read' ORDER BY seq") == [
        ([],), ([actors.ada.id],)
    ]  # fmt: skip


def test_a_clinic_whose_team_cannot_be_reached_enrols_nobody(
    client: FlaskClient, actors: Actors, alice: dict[str, str], clock: Clock
) -> None:
    url = f"/v1/patients/{actors.ada.id}/invites"
    assert client.post(url, headers=alice).status_code == 201
    change("UPDATE member SET bounced_at = :at, bounce_status = '5.1.1' WHERE name = 'Bob'", at=clock())
    assert_problem(client.post(url, headers=alice), 409)
