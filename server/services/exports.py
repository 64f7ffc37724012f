"""Everything that is here about one patient, for the patient: a file of each kind, and in which words."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from textwrap import fill
from typing import IO, Any, cast

from sqlalchemy import Table, select
from sqlalchemy.orm import lazyload

from server.extensions import Base, db
from server.models import (
    PATIENT_HELD,
    Alert,
    AlertEmail,
    AlertEvent,
    CareTeam,
    CheckIn,
    CheckInVersion,
    Consent,
    Course,
    Disclosure,
    Invite,
    MemberMail,
    Patient,
    Pause,
    PushAddress,
    QuarantinedItem,
    SignIn,
    TmsSession,
    Urge,
    UrgeVersion,
    WebhookCall,
    ZoneChange,
)
from server.services.archives import Archive
from server.services.belongings import of_patient
from server.services.identities import Identity
from server.services.own_days import days_of
from server.services.series import own_series
from server.trends.band import Expected

# Rows are read so many at a time: a long diary is never whole in memory.
BATCH = 200

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of thing: a JSON file and a CSV file of this name, each row with these names."""

    name: str
    about: str
    names: tuple[str, ...]
    rows: Callable[[Patient, datetime], Iterator[Row]]


def _of(name: str, model: type[Base], about: str, order: str, told: str) -> Part:
    """The rows of a table. `told` are attributes; of `member.name` the file says `member_name`."""
    paths = told.split()
    names = tuple(path.replace(".", "_") for path in paths)
    table = cast(Table, model.__table__)

    def rows(patient: Patient, _: datetime) -> Iterator[Row]:
        found = select(model).where(cast(Any, of_patient(table, patient.id)))
        found = found.order_by(*(table.c[column] for column in order.split())).options(lazyload("*"))
        for row in db.session.scalars(found.execution_options(yield_per=BATCH)):
            yield {name: attrgetter(path)(row) for name, path in zip(names, paths, strict=True)}

    return Part(name, about, names, rows)


def _trend(patient: Patient, now: datetime) -> Iterator[Row]:
    today = days_of(patient, now).today
    first = db.session.scalar(
        select(CheckIn.day).where(CheckIn.patient_id == patient.id, CheckIn.counts).order_by(CheckIn.day).limit(1)
    )
    if first is None:
        return
    for day in own_series(patient.id, max((today - first).days, 0) + 1, now).days:
        yield {
            "day": day.day,
            "craving": day.craving,
            "mood": day.mood,
            **_expected("craving", day.craving_expected),
            **_expected("mood", day.mood_expected),
        }


def _expected(item: str, expected: Expected | None) -> Mapping[str, float | None]:
    mean, sd = (expected.mean, expected.sd) if expected else (None, None)
    return {f"{item}_expected": mean, f"{item}_expected_sd": sd}


