"""`flask erasures` and `flask erase-again`: what was erased stays so after a backup of before was restored."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from io import TextIOBase

import click

from server.extensions import db
from server.scope import enter, every_clinic
from server.services import erasure


@click.command("erasures")
def erasures() -> None:
    """Print whose record was erased (ids alone), to be kept apart from the database and its backups."""
    for clinic_id in every_clinic():
        enter(clinic_id)
        for patient_id, erased_at in erasure.all_erased():
            click.echo(f"{clinic_id} {patient_id} {erased_at.isoformat()}")


@click.command("erase-again")
@click.argument("kept", type=click.File(encoding="utf-8"))
def erase_again(kept: TextIOBase) -> None:
    """Erase whoever is in the file KEPT, which erasures printed, and is here again. Restore, then this, then serve."""
    listed = list(_read(kept))
    again = 0
    for clinic_id, patient_id, erased_at in listed:
        enter(clinic_id)
        again += erasure.erase_again(patient_id, erased_at)
        db.session.commit()
    click.echo(f"Erased again: {again} of {len(listed)}.")


def _read(lines: Iterable[str]) -> Iterable[tuple[uuid.UUID, uuid.UUID, datetime]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            clinic_id, patient_id, erased_at = line.split()
            yield uuid.UUID(clinic_id), uuid.UUID(patient_id), datetime.fromisoformat(erased_at)
        except ValueError as error:
            raise click.ClickException(f"Line {number} is not one that erasures printed.") from error
