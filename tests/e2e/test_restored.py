"""R13: backup under load, restored elsewhere: the hashes match, and the restored queue does not mail again."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event

import psycopg
from psycopg import sql

from server.app import create_app
from server.extensions import db
from server.libpq import conninfo
from server.local.install import bundled
from server.local.postgres import EmbeddedPostgres
from server.models import Patient
from server.settings import Settings
from tests.catalog import scratch_database
from tests.e2e.system import System, end, eventually, running_system
from tests.factories import check_in_body, make_actors, make_patient, new_id, tokens_of

PHONES = 3


def people(system: System) -> list[str]:
    """Who is there: Ada, whose evening is bad, Eve, who says worse, and some who just check in; their tokens."""
    app = create_app(Settings.from_env(system.environment))
    with app.app_context():
        actors = make_actors(system.now())
        patients: list[Patient] = [actors.ada, *(make_patient(actors.bob, system.now()) for _ in range(PHONES + 1))]
        tokens = [str(tokens_of(app, patient)["access_token"]) for patient in patients]
        db.session.remove()
        db.engine.dispose()
    return tokens


def check_in(system: System, token: str, **said: object) -> None:
    phone = system.browser()
    phone.token = token
    phone.call("PUT", f"/v1/check-ins/{new_id()}", check_in_body(system.now(), **said), expect=201)


@contextmanager
def load(system: System, tokens: list[str]) -> Iterator[list[int]]:
    """Meanwhile each of them checks in again and again; how often it was answered."""
    over, counts = Event(), [0] * len(tokens)

    def keep_on(number: int) -> None:
        while not over.is_set():
            check_in(system, tokens[number])
            counts[number] += 1

    with ThreadPoolExecutor(len(tokens)) as phones:
        working = [phones.submit(keep_on, number) for number in range(len(tokens))]
        try:
            eventually(lambda: all(counts), "each has checked in")
            yield counts
        finally:
            over.set()
            for one in working:
                one.result()


def program(name: str, database_url: str, *words: str) -> None:
    """Of PostgreSQL's own, as the owner."""
    subprocess.run([bundled() / "bin" / name, f"--dbname={conninfo(database_url)}", *words], check=True)


def hashes(connection: psycopg.Connection) -> dict[str, str]:
    """Of every row of every table, as this transaction sees them."""
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    asked = sql.SQL("SELECT coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text)), '') FROM {} t")
    return {
        name: connection.execute(asked.format(sql.Identifier(name))).fetchall()[0][0] for (name,) in tables.fetchall()
    }


def backed_up(system: System, file: Path) -> dict[str, str]:
    """What the dump holds: both look at one snapshot, while everything goes on."""
    with psycopg.connect(conninfo(system.database_url)) as watching:
        watching.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        ((snapshot,),) = watching.execute("SELECT pg_export_snapshot()").fetchall()
        program("pg_dump", system.database_url, "--format=custom", f"--snapshot={snapshot}", f"--file={file}")
        return hashes(watching)


@contextmanager
def restored(system: System, migrated: EmbeddedPostgres, file: Path) -> Iterator[System]:
    """The same programs on a new database made of the backup; none of them runs yet."""
    with scratch_database(migrated, "elsewhere") as there:
        with psycopg.connect(conninfo(system.superuser_url), autocommit=True) as superuser:
            superuser.execute("REVOKE ALL ON DATABASE elsewhere FROM PUBLIC")
        program("pg_restore", there.migration_database_url, "--single-transaction", str(file))
        urls = {"DATABASE_URL": there.database_url, "MIGRATION_DATABASE_URL": there.migration_database_url}
        again = replace(
            system, database_url=there.migration_database_url, environment=system.environment | urls, processes={}
        )
        try:
            yield again
        finally:
            again.close()
            end(again.processes.values())


def test_a_backup_under_load_is_restored_and_mails_nothing_again(tmp_path: Path, migrated: EmbeddedPostgres) -> None:
    with running_system(tmp_path, migrated=migrated) as system:
        ada, eve, *others = people(system)
        system.mailbox.answer = "451 try again later"
        check_in(system, ada, craving=9.5)
        check_in(system, eve, self_harm_thoughts="yes")
        eventually(lambda: len(_refused(system)) == 2, "both mails were tried")
        with load(system, others) as counts:
            before = sum(counts)
            held = backed_up(system, tmp_path / "backup")
            eventually(lambda: sum(counts) > before, "it went on meanwhile")
        taken = system.now()
        # The life of the first one goes on: its mails go, and then it is lost.
        system.mailbox.answer = "250 OK"
        system.shift(minutes=2)
        eventually(system.nothing_is_due, "what waited has gone")
        sent = [str(mail["Message-ID"]) for mail in system.mailbox.messages]
        assert len(sent) == len(set(sent)) == 2
        end(system.processes.values())
        system.processes.clear()

        with restored(system, migrated, tmp_path / "backup") as again:
            with psycopg.connect(conninfo(again.database_url)) as connection:
                assert hashes(connection) == held
            assert len(_refused(again)) == 2
            again.command("after-restore", "--taken", taken.isoformat())
            for name in ("web", "worker", "scheduler"):
                again.start(name)
            eventually(lambda: again.browser().answers("/readyz"), "the restored one serves")
            check_in(again, others[0], craving=9.5)
            again.shift(minutes=5)
            alerts = "SELECT 1 FROM alert_email WHERE state = 'sent'"
            eventually(lambda: again.nothing_is_due() and len(again.query(alerts)) >= 2, "it works")
            end(again.processes.values())
            again.processes.clear()
            # What was found since, and the urgent one anew, by a mail of its own; nothing that had gone.
            new = [mail for mail in system.mailbox.messages if mail["Message-ID"] not in sent]
            assert len(system.mailbox.messages) == len(sent) + len(new) == 4
            told = again.query("SELECT kind, severity FROM alert_event e JOIN alert_email m ON m.event_id = e.id"
                               " WHERE m.state = 'sent' ORDER BY kind")  # fmt: skip
            assert told == [("raised", "prompt"), ("restored", "urgent")]
            assert again.query("SELECT withheld_why FROM alert_email WHERE state = 'withheld'") == [("restored",)] * 2


def _refused(system: System) -> list[tuple[object, ...]]:
    return system.query("SELECT id FROM alert_email WHERE state = 'queued' AND attempts > 0")
