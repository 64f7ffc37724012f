"""What `make run` prints once everything answers."""

from server.local.ports import Ports

MOST_PATIENTS = 2


def welcome(ports: Ports, accounts: list[dict[str, str]]) -> str:
    patients = [account for account in accounts if account["role"] == "patient"]
    shown = [account for account in accounts if account["role"] != "patient"] + patients[:MOST_PATIENTS]
    rows = [(_name(account), account["role"], account["password"]) for account in shown]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    table = [f"  {name:<{widths[0]}}  {role:<{widths[1]}}  {password}" for name, role, password in rows]
    more = len(patients) - MOST_PATIENTS
    return "\n".join(
        [
            "",
            f"Interlude runs at  {ports.base_url}",
            f"Mailbox            {ports.mailbox_url}  (no mail leaves this machine)",
            "",
            "Who can sign in:",
            *table,
            *([f"  and {more} more patients in var/demo.json"] if more > 0 else []),
            "",
            "Three things to try:",
            "  1. Sign in as a clinician and look at who got worse.",
            "  2. Open the newest alert in the mailbox and follow its link.",
            "  3. Sign in as a patient and send a check-in.",
            "",
            "Ctrl-C stops everything; nothing is lost.",
        ]
    )


def _name(account: dict[str, str]) -> str:
    return account.get("email") or account.get("code") or "?"
