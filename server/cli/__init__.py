"""`flask` commands."""

from flask import Flask

from server.cli.audit import audit_head, verify_audit
from server.cli.bounces import bounce
from server.cli.calibrate import calibrate
from server.cli.clinic import create_clinic
from server.cli.demo import demo
from server.cli.erasures import erase_again, erasures
from server.cli.explain import explain_alert
from server.cli.outages import list_outages, record_outage
from server.cli.replay import replay
from server.cli.restoring import after_restore
from server.cli.rotation import rotate_keys
from server.cli.second_factor import demo_code, reset_mfa

COMMANDS = (
    *(audit_head, verify_audit, calibrate, create_clinic, demo, explain_alert, list_outages, record_outage, replay),
    *(bounce, rotate_keys, demo_code, reset_mfa, erasures, erase_again, after_restore),
)


def register(app: Flask) -> None:
    for command in COMMANDS:
        app.cli.add_command(command)


__all__ = ["register"]
