"""What row-level security costs: the same requests with it and without, in turns, in one run.

`make bench-rls` prints the table. Without it the policies are off and no transaction is told its clinic (the database
is, for the columns that take it from there). PostgreSQL is the embedded one, with fsync on; requests go through the
whole application in this process, one at a time. Times drift with the machine; the ratios of one run are to quote.
"""

import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from statistics import median

from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from flask_sqlalchemy.session import Session
from psycopg import connect
from sqlalchemy import Connection, Engine, create_engine, event, pool, text
from werkzeug.test import TestResponse

from server import scope
from server.app import create_app
from server.clock import utcnow
from server.extensions import db
from server.libpq import conninfo
from server.local.postgres import EmbeddedPostgres
from tests.factories import Actors, check_in_body, make_actors, make_patient, settings_for, signed_in

CLINICS, PATIENTS, DAYS = 20, 50, 84
ROUNDS, REQUESTS = 20, 40
CLINIC = "NULLIF(current_setting('interlude.clinic', true), '')::uuid"
# What a row of check_in could ask, and the one that it asks.
POLICIES = {
    "nothing": "true",
    "its own clinic, for each row": f"clinic_id = {CLINIC}",
    "its patient's clinic (EXISTS)": f"""
        EXISTS (SELECT FROM patient WHERE patient.id = patient_id AND patient.clinic_id = {CLINIC})
    """,
    "its own clinic, once (ours)": f"clinic_id = (SELECT {CLINIC})",
}
DIARY = text("""
    SELECT day, craving, mood FROM check_in
    WHERE patient_id = (SELECT id FROM patient LIMIT 1) AND counts ORDER BY day
""")
Request = Callable[[FlaskClient], TestResponse]
# Clinics like Bob's beside it, so that the policies have something to hide.
OTHERS = text("""
    WITH clinics AS (
        INSERT INTO clinic (id, name, zone, day_starts_at, live, mfa_required, created_at)
        SELECT gen_random_uuid(), 'Other', 'UTC', 4, true, false, now() FROM generate_series(1, :clinics)
        RETURNING id
    )
    INSERT INTO patient (id, clinic_id, code, zone, language, region, active, token_version, created_at)
    SELECT gen_random_uuid(), clinics.id, gen_random_uuid(), 'UTC', 'en', 'US', true, 1, now()
    FROM clinics, generate_series(1, :patients)
""")
DIARIES = text("""
    INSERT INTO check_in (patient_id, clinic_id, id, recorded_at, zone, offset_minutes, offset_known, received_at, day,
                          counts, form_version, craving, mood, substances, triggers)
    SELECT id, clinic_id, gen_random_uuid(), at, 'UTC', 0, true, at, at, true, '1', 4, 6, '{}', '{}'
    FROM patient, generate_series(now() - make_interval(days => :days), now() - interval '2 days', '1 day') AS at
""")


def requests_of(app: Flask, actors: Actors) -> dict[str, Request]:
    ada, bob = signed_in(app, actors.ada), signed_in(app, actors.bob)
    trend = f"/v1/patients/{actors.ada.id}/trend?days={DAYS}"

    def put(client: FlaskClient) -> TestResponse:
        return client.put(f"/v1/check-ins/{uuid.uuid4()}", json=check_in_body(utcnow()), headers=ada)

    return {
        "PUT /v1/check-ins/{id}": put,
        f"GET /v1/patients, {PATIENTS} of them": lambda client: client.get("/v1/patients", headers=bob),
        f"GET /v1/patients/{{id}}/trend, {DAYS} days": lambda client: client.get(trend, headers=bob),
    }


def switch(owner: Connection, *, on: bool) -> None:
    secured = text("SELECT tablename FROM pg_policies")
    for table in owner.scalars(secured).all():
        owner.execute(text(f"ALTER TABLE {table} {'ENABLE' if on else 'DISABLE'} ROW LEVEL SECURITY"))
    owner.commit()
    (event.listen if on else event.remove)(Session, "after_begin", scope.tell)


