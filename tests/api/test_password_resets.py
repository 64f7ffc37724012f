"""A new password by mail: one use, half an hour, the newest link alone, and no way round the second step."""

import asyncio
from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.errors import MailRefused
from server.extensions import Parts, db
from server.jobs.resetting import mail_reset
from server.services import password_resets
from server.services.keys import email_index
from server.services.second_factor import enrol
from server.worker import work
from tests.api.problem import assert_problem, pointers
from tests.attacks.things import disable
from tests.audited import events
from tests.concurrently import concurrently
from tests.conftest import Clock
from tests.database import change, digest, one, rows
from tests.factories import PASSWORD, TOTP_SECRET, Actors, mfa_code, signed_in, tokens_of
from tests.resets import NEW, ask, mailed, redeem, sign_in

Outbox = list[EmailMessage]


@pytest.fixture
def token(app: Flask, client: FlaskClient, actors: Actors, outbox: Outbox) -> str:
    """Of the link that Bob was mailed."""
    assert ask(client, " BOB@Clinic.example").status_code == 202
    return mailed(app, outbox)


def test_the_member_is_in_with_the_new_password_and_out_with_the_old(
    app: Flask, client: FlaskClient, actors: Actors, outbox: Outbox
) -> None:
    headers, pair = signed_in(app, actors.bob), tokens_of(app, actors.bob)
    ask(client)
    token = mailed(app, outbox)
    assert client.get("/v1/me", headers=headers).status_code == 200
    assert redeem(client, token).status_code == 204
    assert_problem(client.get("/v1/me", headers=headers), 401)
    fresh = {"Authorization": f"Bearer {pair['refresh_token']}"}
    assert_problem(client.post("/v1/tokens/refresh", headers=fresh), 401)
    assert {why for (why,) in rows("SELECT ended_why FROM sign_in")} == {"password_changed"}
    assert_problem(sign_in(client, PASSWORD), 401)
    assert sign_in(client, NEW).status_code == 201


def test_only_a_hash_is_kept(client: FlaskClient, token: str, outbox: Outbox) -> None:
    assert [str(mail["To"]) for mail in outbox] == ["bob@clinic.example"]
    kept = str(rows("SELECT password_reset::text FROM password_reset"))
    assert token not in kept
    assert token.encode().hex() not in kept
    assert rows("SELECT * FROM procrastinate_jobs") == []


def test_a_link_works_once(client: FlaskClient, token: str) -> None:
    assert redeem(client, token).status_code == 204
    before = digest()
    answer = redeem(client, token, "and yet another horse")
    assert_problem(answer, 422)
    assert pointers(answer) == ["#/token"]
    assert digest() == before


def test_of_two_at_once_one_sets_it(app: Flask, client: FlaskClient, token: str) -> None:
    passwords = (NEW, "and yet another horse")
    statuses = concurrently(
        app, *[lambda said=said: redeem(app.test_client(), token, said).status_code for said in passwords]
    )
    assert sorted(statuses) == [204, 422]


def test_a_link_lasts_half_an_hour(client: FlaskClient, token: str, clock: Clock) -> None:
    clock.pass_by(minutes=30)
    assert_problem(redeem(client, token), 422)
    clock.pass_by(seconds=-1)
    assert redeem(client, token).status_code == 204


def test_the_newest_replaces_the_older(
    app: Flask, client: FlaskClient, token: str, outbox: Outbox, clock: Clock
) -> None:
    clock.pass_by(minutes=5)
    ask(client)
    newer = mailed(app, outbox)
    assert newer != token
    assert_problem(redeem(client, token), 422)
    assert redeem(client, newer).status_code == 204


def test_however_often_somebody_asks_there_is_one_mail_and_its_link_stays_good(
    app: Flask, client: FlaskClient, token: str, outbox: Outbox, clock: Clock
) -> None:
    """Or a stranger could fill the mailbox, and void each link before its owner reads it."""
    for _ in range(4):
        clock.pass_by(minutes=1)
        assert ask(client).status_code == 202
        assert mailed(app, outbox) == token
    assert len(outbox) == 1
    # A clock that went back for a year does not keep the owner out for as long.
    clock.pass_by(days=-365)
    ask(client)
    assert mailed(app, outbox) != token


