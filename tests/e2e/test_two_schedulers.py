"""Two real schedulers at once enqueue once."""

from pathlib import Path

from server.app import create_app
from server.extensions import db
from server.local.postgres import EmbeddedPostgres
from server.scheduler import TICKS_AT_ONCE
from server.settings import Settings
from tests.e2e.system import System, eventually, running_system
from tests.factories import make_actors, make_patient

PATIENTS = 12
PERIODS = 4


def test_two_schedulers_enqueue_each_due_patient_and_each_period_once(
    tmp_path: Path, migrated: EmbeddedPostgres
) -> None:
    with running_system(tmp_path, ("scheduler 1", "scheduler 2"), migrated=migrated) as system:
        eventually(lambda: _runs(system) >= 2, "they tick")
        _make_patients(system)
        # The day closes, and all of them are due at once.
        system.shift(days=1)
        due = f"SELECT 1 FROM job_run WHERE job = 'assess' AND enqueued = {PATIENTS}"  # noqa: S608  # a constant
        eventually(lambda: bool(system.query(due)), "the due are enqueued")
        seen = _runs(system)
        eventually(lambda: _runs(system) >= seen + PERIODS, "more periods have passed")
        queued = system.query("""
            SELECT jsonb_array_elements_text(args -> 'patient_ids') FROM procrastinate_jobs WHERE task_name = 'assess'
        """)
        assert len(queued) == len(set(queued)) == PATIENTS
        # They leave the workers room: a connection for each tick that may run at once, and those of the test are over.
        # (Tests that ran before in this process may hold theirs in other databases of the cluster.)
        held = "SELECT 1 FROM pg_stat_activity WHERE usename = 'interlude_app' AND datname = current_database()"
        eventually(lambda: len(system.query(held)) <= 2 * TICKS_AT_ONCE, "they hold a connection for each tick")
        assert [process.poll() for process in system.processes.values()] == [None, None]


def _runs(system: System) -> int:
    return len(system.query("SELECT 1 FROM job_run WHERE job = 'assess'"))


def _make_patients(system: System) -> None:
    app = create_app(Settings.from_env(system.environment))
    with app.app_context():
        actors = make_actors(system.now())
        for _ in range(PATIENTS - 1):
            make_patient(actors.bob, system.now())
        db.engine.dispose()
