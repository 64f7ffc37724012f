"""Whoever's account was changed is told by mail, wherever the change came from; and nobody else is."""

import re
from collections.abc import Sequence
from email.message import EmailMessage

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.extensions import db
from server.mail import ACCOUNT_SUBJECT
from server.mail.bounces import Bounced
from server.models import EmailState, Member
from server.scope import enter
from server.services import bounces
from server.settings import Settings
from tests.api.problem import assert_problem
from tests.attacks.test_s11_email import delivered, telltales
from tests.conftest import Clock
from tests.database import change, one, rows
from tests.factories import PASSWORD, Actors, signed_in
from tests.mail.test_compose import part
from tests.resets import NEW, ask, mailed, redeem

BOB, NEW_ADDRESS = "bob@clinic.example", "robert@clinic.example"
SAYS = """Your account was changed.

Changed: {changed}
On:      4 May 2026, 16:00 EDT

If you did this, or were told of it, there is nothing to do.

If not, tell an admin of yours at once, by telephone or in person and not by mail.

This message is automatic; replies are not read.
"""


class Told:
    """What came over the wire."""

    def __init__(self, app: Flask, settings: Settings, clock: Clock) -> None:
        self._given = app, settings, clock

    def mails(self) -> Sequence[tuple[str, str]]:
        """To whom, and what was changed; each is looked at whole."""
        return [(str(mail["To"]), self._changed(mail)) for _, mail in delivered(*self._given)]

    def _changed(self, mail: EmailMessage) -> str:
        assert mail["Subject"] == ACCOUNT_SUBJECT
        text = part(mail, "plain").replace("\r\n", "\n")
        found = re.search("Changed: (.*)", text)
        assert found
        assert text == SAYS.format(changed=found[1])
        assert "http" not in text + part(mail, "html")
        assert telltales(mail) == []
        return found[1]


@pytest.fixture
def told(app: Flask, settings: Settings, clock: Clock) -> Told:
    return Told(app, settings, clock)


@pytest.fixture
def alice(app: Flask, actors: Actors) -> dict[str, str]:
    return signed_in(app, actors.alice_admin)


def move(client: FlaskClient, alice: dict[str, str], member: Member, email: str) -> None:
    said = client.patch(f"/v1/members/{member.id}", json={"email": email}, headers=alice)
    assert said.get_json()["email"] == email.lower()


def test_the_address_before_is_told_of_another(
    client: FlaskClient, actors: Actors, alice: dict[str, str], told: Told
) -> None:
    """Else an admin could take an account over: another address, and a new password mailed to it."""
    move(client, alice, actors.bob, NEW_ADDRESS)
    assert told.mails() == [(BOB, "where mail to you goes")]
    assert one("SELECT count(*) FROM member_mail WHERE position(:said in email_before_sealed) > 0", said=b"bob") == 0


def test_nobody_is_told_of_an_address_that_stays_or_is_taken(
    client: FlaskClient, actors: Actors, alice: dict[str, str], told: Told
) -> None:
    move(client, alice, actors.bob, BOB.upper())
    taken = {"email": "alice@clinic.example"}
    assert_problem(client.patch(f"/v1/members/{actors.bob.id}", json=taken, headers=alice), 409)
    assert told.mails() == []


def test_an_address_from_which_mail_came_back_is_left_alone(
    client: FlaskClient, actors: Actors, alice: dict[str, str], told: Told
) -> None:
    change("UPDATE member SET bounced_at = now(), bounce_status = '5.1.1' WHERE id = :id", id=actors.bob.id)
    move(client, alice, actors.bob, NEW_ADDRESS)
    assert told.mails() == []


def test_what_comes_back_from_the_address_before_marks_nobody(
    client: FlaskClient, actors: Actors, alice: dict[str, str], told: Told, clock: Clock
) -> None:
    move(client, alice, actors.bob, NEW_ADDRESS)
    assert len(told.mails()) == 1
    (mail_id,) = rows("SELECT id FROM member_mail")[0]
    enter(actors.clinic.id)
    assert bounces.take(Bounced(mail_id, BOB, "5.1.1", gave_up=True), clock())
    db.session.commit()
    assert rows("SELECT state FROM member_mail") == [(EmailState.BOUNCED,)]
    assert one("SELECT bounced_at FROM member WHERE id = :id", id=actors.bob.id) is None


def test_a_password_that_one_changes_oneself(app: Flask, client: FlaskClient, actors: Actors, told: Told) -> None:
    bob, said = signed_in(app, actors.bob), {"password": PASSWORD, "new_password": NEW}
    assert_problem(client.post("/v1/me/password", json={**said, "password": "another one"}, headers=bob), 422)
    assert told.mails() == []
    assert client.post("/v1/me/password", json=said, headers=bob).status_code == 201
    assert told.mails() == [(BOB, "your password")]


def test_a_password_that_was_set_by_a_mailed_link(
    app: Flask, client: FlaskClient, actors: Actors, outbox: list[EmailMessage], told: Told
) -> None:
    ask(client)
    assert redeem(client, mailed(app, outbox)).status_code == 204
    assert told.mails() == [(BOB, "your password")]


def test_a_second_step_set_up_and_removed(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock, told: Told
) -> None:
    bob = signed_in(app, actors.bob)
    secret = client.post("/v1/me/mfa", json={"password": PASSWORD}, headers=bob).get_json()["secret"]
    assert told.mails() == []
    confirmed = client.post(
        "/v1/me/mfa/confirm", json={"mfa_code": pyotp.TOTP(secret).at(clock())}, headers=bob
    ).get_json()
    assert told.mails() == [(BOB, "a second step of your sign-in was set up")]
    bob = {"Authorization": f"Bearer {confirmed['access_token']}"}
    said = {"password": PASSWORD, "mfa_code": confirmed["recovery_codes"][0]}
    assert client.delete("/v1/me/mfa", json=said, headers=bob).status_code == 204
    assert told.mails() == [(BOB, "the second step of your sign-in was removed")]


def test_a_second_step_that_the_operator_takes_away(app: Flask, actors: Actors, told: Told) -> None:
    done = app.test_cli_runner().invoke(args=["reset-mfa", "alice@clinic.example"])
    assert done.exit_code == 0
    assert told.mails() == [("alice@clinic.example", "the second step of your sign-in was removed")]


def test_a_patient_has_no_mail(app: Flask, client: FlaskClient, actors: Actors, told: Told) -> None:
    said = {"password": PASSWORD, "new_password": NEW}
    assert client.post("/v1/me/password", json=said, headers=signed_in(app, actors.ada)).status_code == 201
    assert told.mails() == []


def test_sent_again_it_goes_where_it_went(
    client: FlaskClient, actors: Actors, alice: dict[str, str], told: Told
) -> None:
    """As after a 250 that was lost; the address may have moved on meanwhile."""
    move(client, alice, actors.bob, NEW_ADDRESS)
    first = told.mails()
    move(client, alice, actors.bob, "rob@clinic.example")
    change("UPDATE member_mail SET state = 'queued', sent_at = NULL WHERE state = 'sent'")
    assert sorted(told.mails()) == sorted([*first, (NEW_ADDRESS, "where mail to you goes")])


def test_who_left_is_told_nothing(client: FlaskClient, actors: Actors, alice: dict[str, str], told: Told) -> None:
    move(client, alice, actors.bob, NEW_ADDRESS)
    change("UPDATE member SET active = false WHERE id = :id", id=actors.bob.id)
    assert told.mails() == []
    assert rows("SELECT state FROM member_mail") == [(EmailState.WITHHELD,)]
