"""Sending to a mail server that fails, at each step and in each way that there is: over in time, and never wrong."""

import ssl
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from server.clock import utcnow
from server.errors import MailRefused
from server.mail import compose, smtp
from tests.certificates import HERE, ip_name, write_certificate
from tests.mail.test_compose import BASE, MAIL, SENDER
from tests.mail_server import Conversation, Fault, MailServer, Step, listening

CODES = (421, 450, 451, 550, 552, 554)
ANSWERED = (Step.GREETING, Step.EHLO, Step.MAIL, Step.RCPT, Step.DATA, Step.END)
# To the recipient or to the message, and for good.
LASTING = {(step, code) for step in (Step.RCPT, Step.DATA, Step.END) for code in (550, 554)}
CALLED = {
    Fault.STALLS: "TimeoutError",
    Fault.DROPS: "SMTPServerDisconnected",
    Fault.TRICKLES: "TimeoutError",
    Fault.GARBAGE: "not SMTP",
    Fault.ENDLESS_LINE: "SMTP 500",
    Fault.ENDLESS_LINES: "TooLong",
}


def patience(detail: str) -> dict[str, float]:
    """Little where it is to end, else more than any machine needs."""
    return {"step_seconds": 0.3, "whole_seconds": 0.6} if detail == "TimeoutError" else {}


def message() -> EmailMessage:
    return compose(MAIL, sender=SENDER, base_url=BASE)


def refusal(server: MailServer, **more: float) -> MailRefused:
    with pytest.raises(MailRefused) as refused:
        server.client(**more)(message())
    return refused.value


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("step", ANSWERED)
def test_a_code_at_each_step(step: Step, code: int) -> None:
    conversation: Conversation = {step: f"{code} about bob@clinic.example"}
    with listening(MailServer([conversation])) as server:
        refused = refusal(server)
    # After a 421 to EHLO there is nobody left for HELO.
    detail = "SMTPServerDisconnected" if (step, code) == (Step.EHLO, 421) else f"SMTP {code}"
    assert (refused.detail, refused.lasting) == (detail, (step, code) in LASTING)
    assert server.taken == []


@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("step", ANSWERED)
def test_a_fault_at_each_step(step: Step, fault: Fault) -> None:
    with listening(MailServer([{step: fault}])) as server:
        refused = refusal(server, **patience(CALLED[fault]))
    assert (refused.detail, refused.lasting) == (CALLED[fault], False)
    assert server.taken == []


@pytest.mark.parametrize("answer", [*Fault, "421 bye", "500 what?"])
def test_what_goes_wrong_after_the_250_is_no_refusal(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(smtp, "GOODBYE_SECONDS", 0.2)
    with listening(MailServer([{Step.QUIT: answer}])) as server:
        server.client()(message())
    assert (len(server.taken), server.outwaited) == (1, False)


EXPIRED, OTHER_NAME, UNKNOWN = 10, 64, 18


@pytest.fixture
def certificate(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Of this name, good until then, and one that we trust but for that."""
    of, until, trusted = request.param
    file = write_certificate(tmp_path / "both", of, until)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    return context


@pytest.mark.parametrize("at_once", [True, False], ids=["tls", "starttls"])
@pytest.mark.parametrize(
    ("certificate", "code"),
    [
        ((HERE, None, False), UNKNOWN),
        ((HERE, utcnow() - timedelta(hours=1), True), EXPIRED),
        ((ip_name("127.0.0.2"), None, True), OTHER_NAME),
        ((HERE, None, True), None),
    ],
    indirect=["certificate"],
    ids=["self-signed", "expired", "of another host", "good"],
)
def test_nothing_is_said_to_whom_nobody_vouches_for(
    certificate: ssl.SSLContext, code: int | None, at_once: bool
) -> None:
    with listening(MailServer(tls=certificate, tls_at_once=at_once)) as server:
        if code is None:
            server.client()(message())
            assert len(server.taken) == 1
            return
        refused = refusal(server)
    assert (refused.detail, refused.lasting, server.came) == ("SSLCertVerificationError", False, [])
    assert isinstance(refused.__cause__, ssl.SSLCertVerificationError)
    assert refused.__cause__.verify_code == code


@pytest.mark.parametrize(
    ("conversation", "detail"),
    [
        ({Step.STARTTLS: "454 not now"}, "SMTP 454"),
        ({Step.STARTTLS: "550 never"}, "SMTP 550"),
        ({Step.STARTTLS: Fault.GARBAGE}, "not SMTP"),
        ({Step.STARTTLS: Fault.STALLS}, "TimeoutError"),
        ({Step.STARTTLS: Fault.TRICKLES}, "TimeoutError"),
        ({Step.STARTTLS: Fault.DROPS}, "SMTPServerDisconnected"),
        ({Step.HANDSHAKE: Fault.STALLS}, "TimeoutError"),
        ({Step.HANDSHAKE: Fault.GARBAGE}, "SSLError"),
        ({Step.EHLO: "250 without it"}, "SMTPNotSupportedError"),
    ],
    ids=str,
)
def test_nothing_is_said_before_the_line_is_secret(
    tls: ssl.SSLContext, conversation: Conversation, detail: str
) -> None:
    with listening(MailServer([conversation], tls=tls)) as server:
        refused = refusal(server, **patience(detail))
    assert (refused.detail, refused.lasting, server.came) == (detail, False, [])


@pytest.mark.parametrize("fault", [Fault.STALLS, Fault.TRICKLES, Fault.ENDLESS_LINES])
def test_within_tls_too_there_is_an_end(
    tls: ssl.SSLContext, self_signed: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(self_signed))
    with listening(MailServer([{Step.END: fault}], tls=tls)) as server:
        assert refusal(server, **patience(CALLED[fault])).detail == CALLED[fault]


def test_an_address_that_the_server_never_takes_is_refused_for_good() -> None:
    """It speaks no SMTPUTF8."""
    abroad = message()
    abroad.replace_header("To", "ü@clinic.example")
    with listening(MailServer()) as server, pytest.raises(MailRefused) as refused:
        server.client()(abroad)
    assert (refused.value.detail, refused.value.lasting) == ("SMTPNotSupportedError", True)
