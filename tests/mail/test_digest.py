"""The morning's digest, the alarm, and the mail to whom an alert comes next: numbers and where to look, no more."""

import re
import uuid
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from server.errors import MailRefused
from server.mail import ALARM_SUBJECT, DIGEST_SUBJECT, SUBJECT, AlarmMail, AlertMail, DigestMail, Mail
from tests.mail.test_compose import BASE, MAIL, NEVER, composed, part

MORNING = datetime(2026, 5, 5, 8, 0, tzinfo=ZoneInfo("America/New_York"))
ESCALATED = replace(MAIL, unacknowledged=True)
DIGEST = DigestMail(uuid.UUID(int=7), "bob@clinic.example", 1, 2, 13, MORNING)
ALARM = AlarmMail(uuid.UUID(int=7), "bob@clinic.example", MORNING, 3, 4)
EACH = pytest.mark.parametrize("mail", [ESCALATED, DIGEST, ALARM], ids=["escalated", "digest", "alarm"])
SUBJECTS = {AlertMail: SUBJECT, DigestMail: DIGEST_SUBJECT, AlarmMail: ALARM_SUBJECT}
URLS = {AlertMail: f"{BASE}/alerts/{uuid.UUID(int=9)}", DigestMail: f"{BASE}/alerts", AlarmMail: f"{BASE}/worklist"}


def words_of(mail: Mail, kind: str) -> str:
    """As they are read: without tags and colons, and with one space between two words."""
    return " ".join(re.sub(r"<[^>]*>|:(?=\s)", " ", part(composed(mail), kind)).split())


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_whom_it_comes_to_next_reads_why(kind: str) -> None:
    why = "It comes to you because nobody has acknowledged it in time."
    assert why in words_of(ESCALATED, kind)
    assert why not in words_of(MAIL, kind)


def test_whom_it_comes_to_next_has_it_on_top_and_reads_when_it_was_raised() -> None:
    message = composed(replace(ESCALATED, at=MORNING))
    assert message["Date"] == "Tue, 05 May 2026 08:00:00 -0400"
    for kind in ("plain", "html"):
        assert "4 May 2026, 16:05 EDT" in part(message, kind)


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_digest_counts_what_is_open(kind: str) -> None:
    said = words_of(DIGEST, kind)
    for expected in ("Urgent 1", "Prompt 2", "Routine 13", "5 May 2026, 08:00 EDT", "sign in"):
        assert expected in said, expected


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_an_alarm_counts_what_reaches_nobody(kind: str) -> None:
    said = words_of(ALARM, kind)
    for expected in ("with nobody 3", "cannot be delivered 4", "5 May 2026, 08:00 EDT", "sign in"):
        assert expected in said, expected


@EACH
def test_its_subject_and_its_link_are_always_the_same(mail: AlertMail | DigestMail | AlarmMail) -> None:
    message = composed(mail)
    assert message["Subject"] == SUBJECTS[type(mail)]
    for kind in ("plain", "html"):
        assert set(re.findall(r"https?://[^\s\"<]+", part(message, kind))) == {URLS[type(mail)]}


@EACH
def test_its_headers_are_those_of_an_alerts_mail(mail: AlertMail | DigestMail | AlarmMail) -> None:
    message = composed(mail)
    assert set(message.keys()) == set(composed().keys())
    assert (message["Auto-Submitted"], message["To"]) == ("auto-generated", "bob@clinic.example")
    assert message["Message-ID"] == f"<{uuid.UUID(int=7)}@interlude.example>" == composed(mail)["Message-ID"]
    assert datetime.strptime(message["Date"], "%a, %d %b %Y %H:%M:%S %z").tzinfo


@EACH
def test_nothing_of_a_patient_nor_of_the_clinics_field_is_in_it(mail: AlertMail | DigestMail | AlarmMail) -> None:
    message = composed(mail)
    said = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|boundary=.*|={15}.*", "", f"{message}{part(message, 'html')}".lower())
    said = said.replace("bob@clinic.example", "")
    assert [word for word in (*NEVER, "clinic") if word in said] == []


@EACH
@pytest.mark.parametrize("to", ["bob", "bob@clinic.example\r\nBcc: eve@evil.example", "a@b.example, c@d.example"])
def test_an_address_that_is_none_is_refused(mail: AlertMail | DigestMail | AlarmMail, to: str) -> None:
    with pytest.raises(MailRefused):
        composed(replace(mail, to=to))
