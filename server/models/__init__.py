"""Tables: one noun a file."""

from server.models.alert import Alert, AlertEmail, AlertEvent, AlertState, EventKind, Outcome, Withheld
from server.models.attempt_count import AttemptCount
from server.models.audit import Action, Actor, AuditEvent, AuditHead
from server.models.break_glass import BreakGlass
from server.models.check_in import RATINGS, CheckIn, CheckInVersion
from server.models.clinic import Clinic, Member, Role
from server.models.consent import Consent, ConsentKind, Disclosure, EndedHow, Purpose, What
from server.models.course import Course, Indication, SessionState, Target, TmsSession, Weekday
from server.models.erasure import Erasure
from server.models.job_run import JobRun
from server.models.limits import Limits
from server.models.member_mail import AccountChange, MemberMail, MemberMailKind
from server.models.outage import Outage, OutageSource
from server.models.outgoing import EmailState, Outgoing
from server.models.password_reset import PasswordReset
from server.models.patient import PATIENT_HELD, CareTeam, Invite, Patient, Pause, PausedWhy
from server.models.push_address import PushAddress
from server.models.quarantine import QuarantinedItem, Settled
from server.models.reported import Answer, Reported, etag_of
from server.models.routing import Absence, OnCall, Routing
from server.models.sealed import DataKey, IndexKey, Sealed, hold_key, sealed_in
from server.models.sign_in import Ended, SignIn
from server.models.tally import Tally
from server.models.tombstone import Tombstone
from server.models.urge import Urge, UrgeVersion
from server.models.watch import Watch
from server.models.webhook_call import CalledBecause, WebhookCall
from server.models.zone_change import ZoneChange, ZoneFrom

__all__ = [
    "PATIENT_HELD",
    "RATINGS",
    "Absence",
    "AccountChange",
    "Action",
    "Actor",
    "Alert",
    "AlertEmail",
    "AlertEvent",
    "AlertState",
    "Answer",
    "AttemptCount",
    "AuditEvent",
    "AuditHead",
    "BreakGlass",
    "CalledBecause",
    "CareTeam",
    "CheckIn",
    "CheckInVersion",
    "Clinic",
    "Consent",
    "ConsentKind",
    "Course",
    "DataKey",
    "Disclosure",
    "EmailState",
    "Ended",
    "EndedHow",
    "Erasure",
    "EventKind",
    "IndexKey",
    "Indication",
    "Invite",
    "JobRun",
    "Limits",
    "Member",
    "MemberMail",
    "MemberMailKind",
    "OnCall",
    "Outage",
    "OutageSource",
    "Outcome",
    "Outgoing",
    "PasswordReset",
    "Patient",
    "Pause",
    "PausedWhy",
    "Purpose",
    "PushAddress",
    "QuarantinedItem",
    "Reported",
    "Role",
    "Routing",
    "Sealed",
    "SessionState",
    "Settled",
    "SignIn",
    "Tally",
    "Target",
    "TmsSession",
    "Tombstone",
    "Urge",
    "UrgeVersion",
    "Watch",
    "WebhookCall",
    "Weekday",
    "What",
    "Withheld",
    "ZoneChange",
    "ZoneFrom",
    "etag_of",
    "hold_key",
    "sealed_in",
]
