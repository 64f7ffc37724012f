"""Pushes: a phone's address, what a push says, and the services that take it there. Knows no patient, no database.

What sends (server.push.sending) is imported by the worker alone: it brings a large library along.
"""

from server.push.addresses import Address, FcmToken, Kind, Subscription, read_address, write_address
from server.push.messages import Message, reminder

__all__ = ["Address", "FcmToken", "Kind", "Message", "Subscription", "read_address", "reminder", "write_address"]
