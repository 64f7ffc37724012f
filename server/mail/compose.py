"""What our mails about alerts say: that there are some, how urgent, since when, where to look. Nothing of a patient.

To somebody outside it says less, and carries the notice of 42 CFR 2.32. Names, scores,
substances and the clinic's field stay behind the login (42 CFR part 2; 45 CFR 164.312(e)).
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from typing import TypeAlias

from server.mail.account import AccountMail, account_letter
from server.mail.message import Letter, day_in_words, in_words, message_of

SUBJECT = "A patient alert needs your attention"
OUTSIDE_SUBJECT = "Please contact the clinic"
DIGEST_SUBJECT = "Patient alerts are waiting for you"
ALARM_SUBJECT = "The delivery of patient alerts needs your attention"
# 42 CFR 2.32(a)(2), word for word; what is in the mail beside it is the clear explanation of 2.32(b).
NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
SIGN_IN = "You will be asked to sign in."
UNACKNOWLEDGED = "It comes to you because nobody has acknowledged it in time."


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
    at: datetime | None = None
    """Of the mail, where it was not written when the alert was raised: an old date would hide it in a mailbox."""


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
    """To an admin: how many alerts are with nobody, and how many mails cannot be delivered."""

    mail_id: uuid.UUID
    to: str
    at: datetime
    unrouted: int
    undeliverable: int


AboutAlert: TypeAlias = AlertMail | OutsideMail
Mail: TypeAlias = AboutAlert | DigestMail | AlarmMail | AccountMail


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
        case AccountMail():
            letter = account_letter(mail)
    return message_of(letter, to=mail.to, sender=sender)


def _alert(mail: AlertMail, base_url: str) -> Letter:
    return Letter(
        subject=SUBJECT,
        id=mail.email_id,
        at=mail.at or mail.raised_at,
        heading=SUBJECT,
        facts=(("Severity", mail.severity), ("Raised", in_words(mail.raised_at))),
        before=(UNACKNOWLEDGED,) if mail.unacknowledged else (),
        does="See the alert",
        url=f"{base_url}/alerts/{mail.alert_id}",
        after=(f"{SIGN_IN} Acknowledge it there.",),
    )


def _outside(mail: OutsideMail) -> Letter:
    agreed = (
        "That person agreed in writing that you get this message, which says that the clinic asks you to get in touch, "
        "how urgent it is and since when, and nothing else. They agreed to it until "
        f"{day_in_words(mail.until)} or until they withdraw it."
    )
    return Letter(
        subject=OUTSIDE_SUBJECT,
        id=mail.email_id,
        at=mail.raised_at,
        heading="The clinic asks you to contact it",
        facts=(("Reference", mail.reference), ("Severity", mail.severity), ("Since", in_words(mail.raised_at))),
        before=(
            "It is about somebody who named you to the clinic and gave you this reference.",
            "Call the clinic and give the reference.",
        ),
        after=(agreed, NOTICE),
    )


def _digest(mail: DigestMail, base_url: str) -> Letter:
    counts = (("Urgent", mail.urgent), ("Prompt", mail.prompt), ("Routine", mail.routine))
    return Letter(
        subject=DIGEST_SUBJECT,
        id=mail.mail_id,
        at=mail.at,
        heading=DIGEST_SUBJECT,
        facts=(*((label, f"{count}") for label, count in counts), ("Open on", in_words(mail.at))),
        does="See the alerts",
        url=f"{base_url}/alerts",
        after=(SIGN_IN,),
    )


def _alarm(mail: AlarmMail, base_url: str) -> Letter:
    return Letter(
        subject=ALARM_SUBJECT,
        id=mail.mail_id,
        at=mail.at,
        heading=ALARM_SUBJECT,
        facts=(
            ("Alerts that are with nobody", f"{mail.unrouted}"),
            ("Mails that cannot be delivered", f"{mail.undeliverable}"),
            ("Found on", in_words(mail.at)),
        ),
        does="See which, and settle them",
        url=f"{base_url}/worklist",
        after=(SIGN_IN,),
    )
