"""Links to a new password, as the worker mails them."""

import asyncio
import re
from email.message import EmailMessage

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.extensions import db
from server.worker import work
from tests.mail.test_compose import part

NEW = "another battery horse"


def ask(client: FlaskClient, email: str = "bob@clinic.example") -> TestResponse:
    return client.post("/v1/password-resets", json={"email": email})


def mailed(app: Flask, outbox: list[EmailMessage]) -> str:
    """The token of the newest mail, once the worker has nothing left to do."""
    asyncio.run(work(app, 1, wait=False))
    db.session.rollback()
    (link,) = set(re.findall(r"/reset/([\w-]{43})", part(outbox[-1], "plain")))
    return str(link)


def redeem(client: FlaskClient, token: str, password: str = NEW) -> TestResponse:
    return client.post("/v1/password-resets/redeem", json={"token": token, "password": password})


def sign_in(client: FlaskClient, password: str, **said: str) -> TestResponse:
    return client.post("/v1/tokens", json={"email": "bob@clinic.example", "password": password, **said})
