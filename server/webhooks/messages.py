"""What a webhook says: as little as the mail. That there is something, how urgent, since when, and where to look."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """`kind` is words with dots between, such as alert.raised; `raised_at` is aware; `url` leads to a sign-in."""

    id: uuid.UUID
    kind: str
    severity: str
    raised_at: datetime
    url: str

    def body(self) -> bytes:
        """The same bytes at each attempt."""
        said = {
            "type": self.kind,
            "timestamp": self.raised_at.isoformat(),
            "data": {"severity": self.severity, "url": self.url},
        }
        return json.dumps(said).encode()
