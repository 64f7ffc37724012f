"""Migration 0015 on a database that has rows: who is enrolled takes part since the enrolment; and going back."""

from collections.abc import Sequence
from typing import Any

from flask_migrate import downgrade, upgrade
from sqlalchemy import create_engine, pool, text

from server.app import create_app
from server.extensions import db
from server.local.postgres import EmbeddedPostgres
from tests.catalog import scratch_database
from tests.test_clinic_of_every_row import CLINIC_AND_ALL

ENROLLED = "UPDATE patient SET password_hash = 'x'"
REDEEMED = "UPDATE invite SET redeemed_at = '2026-05-04T20:00Z'"
LEFT = "UPDATE alert_email SET state = 'withdrawn'"
ANOTHER = """
    INSERT INTO patient (id, clinic_id, code, zone, language, region, active, token_version, created_at,
                         assess_failures)
    SELECT gen_random_uuid(), id, 'NEVER', 'UTC', 'en', 'US', true, 1, now(), 0 FROM clinic
"""
WITHDRAWN = """
    UPDATE patient SET withdrawn_at = now(), assess_due_at = NULL WHERE code = 'North';
    UPDATE consent SET withdrawn_at = now(), withdrawn_how = 'by_patient';
    INSERT INTO pause (id, clinic_id, patient_id, why, first_day, begun_at)
    SELECT gen_random_uuid(), clinic_id, id, 'withdrawal', now(), now() FROM patient
"""


def test_who_was_enrolled_takes_part(postgres: EmbeddedPostgres) -> None:
    with scratch_database(postgres, "consents") as settings:
        engine = create_engine(settings.migration_database_url, poolclass=pool.NullPool)

        def ask(statement: str) -> Sequence[tuple[Any, ...]]:
            with engine.begin() as connection:
                found = connection.execute(text(statement))
                return [tuple(row) for row in found] if found.returns_rows else []

        with create_app(settings).app_context():
            upgrade(revision="0008")
            with engine.begin() as connection:
                connection.execute(CLINIC_AND_ALL, {"name": "North"})
            upgrade(revision="0014")
            for statement in (ENROLLED, REDEEMED, LEFT, ANOTHER):
                ask(statement)
            upgrade(revision="0015")
            assert ask("""
                SELECT code, kind, purpose, what, wording, granted_at = '2026-05-04T20:00Z', consent.withdrawn_at
                FROM consent JOIN patient ON patient.id = patient_id
            """) == [("North", "participation", "monitoring", "check_ins", "before-0015", True, None)]
            assert ask("SELECT state, withheld_why FROM alert_email") == [("withheld", "not_in_care_team")]
            assert ask("SELECT why FROM pause") == [("clinic",)]
            for statement in WITHDRAWN.split(";"):
                ask(statement)
            downgrade(revision="0014")
            assert ask("SELECT state FROM alert_email") == [("withdrawn",)]
            # One pause is open, as there can be but one; who had withdrawn is not looked at.
            assert ask("SELECT code FROM pause JOIN patient ON patient.id = patient_id ORDER BY 1") == [
                ("NEVER",), ("North",)
            ]  # fmt: skip
            assert ask("SELECT DISTINCT assess_due_at FROM patient") == [(None,)]
            upgrade(revision="0015")
            db.engine.dispose()
