"""What an alert email says: that there is one, how urgent, since when, and where to look. Nothing of the patient.

Names, scores, substances and the clinic's field stay behind the login (42 CFR part 2; 45 CFR 164.312(e)).
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage

from server.mail.message import in_words, message_of

SUBJECT = "A patient alert needs your attention"


@dataclass(frozen=True, slots=True)
class AlertMail:
    """The plain values of one email; `raised_at` is aware, in the clinic's zone."""

    email_id: uuid.UUID
    alert_id: uuid.UUID
    to: str
    severity: str
    raised_at: datetime


def compose(mail: AlertMail, *, sender: str, base_url: str) -> EmailMessage:
    """The message for one recipient. The same email composed again has the same Message-ID.

    Raises MailRefused when the recipient's address cannot stand in a header.
    """
    said = {
        "severity": mail.severity,
        "raised_at": in_words(mail.raised_at),
        "url": f"{base_url}/alerts/{mail.alert_id}",
    }
    return message_of("alert", said, id_=mail.email_id, to=mail.to, sender=sender, subject=SUBJECT, at=mail.raised_at)
