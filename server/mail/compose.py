"""What our mails about alerts say: that there are some, how urgent, since when, where to look. Nothing of a patient.

To somebody outside it says less, and carries the notice of 42 CFR 2.32. Names, scores,
substances and the clinic's field stay behind the login (42 CFR part 2; 45 CFR 164.312(e)).
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from typing import TypeAlias

from server.mail.message import Letter, day_in_words, in_words, message_of

SUBJECT = "A patient alert needs your attention"
OUTSIDE_SUBJECT = "Please contact the clinic"
DIGEST_SUBJECT = "Patient alerts are waiting for you"
ALARM_SUBJECT = "The delivery of patient alerts needs your attention"
# 42 CFR 2.32(a)(2), word for word; what is in the mail beside it is the clear explanation of 2.32(b).
NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."


@dataclass(frozen=True, slots=True)
class AlertMail:
    """The plain values of one email to a member; `raised_at` is aware, in the clinic's zone."""

    email_id: uuid.UUID
    alert_id: uuid.UUID
    to: str
    severity: str
    raised_at: datetime
    unacknowledged: bool = False
    """It comes to this member because nobody acknowledged it in time."""


@dataclass(frozen=True, slots=True)
class OutsideMail:
    """To whom a consent names, who has no sign-in: a reference to give to the clinic, and how far the consent goes."""

    email_id: uuid.UUID
    reference: str
    to: str
    severity: str
    raised_at: datetime
    until: date


@dataclass(frozen=True, slots=True)
class DigestMail:
    """A member's morning: how many alerts are still open, of each severity; `at` is aware, in the clinic's zone."""

    mail_id: uuid.UUID
    to: str
    urgent: int
    prompt: int
    routine: int
    at: datetime


@dataclass(frozen=True, slots=True)
class AlarmMail:
    """To an admin: how many alerts have nobody to go to, and how many mails cannot be delivered."""

    mail_id: uuid.UUID
    to: str
    at: datetime
    unrouted: int
    undeliverable: int


AboutAlert: TypeAlias = AlertMail | OutsideMail
Mail: TypeAlias = AboutAlert | DigestMail | AlarmMail


def compose(mail: Mail, *, sender: str, base_url: str) -> EmailMessage:
    """The message for one recipient. The same mail composed again has the same Message-ID.

    Raises MailRefused when the recipient's address cannot stand in a header.
    """
    match mail:
        case AlertMail():
            letter = _alert(mail, base_url)
        case OutsideMail():
            letter = _outside(mail)
        case DigestMail():
            letter = _digest(mail, base_url)
        case AlarmMail():
            letter = _alarm(mail, base_url)
    return message_of(letter, to=mail.to, sender=sender)


def _alert(mail: AlertMail, base_url: str) -> Letter:
    said = {
        "severity": mail.severity,
        "raised_at": in_words(mail.raised_at),
        "unacknowledged": mail.unacknowledged,
        "url": f"{base_url}/alerts/{mail.alert_id}",
    }
    return Letter("alert", SUBJECT, mail.email_id, mail.raised_at, said)


def _outside(mail: OutsideMail) -> Letter:
    said = {
        "severity": mail.severity,
        "raised_at": in_words(mail.raised_at),
        "reference": mail.reference,
        "until": day_in_words(mail.until),
        "notice": NOTICE,
    }
    return Letter("outside", OUTSIDE_SUBJECT, mail.email_id, mail.raised_at, said)


def _digest(mail: DigestMail, base_url: str) -> Letter:
    counts = {"urgent": mail.urgent, "prompt": mail.prompt, "routine": mail.routine}
    said = {"counts": counts, "at": in_words(mail.at), "url": f"{base_url}/alerts"}
    return Letter("digest", DIGEST_SUBJECT, mail.mail_id, mail.at, said)


def _alarm(mail: AlarmMail, base_url: str) -> Letter:
    said = {
        "unrouted": mail.unrouted,
        "undeliverable": mail.undeliverable,
        "at": in_words(mail.at),
        "url": f"{base_url}/worklist",
    }
    return Letter("alarm", ALARM_SUBJECT, mail.mail_id, mail.at, said)
