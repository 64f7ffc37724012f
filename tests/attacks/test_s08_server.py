"""S8, where the transport matters: the same bodies, and worse requests, at a web server that really runs."""

import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from server.app import create_app
from server.extensions import db
from server.local.postgres import EmbeddedPostgres
from server.settings import Settings
from tests.api.bodies import unreadable
from tests.e2e.system import System, check_log, running_system
from tests.factories import CANARY, check_in_body, make_actors, new_id, signed_in

CHUNK = 7_001


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, migrated: EmbeddedPostgres) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("s08"), ("web",), migrated=migrated) as system:
        yield system


@pytest.fixture(scope="module")
def headers(system: System) -> dict[str, str]:
    """Ada's."""
    app = create_app(Settings.from_env(system.environment))
    with app.app_context():
        actors = make_actors(system.now())
        said = signed_in(app, actors.ada)
        db.session.remove()
        db.engine.dispose()
    return said


def connection(system: System) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(system.base_url.removeprefix("http://"), timeout=30)


def put(system: System, body: bytes, headers: dict[str, str], *, chunked: bool) -> tuple[int, bytes]:
    wire = connection(system)
    try:
        pieces = (body[at : at + CHUNK] for at in range(0, len(body), CHUNK))
        sent = pieces if chunked else body
        with suppress(BrokenPipeError):  # too large, it is refused before all of it is read
            wire.request("PUT", f"/v1/check-ins/{new_id()}", sent, headers, encode_chunked=chunked)
        answer = wire.getresponse()
        return answer.status, answer.read()
    finally:
        wire.close()


@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_no_body_makes_it_fall_over(system: System, headers: dict[str, str], *, chunked: bool) -> None:
    good = check_in_body(system.now(), note=CANARY)
    how = {"Transfer-Encoding": "chunked"} if chunked else {}
    for name, (body, typed) in unreadable(good):
        status, said = put(system, body, {**headers, **typed, **how}, chunked=chunked)
        assert status in {400, 413, 415, 422}, (name, status, said[:300])
        assert json.loads(said)["status"] == status, name
        assert CANARY.encode() not in said, name
    status, said = put(
        system, json.dumps(good).encode(), {**headers, "Content-Type": "application/json", **how}, chunked=chunked
    )
    assert status == 201, said


def test_a_chunked_and_gzipped_body_is_refused(system: System, headers: dict[str, str]) -> None:
    body = gzip.compress(json.dumps(check_in_body(system.now())).encode())
    typed = {"Content-Type": "application/json", "Content-Encoding": "gzip", "Transfer-Encoding": "chunked"}
    assert put(system, body, headers | typed, chunked=True)[0] == 415


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 20_000),
        b"GET /\xff\xfe%ff%00%c0%80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
        b"GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Request-ID: \xff" + b"a" * 5_000 + b"\r\n\r\n",
        b"GET /v1/check-ins?limit=%00&cursor=\xed\xa0\x80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CANARY /v1/me HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PUT /v1/check-ins/x HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        (b"POST /v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
        b"\x16\x03\x01\x00\xa5\x01\x00\x00",
        b"\0" * 2_000 + b"\r\n\r\n",
    ],
    ids=range(11),
)  # fmt: skip
def test_no_request_makes_it_fall_over(system: System, raw: bytes) -> None:
    host, port = system.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        wire.sendall(raw)
        said = b""
        with suppress(ConnectionError):  # which it may have closed already
            said = wire.recv(65536)
    status = int(said.split()[1]) if said.startswith(b"HTTP/1.1 ") else 400
    assert status < 500, said[:300]
    assert system.browser().answers("/healthz")


def test_what_it_writes_is_clean(system: System, headers: dict[str, str]) -> None:
    """One JSON object a line, and nothing of all this in it (looked at again when the system stops)."""
    body = json.dumps(check_in_body(system.now(), note=CANARY)).encode()
    typed = {"Content-Type": "application/json", "User-Agent": CANARY}
    assert put(system, body, headers | typed, chunked=False)[0] == 201
    assert put(system, body[:-1], headers | typed, chunked=False)[0] == 400
    log = system.log.read_text()
    for status in (201, 400):
        assert f'"route": "/v1/check-ins/<uuid:check_in_id>", "status": {status}' in log
    check_log(log)
