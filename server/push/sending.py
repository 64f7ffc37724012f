"""The one way out for a push, whichever service takes it."""

from datetime import datetime

from server.errors import PushRefused, Refused, Unanswered
from server.push import fcm, web_push
from server.push.addresses import Address, Subscription
from server.push.messages import Message
from server.settings import Settings


def push(to: Address, message: Message, until: datetime, settings: Settings, now: datetime) -> None:
    """Raises PushRefused, and PushAddressGone when nothing will ever arrive there."""
    try:
        # The settings may be others than when the phone gave its address.
        to.check(settings)
    except Refused as refused:
        raise PushRefused(refused.detail, again=False) from None
    try:
        _send(to, message, max(int((until - now).total_seconds()), 0), settings, now)
    except Unanswered as failed:
        # It may be tried again only if nothing can have arrived.
        raise PushRefused(failed.detail, again=not failed.arrived) from None


def _send(to: Address, message: Message, lasts: int, settings: Settings, now: datetime) -> None:
    if isinstance(to, Subscription):
        key = settings.vapid_private_key
        if key is not None:
            web_push.send(to, message, lasts, key, settings.vapid_subject, now)
    elif settings.fcm_credentials is not None:
        fcm.send(to, message, lasts, settings.fcm_credentials, settings.fcm_url, now)
