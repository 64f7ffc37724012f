"""The trend engine, pure: daily ratings in, findings for the care team out; no database and no clock."""

from server.trends.assessment import assess
from server.trends.cusum import advance
from server.trends.findings import Figures, Finding, Severity
from server.trends.readings import Reading, Treatment
from server.trends.rules import RULES, Rule
from server.trends.safety import safety_concern
from server.trends.state import Signal, State, start
from server.trends.thresholds import Thresholds

__all__ = [
    "RULES",
    "Figures",
    "Finding",
    "Reading",
    "Rule",
    "Severity",
    "Signal",
    "State",
    "Thresholds",
    "Treatment",
    "advance",
    "assess",
    "safety_concern",
    "start",
]
