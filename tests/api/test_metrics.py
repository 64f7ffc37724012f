"""/metrics: for whoever holds the token; counted where it is done, told alike by all, and nothing of anybody in it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from server.extensions import Parts, db
from server.jobs import JOBS, tick
from server.jobs.assessing import assess_all
from server.models import Alert, Patient
from server.services import alerts, tallies, watch
from server.services.raising import raise_findings
from server.settings import Settings
from server.trends import Severity
from tests.conftest import Clock
from tests.database import change, one
from tests.factories import (
    MARKS,
    Actors,
    bearer,
    check_in_body,
    finding,
    identity_of,
    make_patient,
    new_id,
    signed_in,
)

TOKEN = "for-the-metrics-of-the-tests-alone-not-a-secret"
Samples = dict[str, float]


@pytest.fixture(autouse=True)
def token(app: Flask, settings: Settings, clock: Clock) -> None:
    app.extensions["interlude"] = Parts(replace(settings, metrics_token=TOKEN), clock, lambda _: None)


def scraped(client: FlaskClient) -> Samples:
    """Each sample by its name and labels, as `name{label=value}`."""
    answer = client.get("/metrics", headers=bearer(TOKEN))
    assert answer.status_code == 200
    return samples_of(answer.get_data(as_text=True))


def samples_of(text: str) -> Samples:
    return {
        sample.name + "".join(f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def check_in(app: Flask, client: FlaskClient, actors: Actors, clock: Clock, **said: Any) -> str:
    made = new_id()
    body = check_in_body(clock(), **said)
    answer = client.put(f"/v1/check-ins/{made}", json=body, headers=signed_in(app, actors.ada))
    assert answer.status_code == 201
    return made


def test_without_the_setting_there_is_nothing(
    app: Flask, client: FlaskClient, settings: Settings, clock: Clock
) -> None:
    app.extensions["interlude"] = Parts(settings, clock, lambda _: None)
    for headers in ({}, bearer(""), bearer(TOKEN)):
        assert client.get("/metrics", headers=headers).status_code == 404


@pytest.mark.parametrize(
    "said", ["", "Bearer", "Bearer ", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer \xff"]
)
def test_only_the_token_opens_it(client: FlaskClient, said: str) -> None:
    answer = client.get("/metrics", headers={"Authorization": said})
    assert answer.status_code == 401
    assert b"interlude_" not in answer.data


def test_a_check_in_is_counted_once_whatever_becomes_of_it(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    made = check_in(app, client, actors, clock)
    ada = signed_in(app, actors.ada)
    body = check_in_body(clock())
    # The same again, an edit, and one that is refused.
    etag = client.put(f"/v1/check-ins/{made}", json=body, headers=ada).headers["ETag"]
    edit = client.put(f"/v1/check-ins/{made}", json={**body, "craving": 5}, headers={**ada, "If-Match": etag})
    assert edit.status_code == 200
    assert client.put(f"/v1/check-ins/{new_id()}", json={**body, "craving": 11}, headers=ada).status_code == 422
    items = [
        {"kind": "check_in", "id": new_id(), "content": check_in_body(clock() - timedelta(days=n))} for n in (1, 2)
    ]
    assert client.post("/v1/sync", json={"cursor": None, "items": items}, headers=ada).status_code == 200
    assert scraped(client)["interlude_check_ins_total"] == 3 == one("SELECT count(*) FROM check_in")
    change("DELETE FROM check_in_version; DELETE FROM check_in")
    assert scraped(client)["interlude_check_ins_total"] == 3


def test_assessments_are_counted_done_and_failed(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_in(app, client, actors, clock)
    eve = make_patient(actors.bob, clock())
    clock.pass_by(days=1)
    assert assess_all([actors.ada.id, eve.id], clock()) == 2
    assert assess_all([actors.ada.id, eve.id], clock()) == 0

    def broken(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(watch, "look_over", broken)
    assert assess_all([actors.ada.id], clock()) == 0
    said = scraped(client)
    assert said["interlude_assessments_total{outcome=done}"] == 2
    assert said["interlude_assessments_total{outcome=failed}"] == 1
    assert said["interlude_assessments_failing"] == 1


def test_a_replay_counts_nowhere(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    change("UPDATE clinic SET live = false")
    check_in(app, client, actors, clock)
    clock.pass_by(days=1)
    assert assess_all([actors.ada.id], clock()) == 1
    said = scraped(client)
    assert said["interlude_check_ins_total"] == said["interlude_assessments_total{outcome=done}"] == 0


def test_emails_by_state(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    raise_findings(actors.ada, [finding(clock().date())], clock())
    db.session.commit()
    clock.pass_by(minutes=20)
    said = scraped(client)
    assert (said["interlude_emails_waiting"], said["interlude_email_late_seconds"]) == (1, 1200)
    assert said["interlude_late{what=email}"] == 1
    change("UPDATE alert_email SET attempts = 1, state = state")
    change("UPDATE alert_email SET state = 'undeliverable'")
    said = scraped(client)
    assert [
        said[f"interlude_alert_emails_total{{state={state}}}"] for state in ("queued", "sent", "undeliverable")
    ] == [*(1, 0, 1)]
    assert (said["interlude_emails_waiting"], said["interlude_emails_undeliverable"]) == (0, 1)
    assert said["interlude_late{what=email}"] == 0


def raised(patient: Patient, clock: Clock, severity: Severity) -> Alert:
    raise_findings(patient, [finding(clock().date(), severity)], clock())
    db.session.commit()
    alert: Alert = db.session.query(Alert).filter_by(patient_id=patient.id).one()
    return alert


def test_time_to_acknowledge(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    bob = identity_of(actors.bob)
    alert = raised(actors.ada, clock, Severity.PROMPT)
    clock.pass_by(minutes=10)
    said = scraped(client)
    assert said["interlude_alerts_unacknowledged{severity=prompt}"] == 1
    assert said["interlude_alert_unacknowledged_seconds{severity=prompt}"] == 600
    for _ in range(2):
        alerts.acknowledge(bob, alert.id, clock())
        db.session.commit()
    clock.pass_by(days=30)
    # Worse: it wants somebody again, from now on.
    raised(actors.ada, clock, Severity.URGENT)
    clock.pass_by(minutes=2)
    said = scraped(client)
    assert said["interlude_alert_unacknowledged_seconds{severity=urgent}"] == 120
    assert said["interlude_alerts_unacknowledged{severity=prompt}"] == 0
    alerts.acknowledge(bob, alert.id, clock())
    db.session.commit()
    said = scraped(client)
    assert said["interlude_alerts_unacknowledged{severity=urgent}"] == 0
    for severity, seconds, least in (("prompt", 600, 900.0), ("urgent", 120, 300.0)):
        assert said[f"interlude_acknowledge_seconds_count{{severity={severity}}}"] == 1
        assert said[f"interlude_acknowledge_seconds_sum{{severity={severity}}}"] == seconds
        within = {
            le: said[f"interlude_acknowledge_seconds_bucket{{le={le}}}{{severity={severity}}}"] for le in (300.0, 900.0)
        }
        assert within == {le: float(le >= least) for le in within}


def test_a_second_yes_is_waited_for_from_when_it_came(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    def yes() -> None:
        raise_findings(actors.ada, [finding(clock().date(), Severity.URGENT, "safety_concern")], clock())
        db.session.commit()

    yes()
    clock.pass_by(minutes=1)
    yes()
    assert scraped(client)["interlude_alert_unacknowledged_seconds{severity=urgent}"] == 60
    alert = db.session.query(Alert).one()
    alerts.acknowledge(identity_of(actors.bob), alert.id, clock())
    db.session.commit()
    clock.pass_by(days=1)
    yes()
    clock.pass_by(minutes=3)
    assert scraped(client)["interlude_alert_unacknowledged_seconds{severity=urgent}"] == 180
    alerts.acknowledge(identity_of(actors.bob), alert.id, clock())
    db.session.commit()
    assert scraped(client)["interlude_acknowledge_seconds_sum{severity=urgent}"] == 60 + 180


def test_what_is_on_the_queue_and_for_how_long(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    raised(actors.ada, clock, Severity.PROMPT)
    assert scraped(client)["interlude_jobs{state=todo}{task=deliver}"] == 1
    change("UPDATE procrastinate_events SET at = now() - interval '11 minutes'")
    change("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now() - interval '2 minutes')")
    said = scraped(client)
    assert 660 <= said["interlude_job_late_seconds"] < 720
    assert (said["interlude_workers"], said["interlude_late{what=queue}"]) == (1, 1)
    # Put off until later, it is not late; once its time has come, it is again.
    change("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'")
    assert scraped(client)["interlude_job_late_seconds"] == 0
    change("UPDATE procrastinate_jobs SET scheduled_at = now() - interval '1 hour'")
    assert scraped(client)["interlude_job_late_seconds"] >= 3600
    # Reminders come by the ten thousand, and last.
    change("UPDATE procrastinate_jobs SET priority = -10")
    assert scraped(client)["interlude_job_late_seconds"] == 0
    change("UPDATE procrastinate_jobs SET priority = -5, status = 'doing'")
    said = scraped(client)
    assert (said["interlude_job_late_seconds"], said["interlude_late{what=queue}"]) == (0, 0)
    change("DELETE FROM procrastinate_workers")


def test_late_is_beyond_the_limit_and_not_at_it(client: FlaskClient, actors: Actors, clock: Clock) -> None:
    assert scraped(client)["interlude_late{what=scheduler}"] == 1
    tick(next(job for job in JOBS if job.name == "assess"), timedelta(minutes=1), clock())
    due = one("SELECT min(due_at) FROM watch")
    clock.at = due + timedelta(minutes=16)
    change("UPDATE job_run SET started_at = :at", at=clock() - timedelta(minutes=4))
    said = scraped(client)
    assert (said["interlude_assessment_late_seconds"], said["interlude_scheduler_silent_seconds"]) == (960, 240)
    assert said["interlude_late{what=assessment}"] == said["interlude_late{what=scheduler}"] == 0
    clock.pass_by(seconds=1)
    said = scraped(client)
    assert said["interlude_late{what=assessment}"] == said["interlude_late{what=scheduler}"] == 1
    assert client.get("/readyz").get_json()["late"] == ["assessment", "scheduler"]


def test_summed_up_it_says_the_same(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    for _ in range(3):
        check_in(app, client, actors, clock)
    tallies.count_acknowledged("urgent", timedelta(days=9))
    db.session.commit()
    before = scraped(client)
    for _ in range(2):
        assert tick(next(job for job in JOBS if job.name == "sum_up_tallies"), timedelta(minutes=10), clock()) == 0
        clock.pass_by(minutes=10)
    clock.pass_by(minutes=-20)
    assert one("SELECT count(*) FROM tally") == 3
    after = scraped(client)
    changed = {name for name in after if after[name] != before.get(name, 0)}
    assert all(name.startswith("interlude_request") or "scheduler" in name for name in changed), changed


def test_requests_are_counted_by_their_route_as_declared(client: FlaskClient, actors: Actors) -> None:
    where = "{method=GET}{route=/v1/alerts/<uuid:alert_id>}{status=4xx}"
    nowhere = "{method=other}{route=none}{status=4xx}"
    before = scraped(client)
    client.get(f"/v1/alerts/{new_id()}")
    client.open(f"/{new_id()}", method="BREW")
    after = scraped(client)
    assert after[f"interlude_requests_total{where}"] == before.get(f"interlude_requests_total{where}", 0) + 1
    assert after[f"interlude_requests_total{nowhere}"] == before.get(f"interlude_requests_total{nowhere}", 0) + 1
    assert after["interlude_request_seconds_count{method=GET}{route=/v1/alerts/<uuid:alert_id>}"] >= 1


def test_nothing_of_anybody_is_in_it(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    check_in(app, client, actors, clock, note="a quiet day", craving=10, self_harm_thoughts="yes")
    assess_all([actors.ada.id], clock())
    said = client.get("/metrics", headers=bearer(TOKEN)).get_data(as_text=True)
    ids = (actors.ada.id, actors.ada.code, actors.bob.id, actors.clinic.id, one("SELECT id FROM alert LIMIT 1"))
    assert [mark for mark in (*MARKS, *map(str, ids)) if mark in said] == []
    assert "interlude_alerts_unacknowledged" in said


def test_no_count_looks_at_every_row(actors: Actors) -> None:
    """What grows for ever is read by an index alone, or not at all."""
    with db.engine.connect() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for question in (
            "SELECT count(*) FROM watch WHERE failures > 0",
            "SELECT count(*) FROM alert_email WHERE state IN ('undeliverable', 'bounced')",
            "SELECT count(*) FROM alert_email WHERE state = 'queued'",
        ):
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {question}").scalars())
            assert "Seq Scan" not in plan, plan
