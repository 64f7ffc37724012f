"""Who was told of an alert and what became of each email, in words, for the page's history."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from server.models import AlertEmail, EmailState


@dataclass(frozen=True, slots=True)
class Delivery:
    """One email, to one recipient, about one event."""

    to: str
    became: str
    at: datetime | None
    failed: bool


BECAME: Mapping[EmailState, str] = {
    EmailState.QUEUED: "on its way",
    EmailState.SENT: "mailed",
    EmailState.UNDELIVERABLE: "could not be delivered",
    EmailState.WITHHELD: "not mailed",
    EmailState.IN_DIGEST: "in the morning's digest",
    EmailState.BOUNCED: "mailed, and came back",
}
FAILED = (EmailState.UNDELIVERABLE, EmailState.BOUNCED)


def by_event(emails: Iterable[AlertEmail], name_outside: Callable[[AlertEmail], str]) -> Mapping[int, list[Delivery]]:
    """Each event's, oldest first. `name_outside` names a recipient who is no member."""
    found: dict[int, list[Delivery]] = defaultdict(list)
    for email in emails:
        to = email.member.name if email.member else name_outside(email)
        found[email.event_id].append(Delivery(to, _became(email), email.sent_at, email.state in FAILED))
    return found


def _became(email: AlertEmail) -> str:
    said = BECAME[email.state]
    if email.withheld_why is not None:
        return f"{said}: {email.withheld_why.replace('_', ' ')}"
    if email.state is EmailState.QUEUED and email.last_error:
        return f"{said}; tried {email.attempts} times"
    return said
