"""Late, replaced, duplicated and shuffled check-ins: the same alerts in the end, and none that was sent disappears."""

import os
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.extensions import db
from server.jobs.assessing import assess_all
from server.models import Outcome, Patient
from server.services import alerts, check_ins, identities
from tests.conftest import MONDAY, Clock
from tests.database import one, rows
from tests.factories import Actors, check_in_body, make_patient

EVENTS = """
    SELECT kind, event.severity, event.day, reason
    FROM alert_event AS event JOIN alert ON alert.id = alert_id WHERE rule = :rule ORDER BY event.id
"""
EXAMPLES = max(4, int(os.environ.get("CONTRACT_RUNS", "0")) // 10)
CLOSED = timedelta(hours=15)  # after the check-in at 16:00 in New York, the day is over


def put(patient: Patient, clock: Clock, day: int, *, hour: int = 0, **said: Any) -> None:
    """A check-in about the day so many days after the first, arriving now."""
    at = MONDAY + timedelta(days=day, hours=hour)
    check_ins.put_check_in(patient.id, uuid.uuid4(), check_in_body(at, **said) | {"recorded_at": at}, clock())
    db.session.commit()


def look(patient: Patient, clock: Clock) -> None:
    """Time passes, and whoever is due is looked at."""
    clock.pass_by(minutes=1)
    assess_all([patient.id], clock())


def events(rule: str) -> list[tuple[str, str, date | None, str | None]]:
    db.session.rollback()
    return [tuple(row) for row in rows(EVENTS, rule=rule)]


def alert(rule: str = "craving_severe") -> Any:
    db.session.rollback()
    return rows("SELECT severity, day, last_day, superseded_at IS NOT NULL FROM alert WHERE rule = :rule", rule=rule)


def on(day: int) -> date:
    return MONDAY.date() + timedelta(days=day)


def mails() -> int:
    return int(one("SELECT count(*) FROM alert_email"))


def test_an_alert_that_a_replaced_check_in_takes_away_is_marked_and_says_why(actors: Actors, clock: Clock) -> None:
    put(actors.ada, clock, 0, craving=10)
    look(actors.ada, clock)
    clock.pass_by(days=2)
    put(actors.ada, clock, 0, hour=1, craving=2)
    look(actors.ada, clock)
    assert alert() == [("prompt", on(0), on(0), True)]
    assert one("SELECT state FROM alert") == "open"
    assert events("craving_severe") == [
        ("raised", "prompt", on(0), None),
        ("superseded", "prompt", None, "A check-in for 4 May arrived later."),
    ]
    clock.pass_by(days=1)
    look(actors.ada, clock)
    assert (len(events("craving_severe")), mails()) == (2, 1)


def test_what_an_open_day_told_is_judged_when_it_is_over(actors: Actors, clock: Clock) -> None:
    put(actors.ada, clock, 0, craving=10)
    look(actors.ada, clock)
    clock.pass_by(hours=2)
    put(actors.ada, clock, 0, hour=1, craving=2)
    look(actors.ada, clock)
    assert alert() == [("prompt", on(0), on(0), False)]
    clock.pass_by(hours=13)
    look(actors.ada, clock)
    assert alert() == [("prompt", on(0), on(0), True)]


def test_a_finding_that_comes_back_is_told_again(actors: Actors, clock: Clock) -> None:
    put(actors.ada, clock, 0, craving=10)
    look(actors.ada, clock)
    clock.pass_by(days=2)
    for hour, craving in ((1, 2), (2, 9)):
        put(actors.ada, clock, 0, hour=hour, craving=craving)
        look(actors.ada, clock)
    assert alert() == [("prompt", on(0), on(0), False)]
    assert [kind for kind, *_ in events("craving_severe")] == ["raised", "superseded", "raised"]
    assert one("SELECT sentence FROM alert") == "Craving was 9 on 4 May (limit 9)."
    assert mails() == 2


def test_one_that_was_closed_stays_closed_and_what_comes_back_is_a_new_one(actors: Actors, clock: Clock) -> None:
    put(actors.ada, clock, 0, craving=10)
    look(actors.ada, clock)
    bob = identities.of_member(actors.bob)
    alerts.resolve(bob, one("SELECT id FROM alert"), Outcome.CONTACTED, None, clock())
    db.session.commit()
    clock.pass_by(days=2)
    for hour, craving in ((1, 2), (2, 9)):
        put(actors.ada, clock, 0, hour=hour, craving=craving)
        look(actors.ada, clock)
    assert rows("SELECT state, superseded_at FROM alert ORDER BY raised_at") == [("resolved", None), ("open", None)]
    assert mails() == 2


def test_a_severity_that_the_record_no_longer_holds_is_restated_and_mails_nobody(actors: Actors, clock: Clock) -> None:
    for day in (0, 1):
        put(actors.ada, clock, day, craving=9 + day)
        look(actors.ada, clock)
        clock.pass_by(days=1)
    assert alert() == [("urgent", on(0), on(1), False)]
    alerts.acknowledge(identities.of_member(actors.bob), one("SELECT id FROM alert"), clock())
    db.session.commit()
    sent = mails()
    clock.pass_by(days=1)
    put(actors.ada, clock, 1, hour=1, craving=3)
    look(actors.ada, clock)
    assert alert() == [("prompt", on(0), on(0), False)]
    assert events("craving_severe")[-1] == ("restated", "prompt", on(0), "A check-in for 5 May arrived later.")
    assert (one("SELECT state FROM alert"), mails()) == ("acknowledged", sent)


def test_an_alert_that_an_edit_takes_away_says_so(actors: Actors, clock: Clock) -> None:
    at, id_ = MONDAY, uuid.uuid4()
    put_fields = check_in_body(at, craving=10) | {"recorded_at": at}
    check_ins.put_check_in(actors.ada.id, id_, put_fields, clock())
    db.session.commit()
    look(actors.ada, clock)
    clock.pass_by(days=2)
    check_ins.put_check_in(actors.ada.id, id_, put_fields | {"craving": 2}, clock(), {"*"})
    db.session.commit()
    look(actors.ada, clock)
    assert alert() == [("prompt", on(0), on(0), True)]
    assert events("craving_severe")[-1] == ("superseded", "prompt", None, "A check-in for 4 May was edited.")


def test_an_edit_that_moves_to_another_day_is_told_of(actors: Actors, clock: Clock) -> None:
    at, id_ = MONDAY, uuid.uuid4()
    fields = check_in_body(at, craving=10) | {"recorded_at": at}
    check_ins.put_check_in(actors.ada.id, id_, fields, clock())
    db.session.commit()
    look(actors.ada, clock)
    clock.pass_by(days=3)
    moved = fields | {"recorded_at": at + timedelta(days=2)}
    check_ins.put_check_in(actors.ada.id, id_, moved, clock(), {"*"})
    db.session.commit()
    look(actors.ada, clock)
    assert alert() == [("prompt", on(2), on(2), False)]
    assert events("craving_severe")[-1] == ("restated", "prompt", on(2), "Check-ins for 4 May to 6 May were edited.")


def test_a_yes_about_self_harm_is_never_superseded(actors: Actors, clock: Clock) -> None:
    put(actors.ada, clock, 0, self_harm_thoughts="yes")
    clock.pass_by(days=2)
    put(actors.ada, clock, 0, hour=1, self_harm_thoughts="no")
    look(actors.ada, clock)
    assert alert("safety_concern") == [("urgent", on(0), on(0), False)]


# A diary of 24 days, each (craving, mood) or nothing; then how late each arrives, and what is said again or replaced.
calm = st.none() | st.tuples(st.integers(1, 4), st.integers(5, 8))
rough = st.none() | st.tuples(st.integers(4, 10), st.integers(0, 6))
diaries = st.tuples(st.lists(calm, min_size=11, max_size=11), st.lists(rough, min_size=13, max_size=13)).map(
    lambda parts: parts[0] + parts[1]
)
lateness = st.lists(st.sampled_from([0, 0, 0, 1, 2, 5, 30]), min_size=24, max_size=24)
replaced = st.dictionaries(st.integers(0, 23), st.tuples(st.integers(0, 10), st.integers(0, 10)), max_size=4)


class Post:
    """One check-in of a diary: the same id, whenever and however often it arrives."""

    def __init__(self, day: int, said: tuple[int, int], hour: int, late: int) -> None:
        self.id, self.day, self.arrives = uuid.uuid4(), day, day + late
        self.fields = check_in_body(MONDAY + timedelta(days=day, hours=hour), craving=said[0], mood=said[1])
        self.fields["recorded_at"] = MONDAY + timedelta(days=day, hours=hour)

    def deliver(self, patient: Patient, now: datetime) -> None:
        check_ins.put_check_in(patient.id, self.id, self.fields, now)
        db.session.commit()


def live_through(patient: Patient, clock: Clock, posts: Sequence[Post], days: int) -> None:
    """Day by day what arrives, in the order given; a look after it, and one when the day is over."""
    for day in range(days):
        clock.at = MONDAY + timedelta(days=day, hours=3)
        for post in posts:
            if min(post.arrives, days - 1) == day:
                post.deliver(patient, clock())
        assess_all([patient.id], clock())
        clock.at = MONDAY + timedelta(days=day) + CLOSED
        assess_all([patient.id], clock())


def standing_alerts(patient: Patient) -> Sequence[tuple[Any, ...]]:
    db.session.rollback()
    return rows(
        """SELECT rule, severity, day, last_day, sentence, basis, figures, thresholds FROM alert
           WHERE patient_id = :patient AND state = 'open' AND superseded_at IS NULL ORDER BY rule""",
        patient=patient.id,
    )


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(diary=diaries, late=lateness, replaced=replaced, order=st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    actors: Actors, clock: Clock, diary: list[Any], late: list[int], replaced: dict[int, Any], order: Any
) -> None:
    clock.at = MONDAY
    punctual, tardy = make_patient(actors.bob, clock()), make_patient(actors.bob, clock())
    said = [(day, answer, 0) for day, answer in enumerate(diary) if answer]
    said += [(day, answer, 1) for day, answer in replaced.items()]
    live_through(punctual, clock, [Post(day, answer, hour, 0) for day, answer, hour in said], len(diary))
    posts = [Post(day, answer, hour, late[day]) for day, answer, hour in said]
    again = order.sample(posts, len(posts) // 3)
    shuffled = order.sample(posts, len(posts)) + again
    live_through(tardy, clock, shuffled, len(diary))
    assert standing_alerts(tardy) == standing_alerts(punctual)
