"""The operating-system account that PostgreSQL runs as: ours, or `nobody` when we are root.

PostgreSQL refuses to run as root. `setpriv` starts it as `nobody` instead; where root's own folders are in
the way it also hands over the one capability that lets a program pass through folders, so that nobody
has to open theirs.
"""

import os
import pwd
import shutil
import stat
import subprocess  # nosec B404  # starting programs is its work
from dataclasses import dataclass
from pathlib import Path

from server.local.errors import LocalError

UNPRIVILEGED = "nobody"
# The first lets a program read and pass everywhere, the second also write: many containers have only that.
CAPABILITIES = ("dac_read_search", "dac_override")


@dataclass(frozen=True)
class Account:
    """Who PostgreSQL is to the operating system, and the words to put before its command line."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    def can_pass(self, path: Path) -> bool:
        """Whether the permission bits alone let this account reach (and execute) the path."""
        return not self.prefix or all(self._has_x(place) for place in (path, *path.parents))

    def _has_x(self, place: Path) -> bool:
        status = place.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)

    def own(self, path: Path) -> None:
        """Give a file or folder that we just made to the account."""
        if self.prefix:
            os.chown(path, self.uid, self.gid)

    def check_owner(self, folder: Path) -> None:
        owner = folder.stat().st_uid
        if owner != self.uid:
            raise LocalError(
                f"{folder} belongs to {user_name(owner)}, but PostgreSQL would run as {user_name(self.uid)}"
                f" (you are {user_name(os.geteuid())}). Run this as whoever made the folder, or remove it."
            )


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def account_for(folder: Path) -> Account:
    """The account for a cluster that lives in this folder, which exists."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise LocalError("PostgreSQL refuses to run as root, and there is no setpriv here: run as an ordinary user.")
    nobody = pwd.getpwnam(UNPRIVILEGED)
    prefix = (setpriv, "--reuid", str(nobody.pw_uid), "--regid", str(nobody.pw_gid), "--clear-groups")
    plain = Account(nobody.pw_uid, nobody.pw_gid, (*prefix, "--pdeathsig", "INT"))
    if plain.can_pass(folder):
        return plain
    return _with_capability(plain, folder)


def _with_capability(plain: Account, folder: Path) -> Account:
    for name in CAPABILITIES:
        words = ("--inh-caps", f"+{name}", "--ambient-caps", f"+{name}")
        account = Account(plain.uid, plain.gid, (*plain.prefix, *words))
        # `ls` looks with the capability in force; `test -x` asks as if there were none.
        probe = subprocess.run([*account.prefix, "ls", "-d", f"{folder}/."], capture_output=True, cwd="/", check=False)  # nosec B603  # no shell, and a command line of our own
        if probe.returncode == 0:
            return account
    raise LocalError(
        f"As root, PostgreSQL runs as {UNPRIVILEGED}, who may not enter {folder}, and this machine does not"
        " let root hand that right over. Run this as an ordinary user, or from a folder that all may enter."
    )
