"""`flask explain ALERT_ID`: an alert replayed from the record, and whether it would be raised the same today."""

import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import click

from server.errors import DomainError
from server.extensions import db, now
from server.models import Action
from server.services import audit
from server.services.explanations import Explanation, explain


@click.command("explain")
@click.argument("alert_id", type=click.UUID)
@click.pass_context
def explain_alert(context: click.Context, alert_id: uuid.UUID) -> None:
    """Replay a stored alert; exit with 1 when the record has changed so that it would differ."""
    try:
        explained = explain(alert_id, now())
    except DomainError as error:
        raise click.ClickException(error.detail) from error
    audit.record(Action.ALERT_EXPLAINED, None, explained.alert.patient_id, alert=alert_id)
    db.session.commit()
    click.echo(f"Alert {alert_id}, of patient {explained.alert.patient.code}\n")
    for name, value in explained.stored.items():
        click.echo(f"{name:<9} {_words(value)}")
    for event in explained.alert.events:
        if event.reason:
            click.echo(f"{event.kind.capitalize()} on {event.at:%Y-%m-%d}: {event.reason}")
    click.echo(f"\n{'day':<12}{'craving':>8}{'mood':>8}  used")
    for line in _readings(explained):
        click.echo(line)
    click.echo()
    if not explained.differences:
        click.echo("Replayed from the record, it is identical.")
        return
    for line in _changes(explained):
        click.echo(line)
    context.exit(1)


def _readings(explained: Explanation) -> Iterator[str]:
    """Every day up to the finding, gaps included; a star where the finding rests on it."""
    said = {reading.day: reading for reading in explained.record.readings}
    day, last = explained.first_day, explained.stored["day"]
    while day <= last:
        reading, star = said.get(day), " *" if day in explained.stored["basis"] else ""
        answers = (
            f"{_words(reading.craving):>8}{_words(reading.mood):>8}  {_words(reading.used)}"
            if reading
            else f"{_nothing_said(day, explained):>16}"
        )
        yield f"{day}  {answers}{star}"
        day += timedelta(days=1)


_UNKNOWN = {"paused": "of a pause", "our own outage": "of our own outage", "cut short": "that travel cut short"}


def _nothing_said(day: date, explained: Explanation) -> str:
    if day in explained.record.paused:
        return "paused"
    if day in explained.record.outages:
        return "our own outage"
    return "cut short" if day in explained.record.cut_short else "no check-in"


def _changes(explained: Explanation) -> Iterator[str]:
    yield "The record has changed since this alert was raised."
    if explained.replayed is None:
        yield f"Today the rule {explained.stored['rule']} finds nothing on {explained.stored['day']}."
    else:
        for name in explained.differences:
            yield f"{name}: was {_words(explained.stored[name])}"
            yield f"{'':<{len(name)}}  is  {_words(explained.replayed[name])}"
    for day in explained.stored["basis"]:
        # A silent day was neither when it was judged, so it became one since.
        if explained.stored["rule"] == "gone_silent" and _nothing_said(day, explained) != "no check-in":
            yield f"{day} is now known as a day {_UNKNOWN[_nothing_said(day, explained)]}."
    for check_in in explained.late:
        counts = "" if check_in.counts else ", which does not count for its day"
        yield f"A check-in for {check_in.day} was received at {check_in.received_at:%Y-%m-%d %H:%M} UTC{counts}."


def _words(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(number)}" for name, number in sorted(value.items()))
    if isinstance(value, list):
        return ", ".join(map(_words, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
