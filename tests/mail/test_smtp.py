"""Sending, against a real server: sent after the 250, put off, refused for good, and never over a bad connection."""

import socket
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from server.errors import MailRefused
from server.mail import Smtp, compose
from tests.mail.conftest import Mailbox, Start
from tests.mail.test_compose import BASE, MAIL, SENDER


@pytest.fixture
def message() -> EmailMessage:
    return compose(MAIL, sender=SENDER, base_url=BASE)


def refusal(send: Smtp, message: EmailMessage) -> MailRefused:
    with pytest.raises(MailRefused) as refused:
        send(message)
    return refused.value


def test_it_arrives_whole_at_its_one_recipient(start: Start, mailbox: Mailbox, message: EmailMessage) -> None:
    start()(message)
    (envelope,) = mailbox.received
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@interlude.example", ["bob@clinic.example"])
    assert isinstance(envelope.content, bytes)
    assert b"Message-ID: " + message["Message-ID"].encode() in envelope.content


@pytest.mark.parametrize(
    ("at", "answer", "detail", "lasting"),
    [
        ("rcpt", "421 busy: ask again about bob", "SMTP 421", False),
        ("rcpt", "450 mailbox busy: bob@clinic.example", "SMTP 450", False),
        ("rcpt", "550 no such user bob@clinic.example", "SMTP 550", True),
        ("data", "451 local error", "SMTP 451", False),
        ("data", "452 full", "SMTP 452", False),
        ("data", "554 no thanks, bob", "SMTP 554", True),
    ],
)
def test_a_refusal_says_its_code_and_whether_it_lasts(
    start: Start, mailbox: Mailbox, message: EmailMessage, at: str, answer: str, detail: str, lasting: bool
) -> None:
    setattr(mailbox, at, answer)
    send = start()
    refused = refusal(send, message)
    assert (refused.detail, refused.lasting, str(refused)) == (detail, lasting, detail)
    assert mailbox.received == []
    setattr(mailbox, at, "250 OK")
    send(message)
    assert len(mailbox.received) == 1


def test_a_connection_that_drops_after_the_data_is_tried_again(
    start: Start, mailbox: Mailbox, message: EmailMessage
) -> None:
    mailbox.hangs_up = True
    send = start()
    refused = refusal(send, message)
    assert (refused.lasting, mailbox.received) == (False, [])
    mailbox.hangs_up = False
    send(message)
    assert len(mailbox.received) == 1


def test_nobody_listens(message: EmailMessage) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        refused = refusal(Smtp("127.0.0.1", taken.getsockname()[1], "none", "", ""), message)
    assert (refused.detail, refused.lasting) == ("ConnectionRefusedError", False)


def test_something_that_speaks_no_smtp(message: EmailMessage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        send = Smtp("127.0.0.1", server.getsockname()[1], "none", "", "")
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        accepted.close()
        client.close()
        server.close()
        assert refusal(send, message).lasting is False


def test_starttls_with_a_certificate_that_nobody_vouches_for(
    start: Start, mailbox: Mailbox, message: EmailMessage, tls: ssl.SSLContext
) -> None:
    refused = refusal(start("starttls", tls_context=tls), message)
    assert (refused.detail, refused.lasting) == ("SSLCertVerificationError", False)
    assert mailbox.received == []


def test_tls_with_a_certificate_that_nobody_vouches_for(
    start: Start, mailbox: Mailbox, message: EmailMessage, tls: ssl.SSLContext
) -> None:
    refused = refusal(start("tls", ssl_context=tls), message)
    assert (refused.detail, refused.lasting) == ("SSLCertVerificationError", False)
    assert mailbox.received == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_is_vouched_for_but_of_another_host(
    start: Start, mailbox: Mailbox, message: EmailMessage, tls: ssl.SSLContext, self_signed: Path,
    monkeypatch: pytest.MonkeyPatch, security: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(self_signed))
    options: dict[str, Any] = {"tls_context" if security == "starttls" else "ssl_context": tls}
    send = start(security, **options)
    send(message)
    assert len(mailbox.received) == 1
    stranger = Smtp("localhost", send.port, security, "", "")
    assert refusal(stranger, message).detail == "SSLCertVerificationError"
    assert len(mailbox.received) == 1


def test_a_server_without_starttls_gets_nothing(start: Start, mailbox: Mailbox, message: EmailMessage) -> None:
    refused = refusal(start("starttls"), message)
    assert (refused.detail, refused.lasting) == ("SMTPNotSupportedError", False)
    assert mailbox.received == []


def test_a_login_that_fails_is_our_fault_and_is_tried_again(
    start: Start, mailbox: Mailbox, message: EmailMessage
) -> None:
    def nobody(*_: object) -> object:
        return AuthResult(success=False, handled=False)

    send = start(authenticator=nobody, auth_require_tls=False)
    refused = refusal(Smtp(send.host, send.port, "none", "mailer", "hunter2"), message)
    assert (refused.detail, refused.lasting) == ("SMTP 535", False)
    assert mailbox.received == []


@pytest.mark.parametrize("address", ["\u00fc@clinic.example", '"a b"@clinic.example'])
def test_an_address_that_the_server_cannot_take_is_a_refusal(
    start: Start, mailbox: Mailbox, message: EmailMessage, address: str
) -> None:
    message.replace_header("To", address)
    try:
        start()(message)
    except MailRefused:
        assert mailbox.received == []
