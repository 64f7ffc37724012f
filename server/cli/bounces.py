"""`flask bounce`: what the mail server pipes in of mails that came back."""

from collections.abc import Sequence
from typing import BinaryIO

import click
from sqlalchemy.exc import OperationalError

from server.errors import NotABounce
from server.extensions import db, now
from server.mail.bounces import LARGEST_BOUNCE, Bounced, read_bounce
from server.scope import enter, every_clinic
from server.services import bounces

# To a mail server: keep it, and pipe it in again (sysexits.h).
TRY_LATER = 75


@click.command("bounce")
@click.argument("mail", type=click.File("rb"), default="-")
def bounce(mail: BinaryIO) -> None:
    """Take one mail that came back to MAIL_FROM, from a file or from standard input.

    The mail is marked, its recipient's address, too, where it is to blame, and the next person is told.
    """
    try:
        found = read_bounce(mail.read(LARGEST_BOUNCE + 1))
    except NotABounce as refused:
        raise click.ClickException(refused.detail) from refused
    try:
        _take_all(found)
    except OperationalError as error:
        click.echo("The database is away.", err=True)
        raise SystemExit(TRY_LATER) from error
    click.echo(f"Recipients told of: {len(found)}.")


def _take_all(found: Sequence[Bounced]) -> None:
    for bounced in found:
        # The mail's id leads to its recipient; an address is nothing for a terminal or a log.
        said = ("did not arrive" if bounced.gave_up else "is late") if _take(bounced) else "is no mail of ours"
        click.echo(f"{bounced.message_id} {bounced.status} {said}")


def _take(bounced: Bounced) -> bool:
    """A mail does not say whose it is, so each clinic is asked."""
    for clinic_id in every_clinic():
        enter(clinic_id)
        if bounces.take(bounced, now()):
            db.session.commit()
            return True
        db.session.rollback()
    return False
