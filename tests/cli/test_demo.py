"""`flask demo` and `flask create-clinic`."""

import json
import stat
from pathlib import Path
from typing import Any

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from server.extensions import Base, db
from server.models import Alert, AlertEmail, CheckIn, Clinic, Member, Patient
from server.scope import enter
from server.services.second_factor import enrol
from tests.conftest import Clock
from tests.database import change, one
from tests.factories import PASSWORD, TOTP_SECRET, Actors, bearer, make_patient, new_id, signed_in
from tests.jobs.test_worker import run


def count(model: type[Base]) -> int:
    return int(one(f"SELECT count(*) FROM {model.__tablename__}"))  # noqa: S608


def test_the_demo_is_made_once_and_its_accounts_can_sign_in(
    app: Flask, client: FlaskClient, tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "accounts.json"
    runner = app.test_cli_runner()
    assert runner.invoke(args=["demo", "--accounts", str(path)]).exit_code == 0
    first = json.loads(path.read_text(encoding="utf-8"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (count(Clinic), count(Member), count(Patient)) == (1, 3, 12)
    assert count(CheckIn) > 12 * 30
    assert count(Alert) >= 4
    assert count(AlertEmail) >= count(Alert)
    assert one("SELECT name FROM clinic") == "Demo clinic (every patient is simulated)"

    assert runner.invoke(args=["demo", "--accounts", str(path)]).exit_code == 0
    assert json.loads(path.read_text(encoding="utf-8")) == first
    assert (count(Clinic), count(Patient)) == (1, 12)

    assert [account["role"] for account in first[:4]] == ["clinician", "clinician", "admin", "patient"]
    for account in (first[0], first[2], first[3]):
        said = {name: account[name] for name in ("email", "code", "password") if name in account}
        if account["role"] == "admin":
            assert client.post("/v1/tokens", json=said).get_json()["type"] == "/problems/mfa-required"
            said["mfa_code"] = runner.invoke(args=["demo-code"]).output.strip()
            assert said["mfa_code"] == pyotp.TOTP(account["totp_secret"]).at(clock())
        assert client.post("/v1/tokens", json=said).status_code == 201


CLOSED = """
    UPDATE alert SET state = 'resolved', escalate_at = NULL, acknowledged_at = now(), resolved_at = now(),
    outcome = 'contacted_patient' WHERE rule = 'craving_severe'
"""


def accounts_in(app: Flask, path: Path, role: str) -> list[dict[str, Any]]:
    assert app.test_cli_runner().invoke(args=["demo", "--accounts", str(path)]).exit_code == 0
    return [account for account in json.loads(path.read_text(encoding="utf-8")) if account["role"] == role]


def phone_of(client: FlaskClient, account: dict[str, Any]) -> dict[str, str]:
    said = {"code": account["code"], "password": account["password"]}
    return bearer(client.post("/v1/tokens", json=said).get_json()["access_token"])


def bad_evening(client: FlaskClient, account: dict[str, Any], clock: Clock) -> None:
    """What README's first example sends."""
    said = {"recorded_at": clock().isoformat(), "zone": account["zone"], "form_version": "1", "craving": 10, "mood": 2}
    answer = client.put(f"/v1/check-ins/{new_id()}", json=said, headers=phone_of(client, account))
    assert answer.status_code == 201


def mailed_about(code: str) -> int:
    asked = "SELECT count(*) FROM alert_email m JOIN alert a ON a.id = m.alert_id JOIN patient p ON p.id = a.patient_id"
    return int(one(f"{asked} WHERE a.rule = 'craving_severe' AND p.code = :code", code=code))


@pytest.mark.parametrize("hour", [20, 6], ids=["evening", "after midnight"])
def test_who_is_said_to_be_mailed_about_is_mailed_about_and_no_other(
    app: Flask, client: FlaskClient, tmp_path: Path, clock: Clock, hour: int
) -> None:
    """By the clinic's clock it is four hours earlier: after midnight is still the day before."""
    clock.at = clock.at.replace(hour=hour)
    patients = accounts_in(app, tmp_path / "accounts", "patient")
    before = {account["code"]: mailed_about(account["code"]) for account in patients}
    for account in patients:
        bad_evening(client, account, clock)
    clock.pass_by(seconds=3)
    run(app, clock, "assess")
    assert [mailed_about(one["code"]) > before[one["code"]] for one in patients] == [
        one["would_mail"] for one in patients
    ]
    assert {one["would_mail"] for one in patients} == {True, False}


def test_whoever_had_a_bad_evening_is_not_said_again_until_it_is_closed_and_over(
    app: Flask, client: FlaskClient, tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "accounts"
    fresh = [account["code"] for account in accounts_in(app, path, "patient") if account["would_mail"]]
    used, *others = fresh

    def said() -> list[str]:
        return [account["code"] for account in accounts_in(app, path, "patient") if account["would_mail"]]

    clock.pass_by(minutes=1)
    bad_evening(client, next(one for one in accounts_in(app, path, "patient") if one["code"] == used), clock)
    # Stopped before anybody looked; and the day after, when the alert that will be raised is still not there.
    assert said() == others
    clock.pass_by(days=1)
    assert said() == others
    run(app, clock, "assess")
    assert said() == others
    change(CLOSED)
    assert set(said()) > set(fresh)


def test_only_whom_a_password_of_the_demos_lets_in_is_listed(
    app: Flask, client: FlaskClient, tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "accounts"
    changed, gone, disabled, *others = accounts_in(app, path, "patient")
    anew = {"password": changed["password"], "new_password": PASSWORD}
    assert client.post("/v1/me/password", json=anew, headers=phone_of(client, changed)).status_code < 300
    erased = client.delete("/v1/me", json={"password": gone["password"]}, headers=phone_of(client, gone))
    assert erased.status_code < 300
    change("UPDATE patient SET active = false WHERE code = :code", code=disabled["code"])
    enter(one("SELECT id FROM clinic"))
    bob = db.session.scalars(select(Member).where(Member.role == "clinician").order_by(Member.created_at)).first()
    assert bob
    clock.pass_by(minutes=5)
    invited = make_patient(bob, clock())
    assert count(Patient) == 12
    listed = accounts_in(app, path, "patient")
    assert [account["code"] for account in listed] == [account["code"] for account in others]
    assert invited.code not in path.read_text()
    assert {role: len(accounts_in(app, path, role)) for role in ("clinician", "admin")} == {"clinician": 2, "admin": 1}
    change("UPDATE member SET password_hash = :other WHERE id = :bob", other=invited.password_hash, bob=bob.id)
    assert len(accounts_in(app, path, "clinician")) == 1


def test_a_clinic_is_created_with_an_admin_who_can_sign_in(app: Flask, client: FlaskClient) -> None:
    said = {"--name": "North", "--zone": "Europe/Berlin", "--admin-name": "Eve", "--admin-email": "Eve@North.example"}
    options = [word for pair in said.items() for word in pair]
    runner = app.test_cli_runner(env={"ADMIN_PASSWORD": "a long enough password"})
    assert runner.invoke(args=["create-clinic", *options]).exit_code == 0
    again = runner.invoke(args=["create-clinic", *options])
    assert (again.exit_code, "already a member" in again.output) == (1, True)
    assert count(Clinic) == 1
    tokens = client.post("/v1/tokens", json={"email": "eve@north.example", "password": "a long enough password"})
    assert tokens.status_code == 201


def test_an_admins_password_is_none_that_is_tried_first(app: Flask) -> None:
    words = ["--name", "N", "--zone", "UTC", "--admin-name", "E", "--admin-email", "e@n.example"]
    result = app.test_cli_runner(env={"ADMIN_PASSWORD": "password1234"}).invoke(args=["create-clinic", *words])
    assert (result.exit_code, "tried first" in result.output) == (1, True)
    assert "password1234" not in result.output
    assert count(Clinic) == 0


def test_who_lost_phone_and_codes_is_helped_by_who_runs_it(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    enrol(actors.bob, TOTP_SECRET, clock())
    db.session.commit()
    headers, runner = signed_in(app, actors.bob), app.test_cli_runner()
    assert runner.invoke(args=["reset-mfa", "nobody@clinic.example"]).exit_code == 1
    assert client.get("/v1/me", headers=headers).get_json()["mfa"] is True
    assert runner.invoke(args=["reset-mfa", "Bob@Clinic.example"]).exit_code == 0
    assert client.get("/v1/me", headers=headers).status_code == 401
    assert client.post("/v1/tokens", json={"email": "bob@clinic.example", "password": PASSWORD}).status_code == 201


def test_a_clinic_in_no_known_zone_is_refused(app: Flask) -> None:
    words = ["--name", "N", "--zone", "Mars/Olympus", "--admin-name", "E", "--admin-email", "e@n.example"]
    runner = app.test_cli_runner(env={"ADMIN_PASSWORD": "a long enough password"})
    result = runner.invoke(args=["create-clinic", *words])
    assert (result.exit_code, "not a time zone" in result.output) == (1, True)


@pytest.mark.parametrize(("option", "wrong"), [("--zone", "Mars/Olympus"), ("--admin-email", "nowhere")])
def test_no_password_is_asked_for_before_the_rest_is_right(app: Flask, option: str, wrong: str) -> None:
    said = {"--name": "N", "--zone": "UTC", "--admin-name": "E", "--admin-email": "e@n.example"}
    typed = "a long enough password\n" * 2
    runner = app.test_cli_runner(env={"ADMIN_PASSWORD": ""})
    for options, code in ((said | {option: wrong}, 1), (said, 0)):
        words = [word for pair in options.items() for word in pair]
        result = runner.invoke(args=["create-clinic", *words], input=typed)
        assert (result.exit_code, "password" in result.output) == (code, code == 0)
    assert "Repeat for confirmation" in result.output
    assert count(Clinic) == 1


def test_an_admin_without_an_address_is_refused(app: Flask) -> None:
    words = ["--name", "N", "--zone", "UTC", "--admin-name", "E", "--admin-email", "nowhere"]
    runner = app.test_cli_runner(env={"ADMIN_PASSWORD": "a long enough password"})
    result = runner.invoke(args=["create-clinic", *words])
    assert (result.exit_code, "admin email: Not a valid email address." in result.output) == (1, True)
    assert count(Clinic) == 0
