"""What the mail with the link to a new password says: where, and until when. Not whose, nor of what."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage

from server.mail.message import Letter, in_words, message_of

RESET_SUBJECT = "The new password that was asked for"


@dataclass(frozen=True, slots=True)
class ResetMail:
    """The plain values of one email; its times are aware, in the clinic's zone."""

    mail_id: uuid.UUID
    to: str
    token: str = field(repr=False)
    asked_at: datetime
    ends_at: datetime


def compose_reset(mail: ResetMail, *, sender: str, base_url: str) -> EmailMessage:
    """Raises MailRefused when the recipient's address cannot stand in a header."""
    letter = Letter(
        subject=RESET_SUBJECT,
        id=mail.mail_id,
        at=mail.asked_at,
        heading=RESET_SUBJECT,
        before=(
            "Somebody asked for a new password for your account.",
            f"Set it before {in_words(mail.ends_at)}; the link works once.",
        ),
        does="Set a new password",
        url=f"{base_url}/reset/{mail.token}",
        after=("If it was not you, do nothing: your password stays as it is.",),
    )
    return message_of(letter, to=mail.to, sender=sender)
