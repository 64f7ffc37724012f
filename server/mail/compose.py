"""What an alert email says: that there is one, how urgent, since when, and where to look. Nothing of the patient.

Names, scores, substances and the clinic's field stay behind the login (42 CFR part 2; 45 CFR 164.312(e)).
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from server.errors import MailRefused

SUBJECT = "A patient alert needs your attention"

_templates = Environment(
    loader=PackageLoader("server.mail"),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


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
    name, address = parseaddr(sender)
    try:
        recipient = Address(addr_spec=mail.to)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise MailRefused("not an address", lasting=True) from error
    said = {
        "severity": mail.severity,
        "raised_at": f"{mail.raised_at.day} {mail.raised_at:%B %Y, %H:%M %Z}",
        "url": f"{base_url}/alerts/{mail.alert_id}",
        "subject": SUBJECT,
    }
    message = EmailMessage()
    message["Subject"] = SUBJECT
    message["From"] = Address(name, addr_spec=address)
    message["To"] = recipient
    message["Date"] = format_datetime(mail.raised_at)
    message["Message-ID"] = f"<{mail.email_id}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_templates.get_template("alert.txt").render(said))
    message.add_alternative(_templates.get_template("alert.html").render(said), subtype="html")
    return message
