"""What every answer to a check-in carries: where a person gets help now. Reviewed by people, on a date."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Support:
    version: str
    reviewed_on: date
    notice: str
    lines: tuple[Line, ...]


# English; what a phone shows is said in its language (server/translations), number by number as reviewed.
NOTICE = (
    "Nobody watches your check-ins in real time. If you are in danger or may harm yourself, "
    "call one of these numbers now."
)
NOTICE_ELSEWHERE = (
    "Nobody watches your check-ins in real time. If you are in danger or may harm yourself, "
    "call one of these numbers now. Where you live the numbers may differ: 112 reaches emergency services in many "
    "countries."
)

# Sources: 988lifeline.org (Spanish: press 2, or text AYUDA); samhsa.gov/find-help/helplines/national-helpline.
_US = Support(
    version="us-1",
    reviewed_on=date(2026, 11, 22),
    notice=NOTICE,
    lines=(
        Line("988 Suicide & Crisis Lifeline (call or text)", "988"),
        Line("Emergency services", "911"),
        Line("SAMHSA National Helpline", "1-800-662-4357"),
    ),
)
# Where we have no reviewed list, an honest general answer is better than another country's number.
_ELSEWHERE = Support(
    version="any-1",
    reviewed_on=date(2026, 11, 22),
    notice=NOTICE_ELSEWHERE,
    lines=(Line("Emergency services", "112"),),
)


def support_for(region: str) -> Support:
    """`region` is an ISO 3166 code such as US or US-NY."""
    return _US if region.partition("-")[0] == "US" else _ELSEWHERE
