"""Tables: one noun a file."""

from server.models.alert import Alert, AlertEmail, AlertEvent, AlertState, EmailState, EventKind, Outcome
from server.models.attempt_count import AttemptCount
from server.models.audit import Action, Actor, AuditEvent, AuditHead
from server.models.break_glass import BreakGlass
from server.models.check_in import RATINGS, Answer, CheckIn
from server.models.clinic import Clinic, Member, Role
from server.models.course import Course, Indication, SessionState, Target, TmsSession, Weekday
from server.models.job_run import JobRun
from server.models.limits import Limits
from server.models.outage import Outage, OutageSource
from server.models.password_reset import PasswordReset
from server.models.patient import PATIENT_HELD, CareTeam, Invite, Patient, Pause
from server.models.sealed import DataKey, IndexKey, Sealed, hold_key, sealed_in
from server.models.sign_in import Ended, SignIn
from server.models.trend_state import TrendState

__all__ = [
    "PATIENT_HELD",
    "RATINGS",
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
    "CareTeam",
    "CheckIn",
    "Clinic",
    "Course",
    "DataKey",
    "EmailState",
    "Ended",
    "EventKind",
    "IndexKey",
    "Indication",
    "Invite",
    "JobRun",
    "Limits",
    "Member",
    "Outage",
    "OutageSource",
    "Outcome",
    "PasswordReset",
    "Patient",
    "Pause",
    "Role",
    "Sealed",
    "SessionState",
    "SignIn",
    "Target",
    "TmsSession",
    "TrendState",
    "Weekday",
    "hold_key",
    "sealed_in",
]
