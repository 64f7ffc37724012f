"""R4, R5, R14: three days down, then many schedulers and workers at once, and one patient who cannot be assessed."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.system import eventually
from tests.faults.people import mails_are_known, phones, told_of
from tests.faults.system import Faulty, Phone, faulty_system

DAYS_DOWN = 3
HEARD_BEFORE, SAID_MEANWHILE, QUIET = 3, 3, 4
BOB, DAN = "bob@clinic.example", "dan@interlude.example"
# Each time that somebody is looked at, whoever does it.
LOOKS = """
    CREATE TABLE looked (patient_id uuid, at timestamptz);
    CREATE FUNCTION note_look() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN INSERT INTO public.looked VALUES (NEW.patient_id, NEW.looked_at); RETURN NULL; END $$;
    CREATE TRIGGER looked AFTER UPDATE OF looked_at ON watch
        FOR EACH ROW WHEN (NEW.looked_at IS DISTINCT FROM OLD.looked_at) EXECUTE FUNCTION note_look();
"""
# Treatment that ends in the year 12000, which no date of Python's can hold.
UNREADABLE = """
    WITH course AS (
        INSERT INTO course (id, clinic_id, patient_id, indication, target, protocol, planned_sessions, created_at)
        SELECT gen_random_uuid(), clinic_id, id, 'other', 'other', 'x', 1, now() FROM patient WHERE id = %s
        RETURNING id, clinic_id, patient_id
    )
    INSERT INTO session (id, clinic_id, course_id, patient_id, number, day, starts_at, state)
    SELECT gen_random_uuid(), clinic_id, id, patient_id, 1, '12000-01-01', now(), 'scheduled' FROM course
"""


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    """Of its own: it counts everything."""
    with faulty_system(tmp_path_factory.mktemp("caseload"), ("web", "scheduler", "worker")) as system:
        yield system


def test_after_three_days_down_many_catch_up_at_once_as_one(system: Faulty, long: bool) -> None:
    caseload = phones(system, HEARD_BEFORE + SAID_MEANWHILE + QUIET)
    heard, meanwhile = caseload[:HEARD_BEFORE], caseload[HEARD_BEFORE : HEARD_BEFORE + SAID_MEANWHILE]
    for phone in heard:
        phone.check_in(system.now(), craving=9.5)
    system.settles()
    eventually(lambda: _runs(system) > 0, "there was a tick, from which the time down is counted")
    system.kill("scheduler")
    system.kill("worker")
    for phone in meanwhile:
        phone.check_in(system.now(), craving=9.5)
    system.kill("web")
    system.change(UNREADABLE, caseload[-1].patient_id)
    system.change(LOOKS)
    assert _mails(system) == {BOB: HEARD_BEFORE}

    system.shift(days=DAYS_DOWN)
    system.up("web")
    assert _readyz(system)["assessment_late_seconds"] >= DAYS_DOWN * 86400
    _many_start(system, 10 if long else 3)
    system.settles()
    _each_looked_at_once(system, caseload)
    _one_failed(system, caseload[-1])
    _each_told_once(system, heard, steps=1)
    _each_told_once(system, meanwhile, steps=0)
    _no_storm(system)

    system.change("DELETE FROM looked")
    system.shift(days=1)
    system.settles()
    _each_looked_at_once(system, caseload)
    assert max(Counter(system.query("SELECT member_id, day FROM member_mail WHERE kind = 'digest'")).values()) == 1
    _each_told_once(system, meanwhile, steps=1)
    assert mails_are_known(system)


def _many_start(system: Faulty, size: int) -> None:
    for number in range(size):
        system.start(f"scheduler {number}")
        system.start(f"worker {number}")


def _each_looked_at_once(system: Faulty, caseload: list[Phone]) -> None:
    """Not once for each day that was missed, nor once for each worker."""
    looks = Counter(patient_id for (patient_id,) in system.query("SELECT patient_id FROM looked"))
    assert looks == {phone.patient_id: 1 for phone in caseload[:-1]}
    assert (
        system.query("SELECT count(*), max(n) FROM (SELECT count(*) n FROM job_run GROUP BY job, period) r")[0][1] == 1
    )


def _one_failed(system: Faulty, phone: Phone) -> None:
    failing = system.query("SELECT patient_id, error FROM watch WHERE failures > 0")
    assert failing == [(phone.patient_id, "DataError")]
    said = _readyz(system)
    assert (said["assessments_failing"], said["assessment_late_seconds"]) == (1, 0)


def _each_told_once(system: Faulty, of: list[Phone], *, steps: int) -> None:
    for phone in of:
        told = told_of(system, phone)
        assert (told.check_ins, told.alerts, set(told.emails.values())) == (1, 1, {"sent"})
        assert (len(told.emails), told.came) == (1 + steps, 1 + steps)
        escalated = system.query(
            "SELECT count(*) FROM alert_event JOIN alert ON alert.id = alert_id"
            " WHERE kind = 'escalated' AND patient_id = %s",
            phone.patient_id,
        )
        assert escalated == [(steps,)]


def _no_storm(system: Faulty) -> None:
    """Of the days that nobody could check in on, no patient is called silent."""
    assert system.query("SELECT count(*) FROM alert") == [(HEARD_BEFORE + SAID_MEANWHILE,)]
    digests = system.query("SELECT count(*) FROM member_mail WHERE kind = 'digest' GROUP BY member_id")
    assert set(digests) == {(1,)}
    # Bob's of before, and of what was said meanwhile; Dan's of what Bob did not acknowledge; a digest each.
    came = _mails(system)
    assert came[BOB] == HEARD_BEFORE + SAID_MEANWHILE + 1
    assert came[DAN] - HEARD_BEFORE in (0, 1)
    assert set(came) == {BOB, DAN}


def _mails(system: Faulty) -> Counter[str]:
    return Counter(str(message["To"]) for message in list(system.mail.taken))


def _readyz(system: Faulty) -> dict[str, Any]:
    said: dict[str, Any] = system.browser().call("GET", "/readyz", expect=200)
    return said


def _runs(system: Faulty) -> int:
    return len(system.query("SELECT 1 FROM job_run WHERE job = 'assess'"))
