"""Emails: composed from plain values, sent over SMTP. Knows no alerts, no database."""

from server.mail.compose import NOTICE, OUTSIDE_SUBJECT, SUBJECT, AlertMail, Mail, OutsideMail, compose
from server.mail.reset import RESET_SUBJECT, ResetMail, compose_reset
from server.mail.smtp import Smtp

__all__ = [
    "NOTICE",
    "OUTSIDE_SUBJECT",
    "RESET_SUBJECT",
    "SUBJECT",
    "AlertMail",
    "Mail",
    "OutsideMail",
    "ResetMail",
    "Smtp",
    "compose",
    "compose_reset",
]
