"""Whether this machine's clock can be believed: it decides which days are over, and when the next person is told.

A clock that is a year ahead would close a year of days, and nobody would look at the patient until they have passed.
"""

from datetime import timedelta

from sqlalchemy import func, select

from server import clock
from server.errors import WrongClock
from server.extensions import Instant, db

# Machines in step are apart by less than a second; leases and deadlines are of minutes.
FURTHEST = timedelta(minutes=5)


def require_right_clock() -> None:
    """Raises WrongClock on a machine whose clock and the database's are further apart than FURTHEST.

    Which of the two is wrong cannot be told from here, nor need it: no work is done by either until they agree.
    """
    there = db.session.scalar(select(func.clock_timestamp(type_=Instant())))
    if there is None or abs(clock.utcnow() - there) > FURTHEST:
        raise WrongClock
