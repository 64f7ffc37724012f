"""`flask rotate-keys`: everything sealed at rest, sealed anew under the first of DATA_KEYS."""

from typing import Any

import click
from sqlalchemy import Engine, create_engine, pool
from tqdm import tqdm

from server.extensions import keyring, parts
from server.models import Sealed
from server.sealing import KeysLost
from server.services import rotation
from server.services.keys import check_keys


@click.command("rotate-keys")
def rotate_keys() -> None:
    """Seal every stored text anew under the first of DATA_KEYS, and say which older keys may go.

    Everything may run meanwhile. Stopped halfway it has lost nothing: the next run does the rest.
    """
    # As the owner, who sees the rows of every clinic.
    engine = create_engine(parts().settings.migration_database_url, poolclass=pool.NullPool, hide_parameters=True)
    broken: list[str] = []
    try:
        with engine.begin() as connection:
            check_keys(connection, keyring())
        for column in rotation.sealed_columns():
            sealed = _rotate(engine, column, broken)
            click.echo(f"{column.table}.{column.name}: {sealed} sealed anew")
        with engine.begin() as connection:
            forgotten, needed = rotation.forget_unused(connection)
    except KeysLost as error:
        raise click.ClickException(str(error)) from error
    idle = [key_id for key_id in keyring().ids if key_id != keyring().current and key_id not in needed]
    for key_id in sorted({*forgotten, *idle}):
        click.echo(f"Nothing stored needs {key_id} any more: it may go from DATA_KEYS.")
    for key_id in needed:
        click.echo(f"{key_id} is still needed. When every process seals under {keyring().current}, run this again.")
    if broken:
        raise click.ClickException("These cannot be opened, and were left as they are:\n" + "\n".join(broken))


def _rotate(engine: Engine, column: Sealed[Any], broken: list[str]) -> int:
    """A transaction for each batch."""
    with engine.connect() as connection:
        left = rotation.count_left(connection, column)
    sealed, after = 0, None
    with tqdm(total=left, desc=f"{column.table}.{column.name}", unit="row") as progress:
        while True:
            with engine.begin() as connection:
                batch = rotation.seal_anew(connection, column, after)
            sealed, after = sealed + batch.sealed, batch.last
            broken += batch.broken
            progress.update(batch.sealed)
            if after is None:
                return sealed
