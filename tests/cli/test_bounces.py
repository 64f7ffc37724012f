"""`flask bounce`: a mail that came back, on standard input; what it says of a mail of ours is believed, and no more."""

import uuid
from dataclasses import replace

import pytest
from flask import Flask

from server.app import create_app
from server.extensions import db
from server.models import Member, Role
from server.services import delivery, members
from server.services.care_teams import replace_care_team
from server.services.identities import of_member
from server.services.routes import route
from server.settings import Settings
from server.trends import Severity
from tests.conftest import Clock, Runner
from tests.database import change, digest, one, rows
from tests.factories import Actors, make_member
from tests.mail.bounce_samples import ID, POSTFIX, POSTFIX_DELAYED
from tests.services.test_alerts import tell
from tests.services.test_escalation import pass_on, told

NOWHERE = "postgresql+psycopg://interlude_app:wrong@/interlude?host=%2Fnowhere"
STATE = "SELECT state, sent_at IS NOT NULL, last_error FROM alert_email ORDER BY event_id LIMIT 1"


@pytest.fixture
def dan(actors: Actors, clock: Clock) -> Member:
    """The second of Ada's care team; the first, Bob, was mailed."""
    dan = make_member(actors.clinic, Role.CLINICIAN, "Dan", clock())
    replace_care_team(actors.ada, [actors.bob.id, dan.id])
    tell(actors, clock, (0, Severity.PROMPT))
    change("UPDATE alert_email SET id = :id, state = 'sent', sent_at = created_at", id=ID)
    return dan


def bounce(app: Flask, mail: str) -> str:
    result = app.test_cli_runner().invoke(args=["bounce"], input=mail)
    assert result.exit_code == 0, result.output
    db.session.expire_all()
    return result.output


def test_the_mail_and_the_address_are_marked_and_the_next_person_hears(
    app: Flask, actors: Actors, dan: Member, clock: Clock
) -> None:
    assert bounce(app, POSTFIX) == f"{ID} 5.1.1 did not arrive\nRecipients told of: 1.\n"
    assert rows(STATE) == [("bounced", True, "bounced 5.1.1")]
    assert rows("SELECT bounced_at, bounce_status FROM member WHERE name = 'Bob'") == [(clock(), "5.1.1")]
    assert (pass_on(clock), told()) == (1, ["Bob", "Dan"])
    assert [member.name for member in route(actors.ada, Severity.PROMPT, clock())] == ["Dan"]
    before = digest()
    bounce(app, POSTFIX)
    assert digest() == before


def test_a_mail_whose_250_was_lost_is_not_sent_again_when_it_came_back(app: Flask, dan: Member, clock: Clock) -> None:
    change("UPDATE alert_email SET state = 'queued', sent_at = NULL WHERE id = :id", id=ID)
    assert delivery.claim(ID, clock()) is not None
    db.session.commit()
    bounce(app, POSTFIX)
    assert rows(STATE) == [("bounced", True, "bounced 5.1.1")]
    assert delivery.claim(ID, clock()) is None


def test_what_is_late_changes_nothing(app: Flask, dan: Member) -> None:
    before = digest()
    assert bounce(app, POSTFIX_DELAYED) == f"{ID} 4.4.1 is late\nRecipients told of: 1.\n"
    assert digest() == before


def test_of_a_mail_that_is_not_ours_nothing_is_believed(app: Flask, dan: Member) -> None:
    before = digest()
    assert "is no mail of ours" in bounce(app, POSTFIX.replace(str(ID), str(uuid.UUID(int=7))))
    assert digest() == before


def test_where_a_mailbox_forwards_the_mail_is_lost_and_nobodys_address_is_marked(
    app: Flask, dan: Member, clock: Clock
) -> None:
    bounce(app, POSTFIX.replace("bob@clinic.example", "dan@interlude.example"))
    assert rows(STATE) == [("bounced", True, "bounced 5.1.1")]
    assert one("SELECT count(*) FROM member WHERE bounced_at IS NOT NULL") == 0
    assert (pass_on(clock), told()) == (1, ["Bob", "Dan"])


def test_a_mail_box_that_is_full_loses_the_mail_and_not_the_address(app: Flask, dan: Member, clock: Clock) -> None:
    bounce(app, POSTFIX.replace("5.1.1", "4.2.2"))
    assert rows(STATE) == [("bounced", True, "bounced 4.2.2")]
    assert one("SELECT count(*) FROM member WHERE bounced_at IS NOT NULL") == 0
    assert (pass_on(clock), told()) == (1, ["Bob", "Dan"])


def test_a_new_address_mends_it(app: Flask, actors: Actors, dan: Member, clock: Clock) -> None:
    bounce(app, POSTFIX)
    admin = of_member(actors.alice_admin)
    for address in ("robert@clinic.example", "bob@clinic.example"):
        change("UPDATE member SET bounced_at = now(), bounce_status = '5.1.1' WHERE name = 'Bob'")
        members.change_member(admin, actors.bob.id, {"email": address}, clock())
        db.session.commit()
        assert route(actors.ada, Severity.PROMPT, clock())[0].email == address


def test_a_mail_server_is_told_to_try_later_when_the_database_is_away(settings: Settings) -> None:
    app = create_app(replace(settings, database_url=NOWHERE))
    app.test_cli_runner_class = Runner
    result = app.test_cli_runner().invoke(args=["bounce"], input=POSTFIX)
    assert (result.exit_code, result.output) == (75, "The database is away.\n")


def test_what_is_no_bounce_is_refused(app: Flask) -> None:
    result = app.test_cli_runner().invoke(
        args=["bounce"], input="Subject: Re: your mail\n\nbob@clinic.example is away\n"
    )
    assert (result.exit_code, result.output) == (1, "Error: It is no report of a delivery.\n")
