"""All that is kept about oneself, as a file: whole, the same each time, and not for whoever holds the phone."""

import uuid
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from flask import Flask
from flask.testing import FlaskClient

from server.extensions import Base, db
from server.models import AlertEvent, CalledBecause, Consent, Disclosure, MemberMail, MemberMailKind, WebhookCall
from server.services.belongings import tables_of_patients
from server.services.exports import NOT_IN, PARTS
from tests.api.problem import assert_problem
from tests.archive import export_of
from tests.attacks.belongings import add_push_address, add_urges
from tests.attacks.things import Things
from tests.audited import events
from tests.conftest import Clock
from tests.database import altered, change
from tests.factories import (
    GRAY,
    GRAY_NAME,
    NOTE,
    OUTCOME_NOTE,
    PASSWORD,
    PROTOCOL,
    Actors,
    bearer,
    check_in_body,
    make_patient,
    new_id,
    signed_in,
    tokens_of,
)

# Tables with rows of no patient: whoever makes a new one decides.
OF_NO_PATIENT = {
    *("clinic", "member", "limits", "audit_head", "job_run", "outage", "data_key", "index_key", "attempt_count"),
    *("password_reset", "routing", "on_call", "absence", "tally"),
}
FILE_OF = {
    "patient": "profile",
    "session": "sessions",
    "care_team": "care_team",
    "sign_in": "devices",
    "push_address": "push_addresses",
    "check_in_version": "earlier_check_ins",
    "urge": "urges",
    "urge_version": "earlier_urges",
    "zone_change": "zones",
    "quarantined_item": "not_taken",
    **{name: f"{name}s" for name in ("check_in", "course", "pause", "alert", "alert_event", "alert_email", "invite")},
    **{name: f"{name}s" for name in ("consent", "disclosure")},
    "webhook_call": "alert_calls",
    "member_mail": "alert_alarms",
}
SENDING = {"id", "attempts", "due_at", "queued_at", "claim", "claimed_until", "last_error"}
# Columns that are in no file: what the program needs to run, what lets somebody in, whom of the staff it was.
LEFT_OUT = {
    "patient": {
        *("reference_index", "password_hash", "token_version"),
        *("remind_due_at", "remind_queued_at"),
        *("changes", "profile_change", "quarantined", "closed_elsewhere"),
    },
    "check_in": {"change"},
    "session": {"change"},
    "urge": {"change"},
    "quarantined_item": {"id", "digest", "settled_by"},
    "alert": {"acknowledged_by", "resolved_by", "escalate_at", "escalate_queued_at"},
    "alert_event": {"id", "member_id"},
    "consent": {"recipient_index"},
    "disclosure": {"email_id"},
    "alert_email": SENDING | {"event_id", "member_id", "stand_in", "digest_id"},
    "webhook_call": SENDING | {"event_id"},
    "member_mail": SENDING
    | {"member_id", "kind", "day", "urgent", "prompt", "routine", "unrouted", "undeliverable"}
    | {"changed", "email_before"},
    "invite": {"id", "code_hash", "created_by"},
    "pause": {"id", "begun_by", "ended_by"},
    "sign_in": {"id", "member_id", "current_hash", "previous_hash", "retry_until"},
    "care_team": {"member_id"},
    "zone_change": {"member_id"},
    "push_address": {"sign_in_id", "address_index"},
}  # fmt: skip
# Everybody's own: they would say the same in each row.
OWNER = {"patient_id", "clinic_id"}


def test_every_table_and_column_of_a_patient_is_in_it_or_left_out_with_a_reason(app: Flask) -> None:
    theirs = {table.name for table in tables_of_patients()} | {"audit_event"}
    assert theirs | OF_NO_PATIENT == set(Base.metadata.tables)
    assert theirs & OF_NO_PATIENT == set()
    assert FILE_OF.keys() | NOT_IN.keys() == theirs
    assert FILE_OF.keys() & NOT_IN.keys() == set()
    told = {part.name: set(part.names) for part in PARTS}
    assert set(FILE_OF.values()) | {"trend"} == told.keys()
    for table, file in FILE_OF.items():
        columns = {column.name.removesuffix("_sealed") for column in Base.metadata.tables[table].columns}
        assert columns - OWNER - told[file] == LEFT_OUT.get(table, set()), table


