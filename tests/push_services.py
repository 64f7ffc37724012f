"""Push services in this process, which speak their protocols and believe nothing that they are told."""

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import parse_qs

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from server.push import Subscription
from tests.factories import CONTACT, VAPID

S = TypeVar("S", bound="Service")
_RSA = rsa.generate_private_key(65537, 2048)


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Browser:
    """A subscription, and the private half that opens what is sent to it."""

    def __init__(self, endpoint: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = bytes(range(16))
        self.subscription = Subscription(endpoint, base64url(self.point), base64url(self.auth))

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def opened(self, sealed: bytes) -> dict[str, str]:
        said: dict[str, str] = json.loads(
            http_ece.decrypt(sealed, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        )
        return said

    def body(self) -> dict[str, Any]:
        """As the app sends it to us."""
        said = self.subscription
        return {"kind": "web_push", "endpoint": said.endpoint, "keys": {"p256dh": said.p256dh, "auth": said.auth}}


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Service:
    """Answers what it is told to, each answer once and the last one for ever; keeps what came."""

    port: int = 0
    scheme: str = "http"
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=lambda: [(201, {}, b"")])
    tokens: list[tuple[int, dict[str, str], bytes]] = field(
        default_factory=lambda: [(200, {}, b'{"access_token": "ya29.one", "expires_in": 3599}')]
    )
    received: list[Request] = field(default_factory=list)
    asked: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        is_token = request.path == "/token"
        (self.asked if is_token else self.received).append(request)
        answers = self.tokens if is_token else self.answers
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def settings(self) -> dict[str, str]:
        """What makes both transports speak to it."""
        return {
            "VAPID_PRIVATE_KEY": VAPID,
            "VAPID_SUBJECT": CONTACT,
            "FCM_CREDENTIALS": json.dumps(self.account()),
            "FCM_URL": self.url,
            "PUSH_SERVICES": f"127.0.0.1:{self.port}",
        }

    def account(self) -> dict[str, str]:
        pem = _RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {
            "type": "service_account",
            "project_id": "clinic-7",
            "private_key_id": "k1",
            "private_key": pem,
            "client_email": "push@clinic-7.iam.gserviceaccount.com",
            "token_uri": f"{self.url}/token",
        }

    def claims_of_token_request(self, request: Request, at: datetime) -> dict[str, Any]:
        """RFC 7523, as Google checks it; fails when the signature is not the account's."""
        form = parse_qs(request.body.decode())
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        (assertion,) = form["assertion"]
        assert jwt.get_unverified_header(assertion) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
        return verified(assertion, _RSA.public_key(), "RS256", f"{self.url}/token", at)

    def claims_of_vapid(self, request: Request, public: str, at: datetime) -> dict[str, Any]:
        """RFC 8292, as a push service checks it; fails unless it is signed by the key that the browser knows."""
        scheme, _, said = request.headers["authorization"].partition(" ")
        assert scheme == "vapid"
        parts = dict(part.strip().split("=", 1) for part in said.split(","))
        assert parts["k"] == public
        point = base64.urlsafe_b64decode(parts["k"] + "==")
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        return verified(parts["t"], key, "ES256", self.url, at)


def verified(token: str, key: Any, algorithm: str, audience: str, at: datetime) -> dict[str, Any]:
    """By the clock of the test."""
    options: Any = {"verify_exp": False, "verify_iat": False}
    claims: dict[str, Any] = jwt.decode(token, key, [algorithm], options, audience=audience)
    assert datetime.fromtimestamp(claims["exp"], UTC) > at
    return claims


@contextmanager
def listening(service: S, tls: ssl.SSLContext | None = None) -> Iterator[S]:
    class Answering(BaseHTTPRequestHandler):
        def handle(self) -> None:
            # A client that trusts nobody here hangs up.
            with suppress(ssl.SSLError):
                super().handle()

        def do_POST(self) -> None:  # http.server's own name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more, said = service.answer(Request(self.path, headers, body))
            self.send_response(status)
            for name, value in {**more, "Content-Length": str(len(said))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            """Not into the run's output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
            service.scheme = "https"
        service.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
