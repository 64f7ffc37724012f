"""session_missed: a TMS session that was missed; two in a row are more than twice one."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from server.trends.course import Course, Session, SessionState
from server.trends.findings import Evidence, Severity
from server.trends.record import DAY, Record
from server.trends.sentences import name_day
from server.trends.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Missed:
    """Which session it was, and how many in a row with it."""

    session: int
    sessions: int  # of the whole course
    in_a_row: int

    def as_dict(self) -> dict[str, float | None]:
        """The numbers by name, ready for JSON."""
        return asdict(self)


def session_missed(record: Record, _thresholds: Thresholds) -> Iterator[Evidence]:
    """Each session that was missed; prompt when the one before was too. A cancelled one is not in the row.

    A session that nobody has recorded yet ends the row: "in a row" is never guessed. Nor is one missed before
    its day, whatever was recorded.
    """
    course = record.course
    run: list[Session] = []
    for session in course.standing if course else ():
        run = [*run, session] if session.state is SessionState.MISSED else []
        if course and run and session.day <= record.today + DAY:
            yield _explain(run, course)


def _explain(run: list[Session], course: Course) -> Evidence:
    session = run[-1]
    figures = Missed(session.number, len(course.sessions), len(run))
    repeats = {1: "", 2: ", the second in a row"}.get(len(run), f", {len(run)} in a row")
    return Evidence(
        day=session.day,
        severity=Severity.PROMPT if len(run) > 1 else Severity.ROUTINE,
        sentence=(
            f"TMS session {figures.session} of {figures.sessions}, on {name_day(session.day, session.day)}, "
            f"was missed{repeats}."
        ),
        basis=tuple(dict.fromkeys(earlier.day for earlier in run)),
        figures=figures,
    )
