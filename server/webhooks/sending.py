"""Where a webhook goes, and the one way to send it."""

from dataclasses import dataclass
from datetime import datetime

from server.errors import Refused, Unanswered, WebhookRefused
from server.posting import post
from server.settings import Settings
from server.webhooks.messages import WebhookMessage
from server.webhooks.signing import key_of, signed

# The endpoint asks for nothing more. Whatever else it answers may be mended, and tried again.
GONE = 410


@dataclass(frozen=True, slots=True, repr=False)
class Webhook:
    """A clinic's endpoint, and the secret that it knows us by."""

    url: str
    secret: str

    def check(self, settings: Settings) -> None:
        """Our worker calls what an admin names, so only hosts that the operator knows. Raises Refused."""
        if not settings.webhook_hosts.allow_url(self.url):
            raise Refused("url", "Not an address that this service may call.")
        try:
            key_of(self.secret)
        except ValueError:
            raise Refused("secret", "Not a secret of a webhook.") from None


def post_webhook(to: Webhook, message: WebhookMessage, settings: Settings, now: datetime) -> None:
    """Returns when the endpoint has taken it. Raises WebhookRefused, whose text is a status or a kind of failure."""
    try:
        # The settings may be others than when the endpoint was named.
        to.check(settings)
    except Refused as refused:
        raise WebhookRefused(refused.detail, lasting=True) from None
    body = message.body()
    try:
        answer = post(
            to.url, body, {"Content-Type": "application/json", **signed(body, str(message.id), to.secret, now)}
        )
    except Unanswered as failed:
        raise WebhookRefused(failed.detail, lasting=False) from None
    if not answer.taken:
        raise WebhookRefused(f"HTTP {answer.status}", lasting=answer.status == GONE, after=answer.after)
