"""Two real schedulers at once enqueue once."""

from pathlib import Path

from tests.e2e.system import eventually, running_system

PERIODS = 4


def test_two_schedulers_enqueue_each_due_patient_and_each_period_once(tmp_path: Path) -> None:
    with running_system(tmp_path, names=("scheduler 1", "scheduler 2")) as system:
        eventually(lambda: len(system.query("SELECT 1 FROM job_run WHERE job = 'assess'")) >= 2, "they tick")
        system.command("demo")
        # The day closes, and all twelve patients of the demo are due at once.
        system.shift(days=1)
        eventually(lambda: bool(system.query("SELECT 1 FROM job_run WHERE enqueued = 12")), "the due are enqueued")
        seen = len(system.query("SELECT 1 FROM job_run WHERE job = 'assess'"))
        eventually(
            lambda: len(system.query("SELECT 1 FROM job_run WHERE job = 'assess'")) >= seen + PERIODS,
            "more periods have passed",
        )
        patients = system.query("""
            SELECT jsonb_array_elements_text(args -> 'patient_ids') FROM procrastinate_jobs WHERE task_name = 'assess'
        """)
        assert len(patients) == len(set(patients)) == 12
        # One job a minute by the table of jobs, whoever of the two ticked first.
        (runs,) = system.query("SELECT count(*) FROM job_run WHERE job = 'retry_stalled'")
        (jobs,) = system.query("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'retry_stalled'")
        assert runs == jobs
        assert runs[0] >= 1
