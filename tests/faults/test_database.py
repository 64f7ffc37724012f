"""R6: the database ends under load, and comes back."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import islice
from threading import Event
from urllib.parse import urlsplit

from tests.e2e.system import eventually
from tests.factories import bearer, check_in_body, new_id
from tests.faults.people import mails_are_known, told_of
from tests.faults.system import LOST, Faulty, Phone


@dataclass
class Load:
    """What a phone said until it was told to stop, and what it was answered."""

    stored: set[str] = field(default_factory=set)
    refused: list[tuple[int, str | None]] = field(default_factory=list)
    """Status and Retry-After."""
    unanswered: int = 0


def test_a_database_that_ends_under_load_loses_nothing_that_was_acknowledged(
    system: Faulty, waiting_phones: Iterator[Phone], long: bool
) -> None:
    caseload = list(islice(waiting_phones, 4))
    loads, over = [Load() for _ in caseload], Event()
    with ThreadPoolExecutor(len(caseload)) as pool:
        try:
            for phone, load in zip(caseload, loads, strict=True):
                pool.submit(_report, system, phone, load, over)
            for number in range(5 if long else 1):
                _end_and_restart(system, loads, signal.SIGINT if number % 2 else signal.SIGQUIT)
        finally:
            over.set()
    _is_whole(system, caseload, loads)


def _end_and_restart(system: Faulty, loads: list[Load], how: int) -> None:
    before = [len(load.stored) for load in loads]
    eventually(lambda: all(len(load.stored) > was for load, was in zip(loads, before, strict=True)), "there is load")
    refused = sum(len(load.refused) for load in loads)
    child = system.postgres._child
    assert child is not None
    child.send_signal(how)
    eventually(lambda: sum(len(load.refused) for load in loads) > refused + len(loads), "phones are told to wait")
    child.wait(60)
    system.postgres.start()
    back = [len(load.stored) for load in loads]
    eventually(lambda: all(len(load.stored) > was for load, was in zip(loads, back, strict=True)), "they are heard")


def _is_whole(system: Faulty, caseload: list[Phone], loads: list[Load]) -> None:
    for phone, load in zip(caseload, loads, strict=True):
        stored = {
            str(one) for (one,) in system.query("SELECT id FROM check_in WHERE patient_id = %s", phone.patient_id)
        }
        assert load.stored <= stored
        # Told to wait, and for how long; nothing else, and no broken line.
        assert set(load.refused) <= {(503, "5")}
        assert load.unanswered == 0
    system.shift(seconds=LOST.total_seconds())
    system.end_leases()
    system.settles()
    for phone in caseload:
        told = told_of(system, phone)
        assert (told.alerts, set(told.emails.values())) == (1, {"sent"})
    assert system.query("SELECT count(*) FROM watch WHERE failures > 0") == [(0,)]
    assert mails_are_known(system)


def _report(system: Faulty, phone: Phone, load: Load, over: Event) -> None:
    """One check-in after the other, each until it is stored."""
    phone.refresh()
    headers = {"Content-Type": "application/json", **bearer(str(phone.browser.token))}
    while not over.is_set():
        check_in_id, body = new_id(), check_in_body(system.now(), craving=9.5)
        while not over.is_set():
            status, wait = _put(urlsplit(system.base_url).netloc, check_in_id, body, headers)
            if status in (200, 201):
                load.stored.add(check_in_id)
                break
            if status:
                load.refused.append((status, wait))
            else:
                load.unanswered += 1


def _put(netloc: str, check_in_id: str, body: dict[str, object], headers: dict[str, str]) -> tuple[int, str | None]:
    line = HTTPConnection(netloc, timeout=30)
    try:
        line.request("PUT", f"/v1/check-ins/{check_in_id}", json.dumps(body), headers)
        given = line.getresponse()
        given.read()
        return given.status, given.getheader("Retry-After")
    except (OSError, HTTPException):
        return 0, None
    finally:
        line.close()