CHECK_IN = (
    "form_version craving mood sleep_quality stress confidence used substances medication_taken triggers"
    " self_harm_thoughts note"
)
URGE = "craving used triggers note"
PARTS = (
    _of(
        "profile",
        Patient,
        "Your account here. `reference` is what your clinic calls you, `code` is what you sign in with; your check-ins"
        " are watched from monitored_from to monitored_until, and not since withdrawn_at. You are reminded at"
        " reminder_time by your own clock; reminded_on was the last day with a reminder. Of days_cut_short your travels"
        " took so much that nobody missed a check-in.",
        "id",
        "id clinic.name code reference zone language region monitored_from monitored_until withdrawn_at active"
        " created_at reminder_time reminded_on days_cut_short",
    ),
    _of("zones", ZoneChange, "In which zones you were, since when, and who said so.", "number",
        "number zone since told_by"),
    _of("care_team", CareTeam, "Who hears of your alerts, in this order.", "position", "position member.name"),
    _of(
        "check_ins",
        CheckIn,
        "What you reported, with your notes. Ratings go from 0 to 10; a high craving is worse, a high mood is better."
        " `day` is the day that a check-in belongs to by your own clock, and `counts` says which one stands for it."
        " `offset_minutes` is how far your phone's clock was ahead of UTC.",
        "recorded_at id",
        f"id version recorded_at zone offset_minutes offset_known received_at edited_at day counts {CHECK_IN}",
    ),
    _of(
        "earlier_check_ins",
        CheckInVersion,
        "What a check-in said before you edited it, each version.",
        "recorded_at id version",
        f"id version recorded_at zone offset_minutes offset_known received_at replaced_at day {CHECK_IN}",
    ),
    _of(
        "urges",
        Urge,
        "Episodes of craving that you reported; `used` is whether you gave in.",
        "recorded_at id",
        f"id version recorded_at zone offset_minutes offset_known received_at edited_at day {URGE}",
    ),
    _of(
        "earlier_urges",
        UrgeVersion,
        "What an urge said before you edited it, each version.",
        "recorded_at id version",
        f"id version recorded_at zone offset_minutes offset_known received_at replaced_at day {URGE}",
    ),
    _of(
        "not_taken",
        QuarantinedItem,
        "What your phone sent and could not be taken as it was, with the fields that were to blame, and what became of"
        " it.",
        "received_at id",
        "kind reported_id received_at said cut problem pointers settled_at outcome reason",
    ),
    Part(
        "trend",
        "For each day since your first check-in: your ratings, and what was expected from those before, on the same"
        " scale; `sd` is how far ratings usually lie from it.",
        ("day", "craving", "mood", "craving_expected", "craving_expected_sd", "mood_expected", "mood_expected_sd"),
        _trend,
    ),
    _of(
        "courses",
        Course,
        "Your courses of treatment.",
        "created_at id",
        "id indication target protocol planned_sessions created_at",
    ),
    _of("sessions", TmsSession, "The sessions of each course.", "starts_at number id",
        "id course_id number day starts_at state"),
    _of("pauses", Pause, "Days, the first and the last included, on which nobody expected you to check in.",
        "first_day id", "why first_day last_day begun_at ended_at"),
    _of(
        "alerts",
        Alert,
        "What was flagged to your care team, why, and what they wrote when they closed it. An alert asks somebody to"
        " look; it is not a diagnosis. `basis` are the days that it rests on; superseded_at says since when your"
        " check-ins no longer show it.",
        "raised_at id",
        "id rule rule_version severity state day last_day sentence basis figures thresholds raised_at acknowledged_at"
        " superseded_at resolved_at outcome outcome_note",
    ),
    _of("alert_events", AlertEvent, "What happened to each alert, step by step.", "at id",
        "alert_id at kind severity day sentence basis stands_on reason"),
    _of(
        "alert_emails",
        AlertEmail,
        "Emails that told your care team, your clinic, or whom a consent of yours names, of an alert. They say nothing"
        " of you.",
        "created_at id",
        "alert_id consent_id to_clinic created_at sent_at state withheld_why",
    ),
    _of("alert_calls", WebhookCall, "Calls to your clinic's own system about an alert that mail brought to nobody. They"
        " say nothing of you.", "created_at id", "alert_id because created_at sent_at state"),
    _of("alert_alarms", MemberMail, "Emails that told your clinic's admins that nobody could be told of an alert.",
        "created_at id", "alert_id created_at sent_at state"),
    _of(
        "consents",
        Consent,
        "What you agreed to, and when you withdrew it. `reference` is all that an email to the recipient says of you.",
        "granted_at id",
        "id kind purpose what recipient_name recipient_email reference wording granted_at expires_on withdrawn_at"
        " withdrawn_how",
    ),
    _of(
        "disclosures",
        Disclosure,
        "Each email that went to somebody outside your clinic by a consent of yours.",
        "at id",
        "id at consent_id recipient_name recipient_email reference purpose what severity",
    ),
    _of("invites", Invite, "The codes that your clinic gave you to sign up with; the codes themselves are not kept.",
        "created_at id", "created_at expires_at redeemed_at device"),
    _of("push_addresses", PushAddress, "Where your reminders go: what your phone or browser gave us for that.",
        "given_at sign_in_id", "given_at address reminded_on"),
    _of("devices", SignIn, "Where you signed in, and how each sign-in ended.", "created_at id",
        "device created_at last_used_at ends_at ended_at ended_why"),
)  # fmt: skip

# Tables that have rows of a patient's and no file, and why.
NOT_IN = {
    "tombstone": "which sessions were taken off your schedule, so that your phone forgets them",
    "watch": "what the program remembers between two looks at your check-ins; it is made from them alone",
    "audit_event": "who saw your record, and when: the clinic's own account of that names its staff. Ask your clinic",
    "erasure": "what stays when a record is erased: of yours, nothing",
    "break_glass": "why somebody from outside your care team had to see your record: as before",
}

README = """\
Everything that {clinic} keeps about you in Interlude
As of {at}

KEEP IT SAFE. Whoever opens this file reads what you wrote. It is not locked with a password.

Each part is there twice: as .json, exactly as it is kept, for programs; and as .csv, for a spreadsheet.

{parts}
TIMES are in UTC and end with Z (2026-05-04T20:00:00Z); `zone` says where your clock was. DAYS (2026-05-04) are your
own: a day ends at {day_starts_at:02}:00 by the clock of where you were. Those of sessions are the clinic's ({zone}).

SPREADSHEETS take a text that begins with = + - or @ for a formula, and run it. In the .csv files such a text has an
apostrophe (') in front, also behind ; | and in a new line. The .json files have the text as it was written. Lists are
written with a semicolon between. The .csv files are UTF-8 with commas.

NOT IN HERE
{left_out}
- passwords, codes and keys: of these only what checks them is kept
- what your clinic keeps elsewhere, such as its own medical record
"""


def export(caller: Identity, now: datetime) -> IO[bytes]:
    """A zip file, for the caller to close."""
    # Held, so that nothing about the patient changes between the first file and the last.
    patient = db.session.get_one(Patient, caller.id, with_for_update=PATIENT_HELD, populate_existing=True)
    with Archive(now) as archive:
        archive.add_text("README.txt", _readme(patient, now))
        for part in PARTS:
            archive.add_rows(part.name, part.names, part.rows(patient, now))
    return archive.file


def _readme(patient: Patient, now: datetime) -> str:
    return README.format(
        clinic=patient.clinic.name,
        at=now.isoformat(timespec="seconds"),
        parts="".join(f"{part.name}.json, {part.name}.csv\n{fill(part.about, 110)}\n\n" for part in PARTS),
        day_starts_at=patient.clinic.day_starts_at,
        zone=patient.clinic.zone,
        left_out="\n".join(fill(f"- {why}", 110) for why in NOT_IN.values()),
    )
