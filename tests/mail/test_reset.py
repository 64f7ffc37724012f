"""What the mail with the link to a new password says, and all that it must not."""

import re
import uuid
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from zoneinfo import ZoneInfo

from server.mail import RESET_SUBJECT, ResetMail, compose_reset
from tests.mail.test_compose import BASE, NEVER, SENDER, composed, part

NEW_YORK = ZoneInfo("America/New_York")
TOKEN = "x" * 43
MAIL = ResetMail(
    uuid.UUID(int=7),
    "bob@clinic.example",
    TOKEN,
    datetime(2026, 5, 4, 16, 5, tzinfo=NEW_YORK),
    datetime(2026, 5, 4, 16, 35, tzinfo=NEW_YORK),
)


def reset() -> EmailMessage:
    """As the recipient's mail program reads it."""
    message = compose_reset(MAIL, sender=SENDER, base_url=BASE)
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


def test_it_says_where_and_until_when() -> None:
    for kind in ("plain", "html"):
        said = part(reset(), kind)
        for expected in (f"{BASE}/reset/{TOKEN}", "before 4 May 2026, 16:35 EDT", "works once", "do nothing"):
            assert expected in said, (kind, expected)


def test_neither_whose_nor_of_what() -> None:
    message = reset()
    said = re.sub(r"boundary=.*|={15}.*", "", f"{message}{part(message, 'html')}".lower())
    said = said.replace("bob@clinic.example", "")
    assert [word for word in (*NEVER, "clinic", "alert") if word in said] == []
    assert message["Subject"] == RESET_SUBJECT


def test_its_headers_are_those_of_an_alerts_mail() -> None:
    assert set(reset().keys()) == set(composed().keys())
    assert reset()["Message-ID"] == f"<{uuid.UUID(int=7)}@interlude.example>"
    assert reset()["Auto-Submitted"] == "auto-generated"


def test_it_loads_nothing_and_leads_nowhere_else() -> None:
    html = part(reset(), "html")
    assert set(re.findall(r"https?://[^\s\"<]+", html)) == {f"{BASE}/reset/{TOKEN}"}
    for loading in ("<img", "<script", "<link", "<iframe", "src=", "url(", "@import", "<form"):
        assert loading not in html.lower()


def test_the_token_is_not_in_what_python_prints_of_it() -> None:
    assert TOKEN not in repr(MAIL)
