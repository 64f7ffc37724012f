"""Days of a clinic in which everything fails in turn, as a seed says; afterwards the same holds as if nothing had.

The suite plays one seed, `make faults` twenty; FAULT_SEED=7 plays one again. The seed fixes what is done and in which
order; how far the programs have come meanwhile, only the machine knows.
"""

import os
import random
import signal
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.e2e.system import eventually
from tests.factories import check_in_body, new_id
from tests.faults.boundaries import BOUNDARIES, MARK
from tests.faults.people import mails_are_known, phones
from tests.faults.system import LOST, Faulty, Phone, faulty_system
from tests.faults.traps import Trap
from tests.mail_server import Fault, Step

FIRST, RUNS = int(os.environ.get("FAULT_SEED", "1")), int(os.environ.get("FAULT_RUNS", "1"))
STEPS = int(os.environ.get("FAULT_STEPS", "6"))
PROGRAMS = ("web", "scheduler", "worker", "worker 2")
SAID: tuple[dict[str, object], ...] = (
    {"craving": 9.5},
    {"self_harm_thoughts": "yes"},
    {"craving": 2},
    {"craving": 3, "mood": 4},
)
# None of them lasts.
MAIL_FAULTS = (Fault.DROPS, Fault.GARBAGE, "421 busy", "450 busy")
# A later report of the day takes the place of a rating, and of no yes.
ALARMING = """
    SELECT patient_id, 'craving_severe' FROM check_in WHERE counts AND craving = 9.5
    UNION SELECT patient_id, 'safety_concern' FROM check_in WHERE self_harm_thoughts = 'yes'
"""
FAILING_STEPS = (Step.GREETING, Step.MAIL, Step.RCPT, Step.DATA, Step.END)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + RUNS))
def test_whatever_fails_in_whatever_order_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    with faulty_system(tmp_path, PROGRAMS) as system:
        play = Play(system, phones(system, 5), random.Random(seed))
        for _ in range(STEPS):
            play.step()
        play.calms_down()
        play.is_whole()


class Play:
    """What was done, so that it can be asked afterwards what became of it."""

    def __init__(self, system: Faulty, caseload: list[Phone], chance: random.Random) -> None:
        self.system, self.caseload, self.chance = system, caseload, chance
        self.stored: list[tuple[Phone, str]] = []
        self.repeats = 0
        """So many leases were over before their sender was done: so many mails may have come in once more."""
        self.frozen: list[int] = []

    def step(self) -> None:
        fault = self.chance.choice(
            (self.falls, self.falls, self.is_killed, self.freezes, self.mail_fails, self.database_ends)
        )
        hours = self.chance.choice((0, 0, 1, 5, 30))
        print(f"{fault.__name__}, then {hours} hours")
        fault()
        for phone in self.chance.sample(self.caseload, 2):
            self.checks_in(phone, self.chance.choice(SAID))
        self.tend()
        self.system.shift(hours=hours)

    def falls(self) -> None:
        """Into a trap, whoever comes there first; if nobody does, the next fault takes its place."""
        where = self.chance.choice([*(one.trap for one in BOUNDARIES), Trap("worker", "before", MARK, signal.SIGSTOP)])
        print(where)
        self.system.set(where)

    def is_killed(self) -> None:
        self.system.kill(self.chance.choice(sorted(self.system.programs)))

    def freezes(self) -> None:
        """A worker, wherever it is, until the next step but one."""
        self.freeze(self.system.programs[self.chance.choice(("worker", "worker 2"))].pid)

    def freeze(self, pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        self.frozen.append(pid)

    def mail_fails(self) -> None:
        failing = [{self.chance.choice(FAILING_STEPS): self.chance.choice(MAIL_FAULTS)} for _ in range(3)]
        self.system.mail.conversations = [*failing, {}]

    def database_ends(self) -> None:
        child = self.system.postgres._child
        assert child is not None
        child.send_signal(signal.SIGQUIT)
        child.wait(60)
        self.system.postgres.start()

    def checks_in(self, phone: Phone, said: dict[str, object]) -> None:
        check_in_id = new_id()
        body = check_in_body(self.system.now() - timedelta(seconds=5), **said)

        def is_stored() -> bool:
            self.tend()
            return phone.say(check_in_id, body) in (200, 201)

        eventually(is_stored, "the phone is told that it is stored")
        self.stored.append((phone, check_in_id))

    def tend(self) -> None:
        """As a supervisor: what ended starts again. What froze thaws, when its lease has passed to another."""
        fallen = self.system.fallen()
        alive = {program.pid for program in self.system.programs.values() if program.poll() is None}
        if fallen in alive and fallen not in self.frozen:
            self.frozen.append(fallen)
        if len(self.frozen) > 1:
            self.thaw()
        for name in PROGRAMS:
            program = self.system.programs.get(name)
            if program is None or program.poll() is not None:
                self.end_leases()
                self.system.start(name)

    def end_leases(self) -> None:
        self.repeats += self.system.end_leases()

    def thaw(self) -> None:
        self.end_leases()
        for pid in self.frozen:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                continue
        self.frozen = []

    def calms_down(self) -> None:
        self.system.trap_file.unlink(missing_ok=True)
        self.system.mail.conversations = [{}]
        self.thaw()
        self.tend()
        eventually(self.system.answers, "the web process is ready")
        self.system.shift(seconds=LOST.total_seconds())

        def settles() -> bool:
            # What was put off is due half an hour later at most.
            if not self.system.is_settled():
                self.end_leases()
                self.system.shift(minutes=1)
            return self.system.is_settled()

        eventually(settles, "all that was to be done is done")

    def is_whole(self) -> None:
        stored = {(patient, str(one)) for patient, one in self.system.query("SELECT patient_id, id FROM check_in")}
        assert {(phone.patient_id, one) for phone, one in self.stored} == stored
        alerts = Counter(self.system.query("SELECT patient_id, rule FROM alert WHERE state <> 'resolved'"))
        assert set(alerts.values()) <= {1}
        assert set(self.system.query(ALARMING)) <= set(alerts)
        self._mails_are_whole()
        assert self.system.query("SELECT count(*) FROM watch WHERE failures > 0") == [(0,)]
        nowhere = "SELECT id FROM alert WHERE NOT EXISTS (SELECT FROM alert_email WHERE alert_id = alert.id)"
        assert self.system.query(nowhere) == []

    def _mails_are_whole(self) -> None:
        mails = self.system.query("SELECT id, state FROM alert_email UNION ALL SELECT id, state FROM member_mail")
        states = {f"<{mail}@interlude.example>": state for mail, state in mails}
        taken = Counter(str(message["Message-ID"]) for message in self.system.mail.taken)
        assert mails_are_known(self.system)
        # None is called sent that was not taken (a digest tells what waits for it), and repeats have a cause each.
        alone = {mail for (mail,) in self.system.query("SELECT id FROM alert_email WHERE digest_id IS NULL")}
        alone |= {mail for (mail,) in self.system.query("SELECT id FROM member_mail")}
        sent = {name for name, state in states.items() if state == "sent"}
        assert sent & {f"<{mail}@interlude.example>" for mail in alone} <= taken.keys()
        assert set(states.values()) <= {"sent", "withheld", "in_digest"}
        assert sum(taken.values()) - len(taken) <= self.repeats
        digests = self.system.query("SELECT member_id, day FROM member_mail WHERE kind = 'digest'")
        assert len(digests) == len(set(digests))
