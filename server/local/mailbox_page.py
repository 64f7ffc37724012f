"""The mailbox's page: a list, one mail, and the same as JSON for tests."""

from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, render_template

from server.local.mails import Mail, find, names

MOST_SHOWN = 200
# A mail's own look is allowed, nothing that runs or that is fetched. An iframe's srcdoc inherits this.
POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:; frame-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Before the mail's own HTML: its links leave the frame.
PREAMBLE = '<!doctype html><base target="_top"><meta name="color-scheme" content="light">'


def create_page(folder: Path) -> Flask:
    app = Flask(__name__)
    # A page elsewhere that points its own name at 127.0.0.1 does not get to read the mails.
    app.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]

    @app.get("/")
    def listing() -> str:
        every = names(folder)
        mails = [mail for name in every[:MOST_SHOWN] if (mail := find(folder, name))]
        return render_template("mailbox.html", mails=mails, total=len(every))

    @app.get("/messages/<name>")
    def message(name: str) -> str:
        mail = _found(folder, name)
        return render_template("mail.html", mail=mail, document=PREAMBLE + mail.html if mail.html else "")

    @app.get("/messages/<name>.eml")
    def raw(name: str) -> Response:
        return Response(_found(folder, name).raw, mimetype="text/plain")

    @app.get("/messages.json")
    def messages() -> Response:
        return jsonify([_as_json(mail) for name in names(folder) if (mail := find(folder, name))])

    app.after_request(_protect)
    return app


def _found(folder: Path, name: str) -> Mail:
    mail = find(folder, name)
    if mail is None:
        abort(404)
    return mail


def _as_json(mail: Mail) -> dict[str, Any]:
    return {
        "name": mail.name,
        "to": mail.to,
        "subject": mail.subject,
        "received_at": mail.received_at.isoformat(),
        "text": mail.text,
    }


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
