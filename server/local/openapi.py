"""`python -m server.local.openapi`: openapi.yaml as the routes say it, with no database and no settings of a clinic."""

import sys

from server.api.description import openapi_yaml
from server.app import create_app
from server.settings import Settings

# Nothing is connected to and nothing is signed: the description does not depend on any of these.
NOWHERE = {
    "DATABASE_URL": "postgresql://nobody@nowhere/nothing",
    "SECRET_KEY": "no-cookie-is-signed-with-this-one",  # nosec B105  # no secret
    "JWT_SECRET_KEY": "and-no-token-either-only-described",  # nosec B105  # no secret
    "DATA_KEYS": f"none:{'A' * 43}=",
    "AUDIT_KEYS": "none:and-no-event-either-is-audited-here",
    "BASE_URL": "http://127.0.0.1:8000",
    "SMTP_HOST": "127.0.0.1",
    "SMTP_SECURITY": "none",
    "MAIL_FROM": "nobody@nowhere.invalid",
}


def main() -> None:
    with create_app(Settings.from_env(NOWHERE)).app_context():
        sys.stdout.write(openapi_yaml())


if __name__ == "__main__":
    main()