def undisturbed(taken: list[float]) -> float:
    """The fastest tenth of a round ends here: other programs of the machine only ever add."""
    return sorted(taken)[len(taken) // 10]


def milliseconds(client: FlaskClient, request: Request) -> float:
    """Of one request."""
    taken = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        answer = request(client)
        taken.append(time.perf_counter() - began)
        assert answer.status_code in (200, 201), answer.get_data(as_text=True)
    return undisturbed(taken) * 1000


def measure(app: Flask, owner: Connection, requests: dict[str, Request]) -> dict[str, dict[bool, list[float]]]:
    client = app.test_client()
    for request in requests.values():
        milliseconds(client, request)
    taken: dict[str, dict[bool, list[float]]] = {name: {True: [], False: []} for name in requests}
    for round_ in range(ROUNDS):
        # Whichever is first after a change plans anew: each is first as often.
        for on in (False, True) if round_ % 2 else (True, False):
            if not on:
                switch(owner, on=False)
            for name, request in requests.items():
                request(client)
                taken[name][on].append(milliseconds(client, request))
            if not on:
                switch(owner, on=True)
    return taken


def fill(owner: Connection) -> None:
    """Other clinics, and everybody's diary."""
    owner.execute(OTHERS, {"clinics": CLINICS, "patients": PATIENTS})
    owner.execute(DIARIES, {"days": DAYS})
    owner.execute(text("ANALYZE"))
    owner.commit()


def policies_compared(owner: Connection, app_engine: Engine, clinic_id: uuid.UUID) -> dict[str, float]:
    """Microseconds to read one patient's check-ins, by what the policy of the table asks."""
    taken: dict[str, list[float]] = {name: [] for name in POLICIES}
    for _ in range(ROUNDS):
        for name, policy in POLICIES.items():
            owner.execute(text(f"ALTER POLICY own_clinic ON check_in USING ({policy})"))
            owner.commit()
            with app_engine.connect() as connection:
                connection.execute(text("SELECT set_config('interlude.clinic', :id, true)"), {"id": str(clinic_id)})
                taken[name].append(undisturbed([_seconds(connection) for _ in range(REQUESTS)]) * 1e6)
    return {name: median(rounds) for name, rounds in taken.items()}


def _seconds(connection: Connection) -> float:
    began = time.perf_counter()
    connection.execute(DIARY).all()
    return time.perf_counter() - began


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder) / "cluster") as postgres:
        settings = settings_for(postgres.url("interlude_app"), postgres.url("interlude_owner"))
        app = create_app(settings)
        with app.app_context():
            upgrade()
            actors = make_actors(utcnow())
            for _ in range(PATIENTS - 1):
                make_patient(actors.bob, utcnow())
            requests = requests_of(app, actors)
            # What every connection says of its clinic where a transaction does not.
            with connect(conninfo(postgres.url("postgres"))) as superuser:
                superuser.execute(f"ALTER DATABASE interlude SET interlude.clinic = '{actors.clinic.id}'".encode())
            clinic_id = actors.clinic.id
            db.engine.dispose()
        with create_engine(settings.migration_database_url, poolclass=pool.NullPool).connect() as owner:
            fill(owner)
            taken = measure(app, owner, requests)
            with app.app_context():
                compared = policies_compared(owner, db.engine, clinic_id)
        with app.app_context():
            db.engine.dispose()
    show(taken)
    print(f"\n{f'{DAYS} check-ins of one patient; a row is asked for':<48}{'microseconds':>14}")
    for name, micro in compared.items():
        print(f"{name:<48}{micro:>14.0f}")


def show(taken: dict[str, dict[bool, list[float]]]) -> None:
    print(f"{'request':<36}{'without, ms':>12}{'with, ms':>10}{'without/s':>11}{'with/s':>8}{'ratio':>8}")
    for name, by in taken.items():
        without, with_ = median(by[False]), median(by[True])
        ratio = median(one / other for one, other in zip(by[True], by[False], strict=True))
        print(f"{name:<36}{without:>12.2f}{with_:>10.2f}{1000 / without:>11.0f}{1000 / with_:>8.0f}{ratio:>8.2f}")


if __name__ == "__main__":
    main()
