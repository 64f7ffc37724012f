"""`python -m tests.advisories`: is anything that the lock files pin known to be vulnerable? Or can nobody tell?

tests/requirements.txt holds all that the other two do, at the same versions (`make lock`).
"""

import json
import subprocess
import sys
from typing import Any

LOCK = "tests/requirements.txt"
# PyPI's own answers first; where only a mirror of its files is to be had, the database behind them.
SERVICES = ("pypi", "osv")
TIMEOUT_SECONDS = 10


def asked(service: str) -> list[dict[str, Any]]:
    """What pip-audit says of each package; nothing when the service cannot be reached."""
    command = (
        "pip_audit",
        "--disable-pip",
        "--require-hashes",
        "--requirement",
        LOCK,
        "--vulnerability-service",
        service,
    )
    options = ("--format", "json", "--progress-spinner", "off", "--timeout", str(TIMEOUT_SECONDS))
    ended = subprocess.run([sys.executable, "-m", *command, *options], capture_output=True, text=True, check=False)
    try:
        return list(json.loads(ended.stdout)["dependencies"])
    except (ValueError, KeyError):
        return []


def verdict(packages: list[dict[str, Any]]) -> tuple[int, str]:
    """The exit code and what to say. A package that the service did not know was not checked."""
    vulnerable = [
        f"  {package['name']} {package['version']}: {found['id']}, mended in {found['fix_versions'] or 'none'}"
        for package in packages
        for found in package.get("vulns", ())
    ]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if vulnerable:
        return 1, "Known vulnerabilities:\n" + "\n".join(vulnerable)
    if not packages or len(unknown) == len(packages):
        return 0, "NOT CHECKED for known vulnerabilities: no advisory service answers from here."
    if unknown:
        return 0, f"NOT CHECKED for known vulnerabilities: {', '.join(unknown)}. Nothing is known of the others."
    return 0, f"None of the {len(packages)} pinned packages has a known vulnerability."


def main() -> int:
    code, said = 0, ""
    for service in SERVICES:
        code, said = verdict(asked(service))
        if "NOT CHECKED" not in said:
            break
    print(said)
    return code


if __name__ == "__main__":
    sys.exit(main())
