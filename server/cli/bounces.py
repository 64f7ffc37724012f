"""`flask bounce`: what the mail server pipes in of mails that came back."""

from typing import BinaryIO

import click

from server.errors import NotABounce
from server.mail.bounces import LARGEST_BOUNCE, read_bounce


@click.command("bounce")
@click.argument("mail", type=click.File("rb"), default="-")
def bounce(mail: BinaryIO) -> None:
    """Read one mail that came back to MAIL_FROM, from a file or from standard input, and say what it tells."""
    try:
        found = read_bounce(mail.read(LARGEST_BOUNCE + 1))
    except NotABounce as refused:
        raise click.ClickException(refused.detail) from refused
    for bounced in found:
        # The mail's id leads to its recipient; an address is nothing for a terminal or a log.
        click.echo(f"{bounced.message_id} {bounced.status} {'did not arrive' if bounced.gave_up else 'is late'}")
    click.echo(f"Recipients told of: {len(found)}.")
