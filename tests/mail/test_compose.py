"""What an alert email says, and all that it must not."""

import re
import uuid
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import MailRefused
from server.mail import SUBJECT, AlertMail, Mail, compose

RAISED = datetime(2026, 5, 4, 16, 5, tzinfo=ZoneInfo("America/New_York"))
MAIL = AlertMail(uuid.UUID(int=7), uuid.UUID(int=9), "bob@clinic.example", "urgent", RAISED)
SENDER = "Interlude <no-reply@interlude.example>"
BASE = "https://interlude.example"
# The clinic's field, its patients and what was found: none of it leaves the login.
NEVER = (
    "addict", "crav", "tms", "stimulation", "transcranial", "substance", "cocaine", "alcohol", "nicotine", "relapse",
    "lapse", "mood", "suicid", "self-harm", "depress", "score", "rating", "rule", "patient id", "code", "treatment",
    "session", "check-in", "ada", "bob's",
)  # fmt: skip


def composed(mail: Mail = MAIL, sender: str = SENDER) -> EmailMessage:
    """As the recipient's mail program reads it."""
    message = message_from_bytes(compose(mail, sender=sender, base_url=BASE).as_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_the_subject_is_always_the_same() -> None:
    assert composed()["Subject"] == SUBJECT == "A patient alert needs your attention"


def test_it_says_how_urgent_since_when_and_where_to_look() -> None:
    message = composed()
    for kind in ("plain", "html"):
        said = part(message, kind)
        for expected in ("urgent", "4 May 2026, 16:05 EDT", f"{BASE}/alerts/{uuid.UUID(int=9)}", "sign in"):
            assert expected in said, (kind, expected)


def test_nothing_of_the_patient_nor_of_the_clinics_field_is_in_it() -> None:
    message = composed()
    # Random ids could spell anything; everything else is looked at.
    said = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|boundary=.*|={15}.*", "", f"{message}{part(message, 'html')}".lower())
    for word in NEVER:
        assert word not in said.replace("bob@clinic.example", ""), word


def test_the_headers_are_these_and_no_others() -> None:
    assert set(composed().keys()) == {
        "Subject", "From", "To", "Date", "Message-ID", "X-Mail-ID", "Auto-Submitted",
        "X-Auto-Response-Suppress", "MIME-Version", "Content-Type",
    }  # fmt: skip
    assert composed()["Auto-Submitted"] == "auto-generated"
    assert composed()["To"] == "bob@clinic.example"


def test_composed_again_it_is_the_same_message() -> None:
    assert composed()["X-Mail-ID"] == str(uuid.UUID(int=7))
    assert composed()["Message-ID"] == composed()["Message-ID"] == f"<{uuid.UUID(int=7)}@interlude.example>"
    other = AlertMail(uuid.UUID(int=8), MAIL.alert_id, MAIL.to, MAIL.severity, MAIL.raised_at)
    assert composed(other)["Message-ID"] != composed()["Message-ID"]
    for kind in ("plain", "html"):
        assert part(composed(), kind) == part(composed(), kind)


def test_the_html_loads_nothing_from_anywhere() -> None:
    message = composed()
    kinds = [found.get_content_type() for found in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    html = part(message, "html")
    assert set(re.findall(r"https?://[^\s\"<]+", html)) == {f"{BASE}/alerts/{uuid.UUID(int=9)}"}
    for loading in ("<img", "<script", "<link", "<iframe", "src=", "url(", "@import", "<form"):
        assert loading not in html.lower()


def test_what_is_put_in_is_escaped() -> None:
    hostile = AlertMail(MAIL.email_id, MAIL.alert_id, MAIL.to, "<script>alert(1)</script>", RAISED)
    assert "<script>" not in part(composed(hostile), "html")


@given(address=st.text(max_size=30), tail=st.sampled_from(["", "@clinic.example", "\r\nBcc: eve@evil.example"]))
def test_no_address_can_add_a_header_or_a_recipient(address: str, tail: str) -> None:
    mail = AlertMail(MAIL.email_id, MAIL.alert_id, address + tail, "urgent", RAISED)
    try:
        message = composed(mail)
    except MailRefused:
        return
    assert set(message.keys()) == set(composed().keys())
    assert len(message["To"].addresses) == 1


@pytest.mark.parametrize("name", ["Interlude", "\u00dcbergang", 'A "B" C', "a, b"])
def test_the_senders_name_is_quoted_as_it_must_be(name: str) -> None:
    sender = f"{name!r} <x@interlude.example>".replace("'", '"') if '"' not in name else '"A B" <x@interlude.example>'
    (address,) = composed(sender=sender)["From"].addresses
    assert address.addr_spec == "x@interlude.example"
