"""`flask outage` and `flask outages`: when our own service was down, recorded by hand and listed."""

from datetime import UTC, datetime
from typing import Any

import click

from server.errors import DomainError
from server.extensions import db, now
from server.services import outages


class AwareInstant(click.ParamType[datetime]):
    """An instant with its offset: what a clock on some wall showed says too little."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail("not an instant, such as 2026-05-04T10:00+02:00", param, ctx)
        if instant.tzinfo is None:
            self.fail("without its offset: write 2026-05-04T10:00+02:00, or Z for UTC", param, ctx)
        return instant.astimezone(UTC)


@click.command("outage")
@click.option("--from", "began_at", type=AwareInstant(), required=True, help="When it began, with offset.")
@click.option("--to", "ended_at", type=AwareInstant(), required=True, help="When it was over, with offset.")
def record_outage(began_at: datetime, ended_at: datetime) -> None:
    """Record that patients could not reach the service; the same again changes nothing."""
    try:
        is_news = outages.record_outage(began_at, ended_at, now())
    except DomainError as error:
        db.session.rollback()
        raise click.ClickException(error.detail) from error
    db.session.commit()
    click.echo("Recorded." if is_news else "It is recorded already.")


@click.command("outages")
def list_outages() -> None:
    """List the outages, newest first, in UTC."""
    found = outages.list_outages()
    if not found:
        click.echo("No outage is recorded.")
        return
    click.echo(f"{'from':<18}{'to':<18}{'hours':>6}  by")
    for outage in found:
        hours = (outage.ended_at - outage.began_at).total_seconds() / 3600
        click.echo(
            f"{outage.began_at:%Y-%m-%d %H:%M}  {outage.ended_at:%Y-%m-%d %H:%M}  {hours:>6.1f}  {outage.source}"
        )
