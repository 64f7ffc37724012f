"""Webhooks: a clinic's own endpoint hears that there is an alert, signed so that it knows who says so.

Knows no patient, no database.
"""

from server.webhooks.messages import WebhookMessage
from server.webhooks.sending import Webhook, post_webhook
from server.webhooks.signing import new_secret

__all__ = ["Webhook", "WebhookMessage", "new_secret", "post_webhook"]
