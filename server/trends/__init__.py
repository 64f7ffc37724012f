"""The trend engine, pure: a patient's record in, findings for the care team out; no database and no clock."""

from server.trends.assessment import assess, assess_dated, assess_each
from server.trends.course import Course, Phase, Place, Session, SessionState
from server.trends.cusum import advance
from server.trends.findings import Figures, Finding, Numbers, Severity
from server.trends.readings import Reading
from server.trends.record import Record
from server.trends.rules import RULES, Rule
from server.trends.safety import safety_concern
from server.trends.state import Signal, State, start
from server.trends.thresholds import Thresholds

__all__ = [
    "RULES",
    "Course",
    "Figures",
    "Finding",
    "Numbers",
    "Phase",
    "Place",
    "Reading",
    "Record",
    "Rule",
    "Session",
    "SessionState",
    "Severity",
    "Signal",
    "State",
    "Thresholds",
    "advance",
    "assess",
    "assess_dated",
    "assess_each",
    "safety_concern",
    "start",
]
