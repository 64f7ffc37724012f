"""Emails: composed from plain values, sent over SMTP. Knows no alerts, no database."""

from server.mail.account import ACCOUNT_SUBJECT, AccountMail
from server.mail.compose import (
    ALARM_SUBJECT,
    DIGEST_SUBJECT,
    NOTICE,
    OUTSIDE_SUBJECT,
    SUBJECT,
    AboutAlert,
    AlarmMail,
    AlertMail,
    DigestMail,
    Mail,
    OutsideMail,
    compose,
)
from server.mail.reset import RESET_SUBJECT, ResetMail, compose_reset
from server.mail.smtp import Smtp

__all__ = [
    "ACCOUNT_SUBJECT",
    "ALARM_SUBJECT",
    "DIGEST_SUBJECT",
    "NOTICE",
    "OUTSIDE_SUBJECT",
    "RESET_SUBJECT",
    "SUBJECT",
    "AboutAlert",
    "AccountMail",
    "AlarmMail",
    "AlertMail",
    "DigestMail",
    "Mail",
    "OutsideMail",
    "ResetMail",
    "Smtp",
    "compose",
    "compose_reset",
]
