"""The pages have words for all that a rule can say."""

import uuid
from datetime import timedelta

from flask.testing import FlaskClient

from server.extensions import db
from server.models import Alert
from server.services.raising import raise_findings
from server.trends import RULES, Course, Reading, Record, Session, SessionState, Thresholds, assess
from server.web.pages import FIGURE_NAMES, RULE_NAMES
from tests.conftest import Clock
from tests.database import rows
from tests.factories import Actors


def record_with_everything(clock: Clock) -> Record:
    """Three bad weeks: no use until the last day, no progress, a session missed; then silence."""
    first = clock().date() - timedelta(days=40)
    days = [first + timedelta(days=index) for index in range(24)]
    craving = [4, 5] * 10 + [9, 9, 9, 10]
    readings = tuple(
        Reading(day, rating, 10 - rating, "yes" if rating == 10 else "no")
        for day, rating in zip(days, craving, strict=True)
    )
    sessions = tuple(Session(number, days[number], SessionState.MISSED) for number in range(1, 20))
    later = tuple(Session(number, days[0] + timedelta(days=number), SessionState.ATTENDED) for number in range(20, 40))
    return Record(readings, clock().date(), Course(sessions + later), monitored_from=first)


def test_every_rule_and_every_figure_has_a_name(bob: FlaskClient, actors: Actors, clock: Clock) -> None:
    findings = assess(record_with_everything(clock), Thresholds())
    assert (
        {finding.rule for finding in findings}
        == {rule.name for rule in RULES}
        == RULE_NAMES.keys() - {"safety_concern"}
    )
    figures = {name for finding in findings if finding.figures for name in finding.figures.as_dict()}
    assert figures - FIGURE_NAMES.keys() == set()
    raise_findings(db.session.merge(actors.ada), findings, clock())
    db.session.commit()
    listed = bob.get("/alerts").get_data(as_text=True)
    for alert_id, rule in rows("SELECT id, rule FROM alert"):
        page = bob.get(f"/alerts/{alert_id}").get_data(as_text=True)
        assert RULE_NAMES[rule] in page
        assert RULE_NAMES[rule] in listed
        alert = db.session.get_one(Alert, uuid.UUID(str(alert_id)))
        assert alert.sentence in page
