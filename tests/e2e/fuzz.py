"""schemathesis against the running server from openapi.yaml, as each role (`make fuzz`)."""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from server.app import create_app
from server.extensions import db
from server.settings import Settings
from tests.attacks.things import make_things
from tests.e2e.system import System, running_system
from tests.factories import bearer, make_actors, tokens_of

ROOT = Path(__file__).parents[2]
DESCRIPTION = ROOT / "openapi.yaml"
ROLES = {"patient": "ada", "clinician": "bob", "coordinator": "dora", "admin": "alice"}
# What ends the sign-in that it is tried with; schemathesis learns from answers which devices there are.
ENDING = {
    *("delete_tokens", "delete_tokens_current", "post_tokens_refresh", "delete_me_devices_device_id"),
    *("delete_me", "post_me_password"),
}
# Not positive_data_acceptance: much that a schema cannot say (a known zone, a time that was, a course that fits) is
# refused. Not the two about deleted and created resources: nothing is made under an address of its own but by PUT.
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"),
    *("response_headers_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method"),
    *("ignored_auth", "allow_header_conformance"),
)
# Its items are described, and refused one by one in a 200. Schemathesis can leave a check out for one operation, but
# forgets it now and then, so this one runs apart.
ITEM_BY_ITEM = "post_sync"
CASES = re.compile(r"([\d,]+) generated")


@dataclass(frozen=True, slots=True)
class Ground:
    """A server, and who may ask it."""

    system: System
    tokens: Mapping[str, str]
    known_ids: Mapping[str, str]
    email: str
    """Bob's, to sign in with."""


def prepared(system: System) -> Ground:
    app = create_app(Settings.from_env(system.environment))
    with app.app_context():
        actors = make_actors(system.now())
        things = make_things(actors, system.now())
        tokens = {role: tokens_of(app, things.people[name])["access_token"] for role, name in ROLES.items()}
        names = ("patient", "course", "session", "alert", "consent", "member", "check_in")
        known = {f"{name}_id": str(getattr(things, name)) for name in names}
        email = actors.bob.email
        db.session.remove()
        db.engine.dispose()
    return Ground(system, tokens, known, email)


@cache
def described() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text())
    return found


def operations_of(role: str) -> list[str]:
    """By their ids: what this role may call, and what everybody may."""
    paths = described()["paths"]
    all_of_them = [one for methods in paths.values() for one in methods.values() if isinstance(one, dict)]
    open_to = [one["operationId"] for one in all_of_them if role in one.get("x-roles", [role])]
    return sorted(set(open_to) - ENDING)


def fuzz(ground: Ground, role: str, examples: int, seed: int, *options: str) -> tuple[int, str]:
    """How it ended (0: nothing found), and what schemathesis says."""
    operations = operations_of(role)
    asked = ("--max-examples", str(examples), "--seed", str(seed), *options)
    code, said = _run(ground, role, [one for one in operations if one != ITEM_BY_ITEM], CHECKS, asked)
    if ITEM_BY_ITEM in operations:
        checks = [check for check in CHECKS if check != "negative_data_rejection"]
        code_apart, said_apart = _run(ground, role, [ITEM_BY_ITEM], checks, asked)
        code, said = code or code_apart, said + said_apart
    return code, said


def _run(
    ground: Ground, role: str, operations: Sequence[str], checks: Sequence[str], asked: Sequence[str]
) -> tuple[int, str]:
    headers = bearer(ground.tokens[role])
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(DESCRIPTION), "--url", ground.system.base_url),
        *("--checks", ",".join(checks), "--no-color"),
        *("--header", f"Authorization: {headers['Authorization']}", "--generation-with-security-parameters", "false"),
        *("--continue-on-failure", "--generation-database", "none", "--warnings", "off"),
        *(option for one in operations for option in ("--include-operation-id", one)),
        *asked,
    ]
    environment = ground.system.environment | {
        "SCHEMATHESIS_HOOKS": "tests.e2e.fuzz_hooks",
        "KNOWN_IDS": json.dumps(ground.known_ids),
        "PYTHONPATH": str(ROOT),
        # Where hypothesis keeps what it once computed of all of Unicode: each run would do so in its own folder.
        "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis"),
    }
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def cases_in(said: str) -> int:
    return sum(int(number.replace(",", "")) for number in CASES.findall(said))


def statuses_in(log: str) -> Counter[str]:
    """How often each status was answered, by the server's own log."""
    return Counter(re.findall(r'"status": (\d{3})', log))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="for each operation, role and phase")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--role", choices=ROLES, action="append", help="one of them alone")
    asked = parser.parse_args()
    failed, cases = False, 0
    with tempfile.TemporaryDirectory() as folder, running_system(Path(folder), names=("web",)) as system:
        ground = prepared(system)
        for role in asked.role or ROLES:
            code, said = fuzz(ground, role, asked.examples, asked.seed)
            print(f"== {role}\n{said}")
            failed, cases = failed or code != 0, cases + cases_in(said)
        answered = dict(sorted(statuses_in(system.log.read_text()).items()))
    print(f"{cases} cases, seed {asked.seed}; answered {answered}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
