"""The limit: pgbench doing nothing but the same INSERT."""

import os
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg

from bench.api.load import Outcome
from server.local import install

INSERT = """
\\set number random(1, {patients})
INSERT INTO check_in (patient_id, clinic_id, id, recorded_at, zone, offset_minutes, offset_known, received_at, day,
                      counts, form_version, craving, mood, used, substances, triggers)
SELECT id, clinic_id, gen_random_uuid(), now(), 'America/New_York', -300, true, now(), current_date, false, '1', 3, 7,
       'no', '{{}}', '{{stress}}'
FROM bench_patient, generate_series(1, {rows}) WHERE number = :number;
"""


def prepare(owner: psycopg.Connection) -> int:
    """Patients by number, so that finding one costs nothing; returns how many."""
    owner.execute(
        "CREATE TABLE bench_patient AS SELECT row_number() OVER ()::int AS number, id, clinic_id FROM patient;"
        "ALTER TABLE bench_patient ADD PRIMARY KEY (number); ANALYZE bench_patient"
    )
    found = owner.execute("SELECT count(*) FROM bench_patient").fetchone()
    assert found
    return int(found[0])


def pgbench(url: str, patients: int, rows: int, connections: int, seconds: float) -> Outcome:
    """`url`: of the owner, whom no policy binds."""
    place = urlsplit(url)
    sockets = parse_qs(place.query)["host"][0]
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "insert.sql"
        script.write_text(INSERT.format(patients=patients, rows=rows))
        words = [str(install.bundled() / "bin" / "pgbench"), "--no-vacuum", "--protocol", "prepared", "--log"]
        words += ["--client", str(connections), "--jobs", "2", "--time", str(max(1, round(seconds)))]
        words += ["--host", sockets, "--username", str(place.username), "--file", str(script), place.path[1:]]
        environ = {**os.environ, "PGPASSWORD": unquote(place.password or "")}
        done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"pgbench failed:\n{done.stderr}")
        logs = [line.split() for log in Path(folder).glob("pgbench_log.*") for line in log.read_text().splitlines()]
    outcome = Outcome(seconds=float(max(1, round(seconds))), taken=[int(line[2]) / 1e6 for line in logs])
    outcome.statuses[200] = len(logs)
    return outcome