@pytest.mark.parametrize("ended_by", ["password", "everywhere", "disabled"])
def test_what_ends_the_members_sign_ins_voids_the_link(
    app: Flask, client: FlaskClient, actors: Actors, token: str, ended_by: str
) -> None:
    bob = signed_in(app, actors.bob)
    if ended_by == "password":
        said = {"password": PASSWORD, "new_password": "and yet another horse"}
        assert client.post("/v1/me/password", json=said, headers=bob).status_code == 201
    elif ended_by == "everywhere":
        assert client.delete("/v1/tokens", headers=bob).status_code == 204
    else:
        disable(actors.bob)
    before = digest()
    assert_problem(redeem(client, token), 422)
    assert digest() == before


def test_a_slip_does_not_burn_the_link(client: FlaskClient, actors: Actors, token: str) -> None:
    for weak in ("short", "password1234", "bob@clinic.example"):
        answer = redeem(client, token, weak)
        assert_problem(answer, 422)
        assert pointers(answer) == ["#/password"]
    assert redeem(client, token).status_code == 204


def test_the_second_step_is_asked_for_as_before(client: FlaskClient, actors: Actors, token: str, clock: Clock) -> None:
    enrol(actors.bob, TOTP_SECRET, clock())
    db.session.commit()
    answer = redeem(client, token)
    assert (answer.status_code, answer.data) == (204, b"")
    assert sign_in(client, NEW).get_json()["type"] == "/problems/mfa-required"
    assert sign_in(client, NEW, mfa_code=mfa_code(clock())).status_code == 201


def test_it_is_audited(client: FlaskClient, actors: Actors, token: str) -> None:
    redeem(client, token)
    member = {"member": str(actors.bob.id)}
    assert events() == [
        ("password_reset_mailed", "service", None, [], member),
        ("password_reset", "member", actors.bob.id, [], {}),
    ]


def test_nobody_else_is_mailed(app: Flask, client: FlaskClient, actors: Actors, outbox: Outbox) -> None:
    disable(actors.bob)
    before = digest()
    for email in (
        "bob@clinic.example",
        "nobody@clinic.example",
        actors.ada.code,
        "\u00fc",
        "a@b\r\nBcc: eve@x.example",
    ):
        assert ask(client, email).status_code == 202
    asyncio.run(work(app, 1, wait=False))
    assert (outbox, digest()) == ([], before)


def test_a_mail_server_that_puts_it_off_is_asked_again(
    app: Flask, client: FlaskClient, actors: Actors, outbox: Outbox, clock: Clock
) -> None:
    refusals = [MailRefused("SMTP 421", lasting=False)]

    def send(message: EmailMessage) -> None:
        if refusals:
            raise refusals.pop()
        outbox.append(message)

    app.extensions["interlude"] = Parts(app.extensions["interlude"].settings, clock, send)
    ask(client)
    asyncio.run(work(app, 1, wait=False))
    assert rows("SELECT status::text, attempts, scheduled_at > now() FROM procrastinate_jobs") == [("todo", 1, True)]
    change("UPDATE procrastinate_jobs SET scheduled_at = now()")
    assert redeem(client, mailed(app, outbox)).status_code == 204


def test_an_address_that_is_refused_for_good_is_not_tried_again(
    app: Flask, client: FlaskClient, actors: Actors, clock: Clock
) -> None:
    def send(_: EmailMessage) -> None:
        raise MailRefused("SMTP 550", lasting=True)

    app.extensions["interlude"] = Parts(app.extensions["interlude"].settings, clock, send)
    ask(client)
    asyncio.run(work(app, 1, wait=False))
    assert rows("SELECT * FROM procrastinate_jobs") == []
    assert one("SELECT sent_at FROM password_reset") is None


def test_what_was_asked_long_ago_is_not_mailed_any_more(
    app: Flask, actors: Actors, outbox: Outbox, clock: Clock
) -> None:
    """The worker was down for days."""
    asked_at = clock()
    clock.pass_by(minutes=31)
    mail_reset(email_index=email_index("bob@clinic.example").hex(), asked_at=asked_at.isoformat())
    assert outbox == []


def test_a_link_that_is_mailed_twice_works_by_the_newest(
    app: Flask, client: FlaskClient, actors: Actors, outbox: Outbox, clock: Clock
) -> None:
    """The process died between the 250 and the record of it, and the job ran again."""
    index = email_index("bob@clinic.example")
    lost = password_resets.make_link(index, clock(), clock())
    db.session.commit()
    assert lost is not None
    mail_reset(email_index=index.hex(), asked_at=clock().isoformat())
    assert_problem(redeem(client, lost.mail.token), 422)
    assert redeem(client, mailed(app, outbox)).status_code == 204
