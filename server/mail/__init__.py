"""Emails: composed from plain values, sent over SMTP. Knows no alerts, no database."""

from server.mail.compose import SUBJECT, AlertMail, compose
from server.mail.reset import RESET_SUBJECT, ResetMail, compose_reset
from server.mail.smtp import Smtp

__all__ = ["RESET_SUBJECT", "SUBJECT", "AlertMail", "ResetMail", "Smtp", "compose", "compose_reset"]
