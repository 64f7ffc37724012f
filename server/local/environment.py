"""What the programs of a local clinic are told, and the secrets it makes for itself on first start."""

import base64
import json
import os
import pwd
import secrets
import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from server.local.account import UNPRIVILEGED, user_name
from server.local.errors import LocalError
from server.local.files import write_private
from server.local.ports import HOST, Ports

SECRETS: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "JWT_SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "METRICS_TOKEN": lambda: secrets.token_urlsafe(48),
    "DEMO_SECRET": lambda: secrets.token_urlsafe(48),
    "AUDIT_KEYS": lambda: f"local:{secrets.token_urlsafe(48)}",
    "DATA_KEYS": lambda: f"local:{base64.b64encode(secrets.token_bytes(32)).decode()}",
}
MAIL_FROM = "Interlude <no-reply@interlude.example>"


def open_var(var: Path) -> None:
    """Make the folder that everything is written below, closed to other users.

    Run by root, its group is that of the account that PostgreSQL runs as, which may pass through to its own
    folder and not look around: otherwise it would need a capability that opens every folder there is.
    """
    try:
        var.mkdir(mode=0o700, exist_ok=True)
        owner = var.stat().st_uid
        if owner != os.geteuid():
            raise LocalError(
                f"{var} belongs to {user_name(owner)} and you are {user_name(os.geteuid())}."
                " Run this as its owner, or remove it."
            )
        if owner == 0:
            os.chown(var, -1, pwd.getpwnam(UNPRIVILEGED).pw_gid)
        var.chmod(0o710 if owner == 0 else 0o700)
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise LocalError(f"Cannot use the folder {var}: {error.strerror}.") from None


def kept_secrets(path: Path) -> dict[str, str]:
    """The secrets in this file; what is missing is made and written first."""
    try:
        kept = {str(name): str(value) for name, value in json.loads(path.read_text()).items()}
    except FileNotFoundError:
        kept = {}
    except (ValueError, AttributeError):
        raise LocalError(f"{path} is not a JSON object. Repair it: it has the keys of the notes beside it.") from None
    missing = [name for name in SECRETS if not kept.get(name)]
    if missing:
        kept |= {name: SECRETS[name]() for name in missing}
        write_private(path, json.dumps(kept, indent=2) + "\n")
    return {name: kept[name] for name in SECRETS}


def clinic_environment(
    ports: Ports, made_secrets: Mapping[str, str], database_url: str, migration_url: str, metrics: Path
) -> dict[str, str]:
    """Every variable that we set. Optional settings reach the children from our own environment."""
    return {
        **made_secrets,
        "PORT": str(ports.web),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "BASE_URL": ports.base_url,
        "DATABASE_URL": database_url,
        "MIGRATION_DATABASE_URL": migration_url,
        "SMTP_HOST": HOST,
        "SMTP_PORT": str(ports.smtp),
        "SMTP_SECURITY": "none",
        # A password for a real mail server is not for the mailbox.
        "SMTP_USERNAME": "",
        "SMTP_PASSWORD": "",  # nosec B105  # no secret
        "MAIL_FROM": MAIL_FROM,
        # Whoever tries it out wants to see it happen.
        "TICK_SECONDS": os.environ.get("TICK_SECONDS") or "3",
        "LOG_FORMAT": os.environ.get("LOG_FORMAT") or "console",
        "PYTHONUNBUFFERED": "1",
    }


def open_metrics(folder: Path) -> Path:
    """Empty: what the processes of before have measured is over."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder.absolute()


def write_environment(path: Path, environment: Mapping[str, str]) -> None:
    write_private(path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in environment.items()))


def read_environment(path: Path) -> dict[str, str]:
    pairs = (word.partition("=") for word in shlex.split(path.read_text()))
    return {name: value for name, _, value in pairs}
