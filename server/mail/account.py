"""What tells a member that their account was changed: what and when, so that who did not do it can speak up."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from server.mail.message import Letter, in_words

ACCOUNT_SUBJECT = "Your account was changed"
EXPECTED = "If you did this, or were told of it, there is nothing to do."
UNEXPECTED = "If not, tell an admin of yours at once, by telephone or in person and not by mail."


@dataclass(frozen=True, slots=True)
class AccountMail:
    """The plain values of one email; `at`, when it was changed, is aware, in the clinic's zone."""

    mail_id: uuid.UUID
    to: str
    changed: str
    at: datetime


def account_letter(mail: AccountMail) -> Letter:
    """Without a link: whoever forges such a mail wants one to be followed."""
    return Letter(
        subject=ACCOUNT_SUBJECT,
        id=mail.mail_id,
        at=mail.at,
        heading=ACCOUNT_SUBJECT,
        facts=(("Changed", mail.changed), ("On", in_words(mail.at))),
        before=(EXPECTED, UNEXPECTED),
    )
