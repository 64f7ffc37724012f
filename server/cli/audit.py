"""`flask audit-head` and `flask verify-audit`: where each clinic's audit ends, and whether it is whole."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from io import TextIOBase

import click
from tqdm import tqdm

from server.errors import DomainError
from server.services import chains, clinics
from server.services.chains import Head


@click.command("audit-head")
def audit_head() -> None:
    """Print where each clinic's audit ends, to be kept where nobody who runs the database can change it."""
    for head in chains.heads():
        click.echo(head)


@click.command("verify-audit")
@click.option(
    "--head", "kept", type=click.File(encoding="utf-8"), multiple=True,
    help="What audit-head printed earlier; more than one are taken.",
)  # fmt: skip
@click.pass_context
def verify_audit(context: click.Context, kept: Sequence[TextIOBase]) -> None:
    """Verify every clinic's audit; exit with 1 at an event that was altered, removed, moved or cut off."""
    exported = _exported(kept)
    try:
        here = clinics.those_here()
    except DomainError as error:
        raise click.ClickException(error.detail) from error
    ends = {head.clinic_id: head for head in chains.heads()}
    broken = {}
    with tqdm(total=sum(head.seq for head in ends.values()), desc="Audit", unit="event") as progress:
        for clinic_id in [*here, *(exported.keys() - set(here))]:
            broken[clinic_id] = chains.verify(clinic_id, exported[clinic_id], progress.update)
    for clinic_id, found in broken.items():
        if found:
            click.echo(f"Clinic {clinic_id}: event {found.seq} {found.why}.")
    if any(broken.values()):
        context.exit(1)
    click.echo(f"Whole: {progress.n} events of {len(ends)} clinics.")


def _exported(kept: Sequence[TextIOBase]) -> dict[uuid.UUID, list[Head]]:
    """By clinic. A file without any is no good one: audit-head failed on that day, and nothing would be compared."""
    heads: dict[uuid.UUID, list[Head]] = defaultdict(list)
    for number, file in enumerate(kept, start=1):
        found = list(_read(file))
        if not found:
            raise click.ClickException(f"Of what --head names, file {number} holds no line that audit-head printed.")
        for head in found:
            heads[head.clinic_id].append(head)
    return heads


def _read(lines: Iterable[str]) -> Iterable[Head]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            clinic_id, seq, link, at = line.split()
            yield Head(uuid.UUID(clinic_id), int(seq), bytes.fromhex(link), datetime.fromisoformat(at))
        except ValueError as error:
            raise click.ClickException(f"Line {number} is not one that audit-head printed.") from error
