"""`flask after-restore`: what a restored backup must not do again, and whom it must tell."""

from datetime import datetime

import click

from server.cli.outages import AwareInstant
from server.errors import DomainError
from server.extensions import db, now
from server.models import Clinic
from server.scope import enter
from server.services import clinics, restoring


@click.command("after-restore")
@click.option("--taken", "taken_at", type=AwareInstant(), required=True, help="When the backup was done, with offset.")
def after_restore(taken_at: datetime) -> None:
    """Make a restored database safe to start: restore, erase-again, then this, then start the processes.

    Mails that waited when the backup was taken are held, and listed: they may have gone since. Urgent alerts that are
    open are told anew. Stopped halfway, it is run again.
    """
    try:
        here = clinics.those_here()
        restoring.check_restored(taken_at)
    except DomainError as error:
        raise click.ClickException(error.detail) from error
    restoring.empty_queue()
    db.session.commit()
    held = told = with_nobody = 0
    for clinic_id in here:
        enter(clinic_id)
        settled = restoring.settle(db.session.get_one(Clinic, clinic_id), now())
        db.session.commit()
        for table, row_id, alert_id in settled.held:
            click.echo(f"held {clinic_id} {table} {row_id} alert {alert_id or '-'}")
        for alert_id in settled.told:
            click.echo(f"told anew {clinic_id} alert {alert_id}")
        for alert_id in settled.with_nobody:
            click.echo(f"with nobody {clinic_id} alert {alert_id}: urgent, and nobody can be mailed; call the clinic")
        held, told = held + len(settled.held), told + len(settled.told)
        with_nobody += len(settled.with_nobody)
    click.echo(
        f"Held: {held}. Told anew: {told}. With nobody: {with_nobody}. The queue is empty; now start the processes."
    )
