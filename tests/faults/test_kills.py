"""R1, R2: kill -9 of each program at each boundary, from the check-in to the record of the mail that it leads to."""

import signal
from collections.abc import Iterator

from tests.e2e.system import eventually
from tests.factories import check_in_body, new_id
from tests.faults.boundaries import BOUNDARIES, MARK, Boundary
from tests.faults.people import mails_are_known, told_of
from tests.faults.system import LOST, Faulty, Phone
from tests.faults.traps import Trap
from tests.mail_server import Fault, Step


def test_a_kill_at_each_boundary_loses_nothing_and_repeats_nothing(
    system: Faulty, waiting_phones: Iterator[Phone], long: bool
) -> None:
    for boundary in BOUNDARIES:
        if long or boundary.short:
            _is_survived(system, next(waiting_phones), boundary)


def _is_survived(system: Faulty, phone: Phone, boundary: Boundary) -> None:
    program = boundary.trap.program
    system.set(boundary.trap)
    check_in_id, body = new_id(), _severe(system, by_itself=program == "web")
    first = phone.say(check_in_id, body)
    eventually(lambda: system.fallen() is not None, f"{boundary} is reached")
    system.programs[program].wait(30)
    assert system.programs[program].poll() == -signal.SIGKILL
    assert (first is None) == (program == "web")
    _is_whole(system, phone)
    system.end_leases()
    system.up(program)
    assert phone.say(check_in_id, body) == boundary.retried, boundary
    system.shift(seconds=LOST.total_seconds())
    system.settles()
    told = told_of(system, phone)
    assert (told.check_ins, told.alerts, told.came) == (1, 1, boundary.came), (boundary, told)
    assert list(told.emails.values()) == ["sent"], (boundary, told)
    assert mails_are_known(system)
    # What is not acknowledged goes on to Dan: another test's affair.
    system.change("UPDATE alert SET escalate_at = NULL WHERE patient_id = %s", phone.patient_id)


def _severe(system: Faulty, *, by_itself: bool) -> dict[str, object]:
    """What raises an alert: in the request, a yes; else by an assessment, one rating."""
    said = {"self_harm_thoughts": "yes"} if by_itself else {"craving": 9.5}
    return check_in_body(system.now(), **said)


def _is_whole(system: Faulty, phone: Phone) -> None:
    """An alert, its email and the job that sends it are there together, or not at all."""
    told = told_of(system, phone)
    assert len(told.emails) == told.alerts <= told.check_ins
    assert {str(email_id) for email_id, state in told.emails.items() if state != "sent"} <= told.jobs


def test_a_kill_in_the_middle_of_sending_sends_the_same_mail_again(system: Faulty, phone: Phone) -> None:
    _stall(system, Step.END)
    phone.check_in(system.now(), craving=9.5)
    eventually(system.mail.stalled.is_set, "the mail server holds the whole message and says nothing")
    _kill_the_sender(system)
    told = told_of(system, phone)
    assert (told.alerts, told.came, list(told.emails.values())) == (1, 2, ["sent"])
    assert mails_are_known(system)


def test_a_sender_that_froze_past_its_lease_writes_nothing(system: Faulty, phone: Phone) -> None:
    """R4: it has the 250, and sleeps; another sends the same message, and what the sleeper thinks counts no more."""
    system.set(Trap("worker", "before", MARK, signal.SIGSTOP))
    phone.check_in(system.now(), craving=9.5)
    eventually(lambda: system.fallen() is not None, "a worker freezes after the 250")
    frozen = system.programs.pop("worker")
    assert list(told_of(system, phone).emails.values()) == ["queued"]
    system.end_leases()
    system.up("worker")
    system.shift(seconds=LOST.total_seconds())
    system.settles()
    written = _record(system, phone)
    frozen.send_signal(signal.SIGCONT)
    system.programs["worker 2"] = frozen
    eventually(lambda: _jobs(system, phone) == [], "the sleeper has taken up its job where it was, and is done with it")
    assert _record(system, phone) == written
    told = told_of(system, phone)
    assert (told.alerts, told.came, list(told.emails.values())) == (1, 2, ["sent"])
    assert mails_are_known(system)


def _stall(system: Faulty, step: Step) -> None:
    """The next conversation only."""
    for event in (system.mail.stalled, system.mail.over):
        event.clear()
    system.mail.conversations = [{step: Fault.STALLS}, {}]


def _kill_the_sender(system: Faulty) -> None:
    system.kill("worker")
    system.mail.over.set()
    system.end_leases()
    system.up("worker")
    system.shift(seconds=LOST.total_seconds())
    system.settles()


def _jobs(system: Faulty, phone: Phone) -> list[tuple[object, ...]]:
    """Those that send the mails about this patient, waiting or at work."""
    return system.query(
        "SELECT job.id FROM procrastinate_jobs job JOIN alert_email email ON args->>'email_id' = email.id::text"
        " JOIN alert ON alert.id = alert_id WHERE patient_id = %s",
        phone.patient_id,
    )


def _record(system: Faulty, phone: Phone) -> list[tuple[object, ...]]:
    return system.query(
        "SELECT email.state, sent_at, attempts, claim FROM alert_email email JOIN alert ON alert.id = alert_id"
        " WHERE patient_id = %s",
        phone.patient_id,
    )
