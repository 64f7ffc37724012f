"""`flask replay FILE.csv`: real diaries through the whole system, day by day, in a clinic that mails nobody."""

import secrets
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import click
from sqlalchemy import select
from tqdm import tqdm

from server.cli.diaries import BadLine, DiaryError, Entry, read_diaries
from server.cli.rehearsal import check_in, closing, evening
from server.clock import local_day
from server.extensions import db, now
from server.jobs.assessing import assess_all
from server.models import Alert, AlertEvent, Clinic, EventKind, Patient, Role, Watch
from server.services import clinics, identities, patients, watch

DAYS_PER_MONTH = 30.44
TOLD = (EventKind.RAISED, EventKind.SEVERITY_RAISED, EventKind.REPEATED)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--skip", multiple=True, metavar="NAME", help="A column to leave out (may be given again).")
@click.option("--zone", default="UTC", show_default=True, help="Where the diaries were kept.")
def replay(file: Path, skip: tuple[str, ...], zone: str) -> None:
    """Play the diaries in FILE (columns: person, day, any of craving, mood, used) and list the alerts."""
    try:
        lines = list(read_diaries(file, skip))
    except DiaryError as error:
        raise click.ClickException(str(error)) from error
    entries = [line for line in lines if isinstance(line, Entry)]
    bad = [line for line in lines if isinstance(line, BadLine)]
    for line in bad:
        click.echo(f"line {line.line} left out: {line.reason}", err=True)
    if not entries:
        raise click.ClickException("There is no line to replay.")
    # The diaries' last day becomes yesterday: the record has real dates, all in the past.
    last = max(entry.day for entry in entries)
    day_zero = local_day(now(), zone, 4) - timedelta(days=last + 1)
    clinic, people = _make_clinic(file.name, zone, entries, day_zero)
    _play(clinic, people, entries, day_zero)
    _report(clinic, entries, bad, day_zero)


def _make_clinic(name: str, zone: str, entries: Sequence[Entry], day_zero: date) -> tuple[Clinic, dict[str, uuid.UUID]]:
    """A clinic that no tick assesses and no mail leaves, with a patient for each person of the diaries."""
    first = min(entry.day for entry in entries)
    begins = evening(day_zero + timedelta(days=first - 1), zone)
    clinic = clinics.create_clinic(f"Replay of {name}", zone, begins, live=False)
    address = f"{clinic.id}@replay.invalid"
    member = clinics.add_member(clinic.id, Role.CLINICIAN, "Replay", address, secrets.token_urlsafe(), begins)
    by = identities.of_member(member)
    kept: dict[str, list[int]] = {}
    for entry in entries:
        kept.setdefault(entry.person, []).append(entry.day)
    people: dict[str, uuid.UUID] = {}
    for person in tqdm(kept, desc="People", unit="person"):
        said = {"reference": person, "zone": zone, "language": "en", "region": "US"}
        patient = patients.create_patient(by, said, begins)
        _, code = patients.invite(by, patient.id, begins)
        patients.redeem_invite(code, secrets.token_urlsafe(), "replay", zone, begins)
        # Where a diary ends its writer did not fall silent: nobody asked any more.
        first_day, last_day = (day_zero + timedelta(days=end(kept[person])) for end in (min, max))
        window = {"monitored_from": first_day, "monitored_until": last_day}
        patients.change_patient(by, patient.id, window, begins)
        people[person] = patient.id
    db.session.commit()
    return clinic, people


def _play(clinic: Clinic, people: dict[str, uuid.UUID], entries: Sequence[Entry], day_zero: date) -> None:
    """Day by day: the check-ins of the evening, the jobs that they make due, the jobs of the day's end."""
    by_day: dict[int, list[Entry]] = {}
    for entry in entries:
        by_day.setdefault(entry.day, []).append(entry)
    for day in tqdm(range(min(by_day), max(by_day) + 1), desc="Days", unit="day"):
        at = evening(day_zero + timedelta(days=day), clinic.zone)
        for entry in by_day.get(day, ()):
            check_in(people[entry.person], at, clinic.zone, entry.answers)
            db.session.commit()
        for moment in (at + timedelta(minutes=1), closing(day_zero + timedelta(days=day), clinic)):
            assess_all(watch.due_in(clinic.id, moment), moment)


def _report(clinic: Clinic, entries: Sequence[Entry], bad: Sequence[BadLine], day_zero: date) -> None:
    told = db.session.execute(
        select(AlertEvent, Patient, Alert.rule)
        .join(Alert, Alert.id == AlertEvent.alert_id)
        .join(Patient, Patient.id == Alert.patient_id)
        .where(Alert.clinic_id == clinic.id, AlertEvent.kind.in_(TOLD))
    ).all()
    told = sorted(told, key=lambda row: (row[0].day, row[1].created_at, row[1].reference, row[0].id))
    click.echo(f"\n{'person':<10} {'day':>5} {'rule':<15} {'what':<16} sentence")
    for event, patient, rule in told:
        day = (event.day - day_zero).days if event.day else None
        what = "alert" if event.kind is EventKind.RAISED else event.kind.replace("_", " ")
        click.echo(f"{patient.reference:<10} {day:>5} {rule:<15} {what + ', ' + event.severity:<16} {event.sentence}")
    kinds = Counter(event.kind for event, _, _ in told)
    rules = Counter(rule for event, _, rule in told if event.kind is EventKind.RAISED)
    failed = db.session.scalars(select(Watch.patient_id).where(Watch.clinic_id == clinic.id, Watch.failures > 0)).all()
    months = len(entries) / DAYS_PER_MONTH
    click.echo(
        f"\n{len({entry.person for entry in entries})} people, {len(entries)} check-ins, "
        f"{len(bad)} bad lines, {len(failed)} people whose assessment failed."
        f"\n{kinds[EventKind.RAISED]} alerts ({kinds[EventKind.RAISED] / months:.2f} per month of check-ins), "
        f"{kinds[EventKind.SEVERITY_RAISED]} raised in severity, {kinds[EventKind.REPEATED]} repeats while open."
    )
    for rule, count in sorted(rules.items()):
        click.echo(f"  {rule}: {count}")
    if failed:
        raise click.ClickException("Some assessments failed; see the log.")
