"""What an alert email says: that there is one, how urgent, since when, and where to look. Nothing of the patient.

To somebody outside it says less, and carries the notice of 42 CFR 2.32. Names, scores,
substances and the clinic's field stay behind the login (42 CFR part 2; 45 CFR 164.312(e)).
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from email.message import EmailMessage
from typing import TypeAlias

from server.mail.message import day_in_words, in_words, message_of

SUBJECT = "A patient alert needs your attention"
OUTSIDE_SUBJECT = "Please contact the clinic"
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


@dataclass(frozen=True, slots=True)
class OutsideMail:
    """To whom a consent names, who has no sign-in: a reference to give to the clinic, and how far the consent goes."""

    email_id: uuid.UUID
    reference: str
    to: str
    severity: str
    raised_at: datetime
    until: date


Mail: TypeAlias = AlertMail | OutsideMail


def compose(mail: Mail, *, sender: str, base_url: str) -> EmailMessage:
    """The message for one recipient. The same email composed again has the same Message-ID.

    Raises MailRefused when the recipient's address cannot stand in a header.
    """
    told = {"severity": mail.severity, "raised_at": in_words(mail.raised_at)}
    if isinstance(mail, AlertMail):
        template, subject = "alert", SUBJECT
        said = {**told, "url": f"{base_url}/alerts/{mail.alert_id}"}
    else:
        template, subject = "outside", OUTSIDE_SUBJECT
        said = {**told, "reference": mail.reference, "until": day_in_words(mail.until), "notice": NOTICE}
    return message_of(template, said, id_=mail.email_id, to=mail.to, sender=sender, subject=subject, at=mail.raised_at)
