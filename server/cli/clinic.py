"""`flask create-clinic`: a clinic and its first admin, who makes the other accounts through the API."""

import click
from marshmallow import ValidationError

from server.errors import DomainError
from server.extensions import db, now
from server.models import Role
from server.schemas.patients import MemberIn
from server.services import clinics


@click.command("create-clinic")
@click.option("--name", required=True, help="The clinic's name.")
@click.option("--zone", required=True, help="Its IANA time zone, such as America/New_York.")
@click.option("--admin-name", required=True)
@click.option("--admin-email", required=True)
@click.option("--admin-password", envvar="ADMIN_PASSWORD", help="Asked for, or from ADMIN_PASSWORD.")
def create_clinic(name: str, zone: str, admin_name: str, admin_email: str, admin_password: str | None) -> None:
    """Create a clinic and its first admin."""
    said = {"role": str(Role.ADMIN), "name": admin_name, "email": admin_email}
    try:
        # Whatever can be wrong without a password, before one is thought up and typed twice.
        clinics.check_zone(zone)
        MemberIn(exclude=["password"]).load(said)
        said["password"] = admin_password or _asked_for()
        clinic = clinics.create_clinic(name, zone, now())
        clinics.add_member(clinic.id, **MemberIn().load(said), now=now())
    except ValidationError as error:
        db.session.rollback()
        wrong = ", ".join(f"admin {field}: {' '.join(why)}" for field, why in error.messages_dict.items())
        raise click.ClickException(wrong) from error
    except DomainError as error:
        db.session.rollback()
        raise click.ClickException(error.detail) from error
    db.session.commit()
    click.echo(f"{name} is ready; {admin_email} can sign in, and sets up a second step first, at /sign-in.")


def _asked_for() -> str:
    asked: str = click.prompt("Admin password", hide_input=True, confirmation_prompt=True)
    return asked
