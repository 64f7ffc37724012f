"""Where a program can be killed, from the check-in to the record of the mail that it leads to."""

from dataclasses import dataclass

from tests.faults.traps import Trap

CHECK_IN, ALERT, EMAIL = "INSERT INTO check_in ", "INSERT INTO alert ", "INSERT INTO alert_email "
RUN, CLAIMS = "INSERT INTO job_run ", "UPDATE watch SET queued_at"
LEASE, MARK = "UPDATE alert_email SET attempts", "UPDATE alert_email SET .*claim=.* state="


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where it is killed, what the phone's retry is then answered, and how often the mail comes in."""

    trap: Trap
    retried: int = 200
    came: int = 1
    short: bool = True
    """In the suite, and not in `make faults` alone."""


BOUNDARIES = (
    # The job of the mail is in the transaction that raises: after the email's row it is queued, then they commit.
    Boundary(Trap("web", "before", CHECK_IN), 201, short=False),
    Boundary(Trap("web", "after", CHECK_IN), 201),
    Boundary(Trap("web", "after", EMAIL), 201, short=False),
    Boundary(Trap("web", "before commit", EMAIL), 201),
    Boundary(Trap("web", "after commit", EMAIL)),
    Boundary(Trap("scheduler", "after", RUN), short=False),
    Boundary(Trap("scheduler", "after", CLAIMS), short=False),
    Boundary(Trap("scheduler", "before commit", CLAIMS)),
    Boundary(Trap("scheduler", "after commit", CLAIMS)),
    Boundary(Trap("worker", "before", ALERT), short=False),
    Boundary(Trap("worker", "after", EMAIL), short=False),
    Boundary(Trap("worker", "before commit", EMAIL)),
    Boundary(Trap("worker", "after commit", EMAIL)),
    Boundary(Trap("worker", "before commit", LEASE), short=False),
    Boundary(Trap("worker", "after commit", LEASE)),
    # The 250 came, and is not on record: that is the window in which a mail goes twice.
    Boundary(Trap("worker", "before", MARK), came=2),
    Boundary(Trap("worker", "before commit", MARK), came=2, short=False),
    Boundary(Trap("worker", "after commit", MARK)),
)
