"""Requests as bytes, made before anything is timed; the same ones for every system."""

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

OPERATIONS = ("put", "today", "sync")
ITEMS = 100  # check-ins of one sync
ZONE = "America/New_York"


def check_in(at: datetime, craving: int) -> dict[str, object]:
    return {
        "recorded_at": at.isoformat(),
        "zone": ZONE,
        "form_version": "1",
        "craving": craving % 11,
        "mood": 10 - craving % 11,
        "used": "no",
        "triggers": ["stress"],
    }


def _request(method: str, path: str, token: str, body: object = None) -> bytes:
    said = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    if said:
        head += f"Content-Type: application/json\r\nContent-Length: {len(said)}\r\n"
    return head.encode() + b"\r\n" + said


def _puts(tokens: Sequence[str], at: datetime) -> Iterator[bytes]:
    """Each phone's one check-in of the day."""
    for number, token in enumerate(tokens):
        yield _request("PUT", f"/v1/check-ins/{uuid.uuid4()}", token, check_in(at, number))


def _todays(tokens: Sequence[str]) -> Iterator[bytes]:
    ready = [_request("GET", "/v1/today", token) for token in tokens[:200]]
    while True:
        yield from ready


def _syncs(tokens: Sequence[str], at: datetime) -> Iterator[bytes]:
    """What a phone kept while it was away: three a day for a month, and some."""
    for token in tokens:
        items = [
            {"kind": "check_in", "id": str(uuid.uuid4()), "content": check_in(at - timedelta(hours=8 * number), number)}
            for number in range(ITEMS)
        ]
        yield _request("POST", "/v1/sync", token, {"items": items})


def phones(operation: str, tokens: Sequence[str], at: datetime, connections: int) -> list[Iterator[bytes]]:
    """A supply of requests for each connection, no two at once of one patient.

    What is written comes from one supply for all, each request another patient's: a server that answers some
    connections much more often than others, as one with a thread for each does, would use up a share of its own.
    """
    if operation == "today":
        return [_todays(tokens[one::connections]) for one in range(connections)]
    make = _puts if operation == "put" else _syncs
    # Made now: json.dumps in between would be the client's time, and look like the server's.
    return [iter(list(make(tokens, at)))] * connections
