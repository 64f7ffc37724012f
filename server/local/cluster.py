"""A cluster's folder: making it, checking it, and ending a server that outlived its starter."""

import os
import shutil
import signal
import subprocess  # nosec B404  # starting programs is its work
import time
from pathlib import Path

from server.local.account import Account
from server.local.errors import LocalError
from server.local.files import sync_folder
from server.local.install import major_version

# Nothing of ours reaches PostgreSQL's programs: no PG* variable, no locale, no secret.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"} | {
    name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ
}
HBA = "# The socket is the only way in, and everybody shows a password.\nlocal all all scram-sha-256\n"
# Case and letters beyond ASCII; the second is what every system has.
LOCALES = ("C.UTF-8", "C")
ORPHAN_SECONDS = 60.0


def make(folder: Path, install: Path, account: Account, password_file: Path, *, durable: bool) -> None:
    """initdb beside the folder, then a rename: killed at any moment, it leaves no half of a cluster."""
    staging = folder.with_name(f"{folder.name}.new")
    for locale in LOCALES:
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        account.own(staging)
        words: list[str | Path] = [
            "-D",
            staging,
            "-U",
            "postgres",
            "-E",
            "UTF8",
            f"--locale={locale}",
            "--lc-messages=C",
        ]
        words += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--data-checksums"]
        words += [] if durable else ["--no-sync"]
        made = run_program(account, install, "initdb", *words)
        if made.returncode == 0:
            break
    else:
        shutil.rmtree(staging, ignore_errors=True)
        raise LocalError(f"initdb failed in {folder}:\n{made.stderr.strip() or made.stdout.strip()}")
    (staging / "pg_hba.conf").write_text(HBA)
    staging.rename(folder)
    sync_folder(folder.parent)


def check(folder: Path, install: Path) -> None:
    """Refuse what is not a cluster of this major version."""
    version = folder / "PG_VERSION"
    if not version.exists():
        raise LocalError(f"{folder} is not a PostgreSQL cluster. Remove it, and the next start makes one.")
    found, ours = version.read_text().strip(), major_version(install)
    if found != ours:
        raise LocalError(
            f"{folder} was made by PostgreSQL {found}, and this is {ours}. Dump it with the old version and"
            " load it into a new folder, or remove it."
        )


def set_superuser_password(folder: Path, install: Path, account: Account, password: str) -> None:
    """With the server down. For a cluster whose passwords were lost."""
    line = f"ALTER ROLE postgres PASSWORD '{password}';\n"
    done = run_program(account, install, "postgres", "--single", "-D", folder, "postgres", given=line)
    if done.returncode != 0:
        raise LocalError(f"PostgreSQL did not take a new password in {folder}:\n{done.stderr.strip()}")


def run_program(
    account: Account, install: Path, name: str, *words: str | Path, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # nosec B603  # no shell, and a command line of our own
        [*account.prefix, install / "bin" / name, *words],
        input=given, capture_output=True, text=True, errors="replace", cwd="/", env=ENVIRONMENT, check=False,
    )  # fmt: skip


def end_orphan(folder: Path) -> None:
    """Stop the server that a killed starter left on this folder, and forget one that is long gone.

    The number in a stale postmaster.pid may by now be any program's, often after a reboot: PostgreSQL would
    refuse to start because of it.
    """
    pid_file = folder / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return
    if is_postmaster(pid, folder):
        os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + ORPHAN_SECONDS
    while is_postmaster(pid, folder):
        if time.monotonic() > deadline:
            raise LocalError(f"PostgreSQL (process {pid}) still runs on {folder} and does not stop.")
        time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def is_postmaster(pid: int, folder: Path) -> bool:
    """Whether the process is a server on this very folder; a zombie has no command line and is not."""
    if Path("/proc/self/cmdline").exists():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
        return os.fsencode(folder) in words
    said = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)  # nosec B603, B607  # no shell
    return os.fsencode(folder) in said.stdout
