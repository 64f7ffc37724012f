"""`flask reset-mfa` for who lost phone and recovery codes, and `flask demo-code` for the demo's admin."""

import click
import pyotp
from sqlalchemy import select

from server.cli.demo_accounts import ADMIN_EMAIL, totp_secret
from server.extensions import db, now, parts
from server.models import Action, Ended, Member
from server.scope import NOWHERE, clinic_of_member, enter
from server.services import audit
from server.services.keys import email_index
from server.services.second_factor import forget
from server.services.sign_ins import end_all


@click.command("reset-mfa")
@click.argument("email")
def reset_mfa(email: str) -> None:
    """Take a member's second step away and sign the member out everywhere. Be sure who asks."""
    index = email_index(email)
    enter(clinic_of_member(index) or NOWHERE)
    member = db.session.scalar(select(Member).where(Member.email_index == index))
    if member is None:
        raise click.ClickException("Nobody has this address.")
    forget(member, now())
    end_all(member, Ended.SECOND_STEP, now())
    audit.record(Action.SECOND_STEP_REMOVED, None, member=member.id)
    db.session.commit()
    click.echo("Done. The member signs in with the password, and sets a second step up where one is required.")


@click.command("demo-code")
def demo_code() -> None:
    """The code that the demo's admin signs in with now, as an authenticator app would show it."""
    if not parts().settings.demo_secret:
        raise click.ClickException("DEMO_SECRET is not set: the demo's second step is made from it.")
    click.echo(pyotp.TOTP(totp_secret(ADMIN_EMAIL)).at(now()))
