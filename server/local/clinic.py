"""The database and the environment that `run` and `exec` share."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from server.libpq import conninfo
from server.local.children import ending, run_step
from server.local.commands import Argv
from server.local.environment import clinic_environment, kept_secrets, open_metrics, write_environment
from server.local.errors import LocalError
from server.local.ports import Ports
from server.local.postgres import EmbeddedPostgres
from server.local.roles import APP, OWNER
from server.local.terminal import StopSignals, say

# Both commands hold it: two programs never run one cluster.
LOCK = "run.lock"
ENVIRONMENT = "local.env"
MIGRATIONS = Path("migrations/versions")


@dataclass(frozen=True)
class Clinic:
    """`postgres` is None when DATABASE_URL names a database of the developer's own."""

    postgres: EmbeddedPostgres | None
    environ: Mapping[str, str]


@contextlib.contextmanager
def open_clinic(
    var: Path, environ: Mapping[str, str], ports: Ports, migrate: Argv, stop: StopSignals
) -> Iterator[Clinic]:
    """A migrated database, for as long as the block lasts; local.env says so to other commands."""
    env_file = var / ENVIRONMENT
    env_file.unlink(missing_ok=True)
    made_secrets = kept_secrets(var / "secrets.json")
    postgres = None if environ.get("DATABASE_URL") else EmbeddedPostgres(var / "postgres")
    try:
        if postgres is not None:
            postgres.start()
        stop.check()
        ours = clinic_environment(ports, made_secrets, *_urls(postgres, environ), open_metrics(var / "metrics"))
        clinic = Clinic(postgres, {**environ, **ours})
        if not is_migrated(ours["MIGRATION_DATABASE_URL"], MIGRATIONS):
            quiet_step("The migrations", migrate, clinic.environ, stop.sleep)
        write_environment(env_file, ours)
        yield clinic
    finally:
        env_file.unlink(missing_ok=True)
        if postgres is not None:
            postgres.stop()


def is_migrated(database_url: str, versions: Path) -> bool:
    """Whether the newest migration, by its file's number, has run: to ask is much quicker than to migrate again."""
    newest = max((script.name.partition("_")[0] for script in versions.glob("*.py")), default=None)
    try:
        with psycopg.connect(conninfo(database_url)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.OperationalError):
        # Nothing there yet, or no way in: then the migrations themselves say why.
        return False
    return row is not None and row[0] == newest


def _urls(postgres: EmbeddedPostgres | None, environ: Mapping[str, str]) -> tuple[str, str]:
    """What the app connects to, and what the migrations connect to."""
    if postgres is not None:
        return postgres.url(APP), postgres.url(OWNER)
    database_url = environ["DATABASE_URL"]
    return database_url, environ.get("MIGRATION_DATABASE_URL") or database_url


def quiet_step(name: str, argv: Argv, environ: Mapping[str, str], sleep: Callable[[float], None]) -> None:
    """Run a step whose output matters only when it fails."""
    with tempfile.TemporaryFile() as output:
        code = run_step(argv, environ, output, sleep)
        if code != 0:
            output.seek(0)
            say(output.read().decode(errors="replace").rstrip())
            raise LocalError(f"{name} {ending(code)}.")
