"""A mail sent by SMTP is on disk when it is accepted, and safe to look at."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from server.local import mails
from server.local.mailbox import inbox_server
from server.local.mailbox_page import create_page
from server.local.ports import HOST, Ports


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def page(folder: Path) -> FlaskClient:
    return create_page(folder).test_client()


@pytest.fixture
def smtp(folder: Path, ports: Ports) -> Iterator[smtplib.SMTP]:
    server = inbox_server(folder, ports.smtp)
    server.start()
    try:
        with smtplib.SMTP(HOST, ports.smtp, timeout=10) as client:
            yield client
    finally:
        server.stop()


def alert(subject: str = "Worse since Tuesday", html: str = "<p>See <a href='/x'>her page</a>") -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "Interlude <no-reply@interlude.example>"
    mail["To"] = "bob@clinic.example"
    mail["Subject"] = subject
    mail.set_content("Look at http://127.0.0.1:8000/alerts/1 – <b>today</b>")
    mail.add_alternative(html, subtype="html")
    return mail


def newest(folder: Path) -> str:
    return mails.names(folder)[0]


def test_an_accepted_mail_is_listed_newest_first(smtp: smtplib.SMTP, page: FlaskClient, folder: Path) -> None:
    smtp.send_message(alert("First"))
    smtp.send_message(alert("Second"), to_addrs=["bob@clinic.example", "eve@clinic.example"])
    assert len(list(folder.glob("*.eml"))) == 2

    listed = page.get("/").get_data(as_text=True)
    assert listed.index("Second") < listed.index("First")
    assert "None leaves this machine" in listed

    second, first = page.get("/messages.json").get_json()
    assert set(second) == {"name", "to", "subject", "received_at", "text"}
    assert second["to"] == "bob@clinic.example, eve@clinic.example"
    assert first["text"].startswith("Look at http://127.0.0.1:8000/alerts/1 – ")


def test_a_mail_is_kept_as_it_came(smtp: smtplib.SMTP, page: FlaskClient, folder: Path) -> None:
    sent = b"Subject: Raw\r\nX-Odd:   spaced\r\n\r\n.dot\r\n\xff\r\n"
    smtp.sendmail("a@interlude.example", ["bob@clinic.example"], sent)
    raw = page.get(f"/messages/{newest(folder)}.eml")
    assert raw.data.endswith(sent)
    assert raw.data.startswith(b"X-Envelope-From: a@interlude.example\r\nX-Envelope-To: bob@clinic.example\r\n")
    assert raw.content_type.startswith("text/plain")


def test_what_a_mail_says_never_becomes_markup(smtp: smtplib.SMTP, page: FlaskClient, folder: Path) -> None:
    smtp.send_message(alert("<script>alert(1)</script>", '<p title="x"><script>alert(2)</script>"onload="'))
    for path in ("/", f"/messages/{newest(folder)}"):
        shown = page.get(path).get_data(as_text=True)
        assert "<script" not in shown
        assert "&lt;script&gt;alert(1)" in shown


def test_the_html_part_is_shut_in_a_sandbox(smtp: smtplib.SMTP, page: FlaskClient, folder: Path) -> None:
    smtp.send_message(alert())
    answer = page.get(f"/messages/{newest(folder)}")
    shown = answer.get_data(as_text=True)
    assert 'sandbox="allow-popups allow-top-navigation-by-user-activation"' in shown
    assert "&lt;base target=&#34;_top&#34;&gt;" in shown
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "/messages/nothing",
        "/messages/0000000000000000000-00000000",
        "/messages/..%2fsecret",
        "/messages/..%2fsecret.eml",
        "/messages/../secret.eml",
        "/messages/%2e%2e/secret.eml",
        "/static/../mails.py",
        "/static/..%2fmails.py",
    ],
)
def test_nothing_else_can_be_read(page: FlaskClient, folder: Path, path: str) -> None:
    (folder.parent / "secret.eml").write_text("Subject: secret\n\n")
    assert page.get(path).status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff no header at all",
        b"Subject: =?unknown-charset?B?////?=\r\nContent-Type: text/plain; charset=nonsense\r\n\r\nx",
        b"From: <<<@@\r\nTo: \r\nContent-Type: multipart/mixed\r\n\r\nx",
    ],
)
def test_a_broken_mail_does_not_break_the_page(page: FlaskClient, folder: Path, content: bytes) -> None:
    mails.keep(folder, content)
    for path in ("/", "/messages.json", f"/messages/{newest(folder)}", f"/messages/{newest(folder)}.eml"):
        assert page.get(path).status_code == 200


def test_another_name_for_this_machine_is_refused(page: FlaskClient) -> None:
    assert page.get("/messages.json", headers={"Host": "evil.example"}).status_code == 400