def test_it_holds_what_there_is(app: Flask, client: FlaskClient, things: Things, actors: Actors, clock: Clock) -> None:
    clock.pass_by(days=1)
    ada, bob = signed_in(app, actors.ada), signed_in(app, actors.bob)
    patient = f"/v1/patients/{actors.ada.id}"
    assert client.patch(patient, json={"reference": "chart 7", "paused": True}, headers=bob).status_code == 200
    url = f"/v1/check-ins/{new_id()}"
    said = check_in_body(clock(), craving=6.5, mood=4, used="yes", substances=["nicotine", "alcohol"], note=NOTE)
    assert client.put(url, json=said | {"note": "before"}, headers=ada).status_code == 201
    assert client.put(url, json=said, headers=ada | {"If-Match": "*"}).status_code == 200
    add_urges(client, ada, clock())
    add_push_address(client, ada, clock())
    closed = {"outcome": "contacted_patient", "note": OUTCOME_NOTE}
    assert client.post(f"/v1/alerts/{things.alert}/resolve", json=closed, headers=bob).status_code == 200
    add_disclosure(things, clock())
    add_failed_mails(things, actors, clock())

    found = export_of(app, client, actors.ada)
    assert found.names == ["README.txt", *(f"{part.name}.{kind}" for part in PARTS for kind in ("json", "csv"))]
    assert {name for name, rows in found.rows.items() if not rows} == set()
    (profile,) = found.rows["profile"]
    assert (profile["id"], profile["code"], profile["reference"]) == (str(actors.ada.id), actors.ada.code, "chart 7")
    assert found.rows["care_team"] == [{"position": 1, "member_name": "Bob"}]
    first, second = found.rows["check_ins"]
    assert (first["self_harm_thoughts"], first["note"]) == ("yes", None)
    assert (second["note"], second["used"], second["counts"]) == (NOTE, "yes", True)
    assert (second["recorded_at"], second["version"]) == ("2026-05-05T20:00:00Z", 2)
    assert [(row["version"], row["note"]) for row in found.rows["earlier_check_ins"]] == [(1, "before")]
    assert (second["craving"], second["mood"], second["substances"]) == (6.5, 4, ["nicotine", "alcohol"])
    assert [day["craving"] for day in found.rows["trend"]] == [3, 6.5]
    assert {consent["kind"] for consent in found.rows["consents"]} == {"participation", "disclosure"}
    (went,) = found.rows["disclosures"]
    assert (went["recipient_email"], went["consent_id"]) == (GRAY, str(things.consent))
    assert found.rows["courses"][0]["protocol"] == PROTOCOL
    assert [session["number"] for session in found.rows["sessions"]] == [1, 2, 3]
    (alert,) = found.rows["alerts"]
    assert (alert["rule"], alert["outcome_note"], alert["basis"]) == ("safety_concern", OUTCOME_NOTE, ["2026-05-04"])
    assert [event["kind"] for event in found.rows["alert_events"]] == ["raised", "acknowledged", "resolved"]
    assert [device["device"] for device in found.rows["devices"]].count("old phone") == 1


def add_failed_mails(things: Things, actors: Actors, at: datetime) -> None:
    """Of Ada's alert nobody could be told: the clinic's webhook was called, and its admin alarmed."""
    said: dict[str, Any] = {"alert_id": things.alert, "due_at": at, "queued_at": at, "created_at": at}
    event = db.session.query(AlertEvent.id).filter_by(alert_id=things.alert).order_by(AlertEvent.id).first()
    assert event is not None
    db.session.add(WebhookCall(event_id=event[0], because=CalledBecause.UNROUTED, **said))
    admin = actors.alice_admin.id
    db.session.add(MemberMail(member_id=admin, kind=MemberMailKind.ALARM, day=at.date(), **said))
    db.session.commit()


def add_disclosure(things: Things, at: datetime) -> None:
    """A mail that went to Dr. Gray."""
    consent = db.session.get_one(Consent, things.consent)
    line = Disclosure(
        id=uuid.uuid4(),
        patient_id=consent.patient_id,
        consent_id=consent.id,
        email_id=uuid.uuid4(),
        at=at,
        reference=consent.reference,
        purpose=consent.purpose,
        what=consent.what,
        severity="prompt",
    )
    line.recipient_name, line.recipient_email = GRAY_NAME, GRAY
    db.session.add(line)
    db.session.commit()


def test_the_sheets_say_the_same(app: Flask, client: FlaskClient, things: Things, actors: Actors) -> None:
    found = export_of(app, client, actors.ada)
    for part in PARTS:
        assert [list(row) for row in found.sheets[part.name]] == [list(row) for row in found.rows[part.name]]
        for row, told in zip(found.sheets[part.name], found.rows[part.name], strict=True):
            for name, value in told.items():
                if isinstance(value, bool | list | dict):
                    continue
                assert row[name] == ("" if value is None else str(value)), (part.name, name)
    # A number is a number, and a text is quoted.
    assert '"\r\n"2026-05-04",3.0,"",' in found.raw["trend.csv"]
    assert "\r\n1," in found.raw["care_team.csv"]


