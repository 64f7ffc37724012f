"""What `make run` prints once everything answers."""

import json
from typing import Any, TypeAlias

from server.local.ports import Ports

Account: TypeAlias = dict[str, Any]

MOST_PATIENTS = 2
NOBODY_FRESH = [
    "  3. Be a patient who has a bad evening: each of them has had one. Close an alert, and from tomorrow on its",
    "     patient is printed here again; or stop this, and begin anew with: make clean run",
]
SECOND_STEP = "  (an admin's sign-in asks for a code, too, as mfa_code: make flask ARGS=demo-code)"


def welcome(ports: Ports, accounts: list[Account]) -> str:
    patients = [account for account in accounts if account["role"] == "patient"]
    # What can be tried with a patient, and README tells to, works with each that is printed.
    fresh = [patient for patient in patients if patient["would_mail"]][:MOST_PATIENTS]
    shown = [account for account in accounts if account["role"] != "patient"] + fresh
    rows = [(_name(account), account["role"], account["password"]) for account in shown]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    table = [f"  {name:<{widths[0]}}  {role:<{widths[1]}}  {password}" for name, role, password in rows]
    more = len(patients) - len(fresh)
    return "\n".join(
        [
            "",
            f"Interlude runs at  {ports.base_url}",
            f"Mailbox            {ports.mailbox_url}  (no mail leaves this machine)",
            "",
            "Who can sign in:",
            *table,
            *([SECOND_STEP] if any("totp_secret" in account for account in accounts) else []),
            *([f"  and {more} more patients in var/demo.json"] if more else []),
            "",
            "Three things to try:",
            f"  1. See who got worse: {ports.base_url}/alerts, as a clinician.",
            f"  2. Follow a mail: {ports.mailbox_url}, open the newest, click, sign in as whom it is to, acknowledge.",
            *(_bad_evening(ports, fresh[0]) if fresh else NOBODY_FRESH),
            "",
            f"What is counted, and how long things wait: {ports.base_url}/metrics, with the token that is kept in var/",
            *_look_at_metrics(ports),
            f"The API with all its routes: {ports.base_url}/docs/",
            "Ctrl-C stops everything; nothing is lost.",
        ]
    )


def _bad_evening(ports: Ports, patient: Account) -> list[str]:
    """Two commands that check in with a craving of 10, ready to paste."""
    who = json.dumps({"code": patient["code"], "password": patient["password"]})
    pick = "python3 -c 'import json, sys; print(json.load(sys.stdin)[\"access_token\"])'"
    said = (
        '{"recorded_at": "\'$(date -u +%FT%TZ)\'", "zone": "' + patient["zone"] + '", "form_version": "1",'
        ' "craving": 10, "mood": 2}'
    )
    content = "-H 'Content-Type: application/json'"
    return [
        "  3. Be a patient who has a bad evening (a mail follows within seconds, once each; then take another):",
        f"     TOKEN=$(curl -s {ports.base_url}/v1/tokens {content} -d '{who}' | {pick})",
        f"     curl -s -X PUT {ports.base_url}/v1/check-ins/$(python3 -c 'import uuid; print(uuid.uuid4())') \\",
        f'       -H "Authorization: Bearer $TOKEN" {content} \\',
        f"       -d '{said}'",
    ]


def _look_at_metrics(ports: Ports) -> list[str]:
    """Not the token itself: what is printed is scrolled back to, and pasted elsewhere."""
    pick = 'python3 -c \'import json; print(json.load(open("var/secrets.json"))["METRICS_TOKEN"])\''
    return [f'     curl -s {ports.base_url}/metrics -H "Authorization: Bearer $({pick})"']


def _name(account: Account) -> str:
    return account.get("email") or account.get("code") or "?"
