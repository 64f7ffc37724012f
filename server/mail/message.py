"""What all of our mails have in common: one recipient, few headers, text and HTML, nothing loaded from anywhere."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from css_inline import CSSInliner
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from server.errors import MailRefused

_templates = Environment(
    loader=PackageLoader("server.mail"),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
# Mail programs drop style sheets, so each rule stands on its elements; what asks whether it is dark cannot. It reads
# the one style sheet of the page and looks nowhere else for another.
_inliner = CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """What one mail says, to whomever it goes. Its text and its HTML are both made of this, and so say the same."""

    subject: str
    id: uuid.UUID
    """Makes the Message-ID."""
    at: datetime
    heading: str
    facts: Sequence[tuple[str, str]] = ()
    before: Sequence[str] = ()
    """Sentences before the link."""
    does: str | None = None
    url: str | None = field(default=None, repr=False)
    after: Sequence[str] = ()


def message_of(letter: Letter, *, to: str, sender: str) -> EmailMessage:
    """Raises MailRefused when the recipient's address cannot stand in a header."""
    name, address = parseaddr(sender)
    try:
        recipient = Address(addr_spec=to)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise MailRefused("not an address", lasting=True) from error
    message = EmailMessage()
    message["Subject"] = letter.subject
    message["From"] = Address(name, addr_spec=address)
    message["To"] = recipient
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.id}@{address.rpartition('@')[2]}>"
    # Some servers put a Message-ID of their own in its place, and a bounce is to be known all the same.
    message["X-Mail-ID"] = str(letter.id)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_rendered("letter.txt", letter))
    message.add_alternative(_inliner.inline(_rendered("letter.html", letter)), subtype="html")
    return message


def _rendered(template: str, letter: Letter) -> str:
    return _templates.get_template(template).render({each.name: getattr(letter, each.name) for each in fields(letter)})


def in_words(at: datetime) -> str:
    """An instant, in the zone that it is given in."""
    return f"{day_in_words(at)}, {at:%H:%M %Z}"


def day_in_words(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