def test_nothing_of_anybody_else_is_in_it(app: Flask, client: FlaskClient, things: Things, actors: Actors) -> None:
    eve = make_patient(actors.bob, things.now)
    said = check_in_body(things.now, note="quiet waters", self_harm_thoughts="yes")
    assert client.put(f"/v1/check-ins/{new_id()}", json=said, headers=signed_in(app, eve)).status_code == 201
    hers = export_of(app, client, eve)
    (alert,) = hers.rows["alerts"]
    everything = "".join(export_of(app, client, actors.ada).raw.values())
    assert "quiet waters" in hers.raw["check_ins.json"]
    for mark in ("quiet waters", str(eve.id), eve.code, alert["id"], "Carol", "clinic.example", str(actors.bob.id)):
        assert mark not in everything
    for row in db.session.execute(db.text("SELECT password_hash FROM patient UNION SELECT password_hash FROM member")):
        assert row[0] not in everything


def test_the_same_at_the_same_time_is_the_same_file(app: Flask, client: FlaskClient, things: Things) -> None:
    headers = signed_in(app, things.people["ada"])
    answers = [client.get("/v1/me/export", headers=headers) for _ in range(2)]
    assert answers[0].data == answers[1].data
    assert answers[0].content_type == "application/zip"
    assert answers[0].headers["Content-Disposition"] == 'attachment; filename="interlude-export.zip"'
    assert answers[0].headers["Cache-Control"] == "private, no-store"


def test_it_is_audited(app: Flask, client: FlaskClient, actors: Actors) -> None:
    export_of(app, client, actors.ada)
    assert events() == [("exported", "patient", actors.ada.id, [actors.ada.id], {})]


def test_a_phone_that_was_left_signed_in_gives_no_copy_away(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    left = tokens_of(app, actors.ada)
    clock.pass_by(minutes=16)
    answer = client.get("/v1/me/export", headers=bearer(left["access_token"]))
    assert_problem(answer, 403)
    assert answer.get_json()["type"] == "/problems/password-needed"
    # Nor does a refresh make it fresh; the password does.
    renewed = client.post("/v1/tokens/refresh", headers=bearer(left["refresh_token"])).get_json()
    assert client.get("/v1/me/export", headers=bearer(renewed["access_token"])).status_code == 403
    anew = client.post("/v1/tokens", json={"code": actors.ada.code, "password": PASSWORD}).get_json()
    assert client.get("/v1/me/export", headers=bearer(anew["access_token"])).status_code == 200


def test_one_device_asks_five_times_in_a_quarter_of_an_hour(app: Flask, client: FlaskClient, actors: Actors) -> None:
    headers = signed_in(app, actors.ada)
    statuses = [client.get("/v1/me/export", headers=headers).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]


def test_a_patient_of_whom_there_is_nothing_yet(app: Flask, client: FlaskClient, actors: Actors) -> None:
    found = export_of(app, client, actors.ada)
    assert found.rows["check_ins"] == found.sheets["check_ins"] == found.rows["trend"] == []
    assert found.raw["check_ins.json"] == "[]\n"
    assert found.raw["check_ins.csv"].startswith('\ufeff"id","version","recorded_at"')
    assert len(found.rows["profile"]) == 1


def test_a_note_that_cannot_be_opened_is_left_out_of_no_file_in_silence(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    headers = signed_in(app, actors.ada)
    client.put(f"/v1/check-ins/{new_id()}", json=check_in_body(clock(), note=NOTE), headers=headers)
    change(f"UPDATE check_in SET note_sealed = {altered('note_sealed')}")  # noqa: S608
    assert_problem(client.get("/v1/me/export", headers=headers), 500)
    assert events() == []


def test_the_time_of_a_reminder_is_in_it(app: Flask, client: FlaskClient, actors: Actors) -> None:
    headers = signed_in(app, actors.ada)
    assert client.patch("/v1/me", json={"reminder_time": "19:30"}, headers=headers).status_code == 200
    with client.get("/v1/me/export", headers=headers) as answer:
        assert answer.status_code == 200
        assert b'"reminder_time": "19:30:00"' in ZipFile(BytesIO(answer.data)).read("profile.json")
