"""Alert emails: composed from plain values, sent over SMTP. Knows no alerts, no database."""

from server.mail.compose import SUBJECT, AlertMail, compose
from server.mail.smtp import Smtp

__all__ = ["SUBJECT", "AlertMail", "Smtp", "compose"]
