"""Web Push against a service in this process: signed as ours, sealed for the browser, and nothing else in it."""

import ssl
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import http_ece
import pytest

from server.errors import PushAddressGone, PushRefused
from server.push import Address, reminder
from server.push.sending import push
from tests.factories import CONTACT
from tests.mail.conftest import self_signed as self_signed  # noqa: PLC0414  # a fixture
from tests.push.conftest import SettingsWith
from tests.push_services import Browser, Service

NOW = datetime(2026, 5, 4, 20, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=2)


@pytest.fixture
def browser(service: Service) -> Browser:
    return Browser(f"{service.url}/send/a-long-secret-of-this-browser")


def send(to: Address, settings_with: SettingsWith, language: str = "en", **changes: str) -> None:
    push(to, reminder(language), UNTIL, settings_with(**changes), NOW)


def refusal(to: Address, settings_with: SettingsWith, **changes: str) -> PushRefused:
    with pytest.raises(PushRefused) as refused:
        send(to, settings_with, **changes)
    return refused.value


def test_the_browser_opens_it_and_the_service_knows_who_sent_it(
    service: Service, browser: Browser, settings_with: SettingsWith
) -> None:
    send(browser.subscription, settings_with)
    (request,) = service.received
    assert request.path == "/send/a-long-secret-of-this-browser"
    assert browser.opened(request.body) == {"title": "Interlude", "body": "You have a reminder."}
    key = settings_with().vapid_private_key
    assert key is not None
    claims = service.claims_of_vapid(request, key.public, NOW)
    assert claims == {"aud": service.url, "exp": int((NOW + timedelta(hours=12)).timestamp()), "sub": CONTACT}
    said = {name: request.headers[name] for name in ("ttl", "urgency", "topic", "content-encoding")}
    assert said == {"ttl": "7200", "urgency": "normal", "topic": "reminder", "content-encoding": "aes128gcm"}


def test_nobody_on_the_way_reads_it_and_no_two_are_alike(
    service: Service, browser: Browser, settings_with: SettingsWith
) -> None:
    for _ in range(2):
        send(browser.subscription, settings_with)
    first, second = (request.body for request in service.received)
    assert first != second
    assert b"reminder" not in first
    stranger = Browser(browser.subscription.endpoint)
    with pytest.raises(http_ece.ECEException):
        stranger.opened(first)


@pytest.mark.parametrize(
    ("language", "body"),
    [("es", "Tiene un recordatorio."), ("es-MX", "Tiene un recordatorio."), ("de", "You have a reminder.")],
)
def test_it_speaks_the_patients_language(
    service: Service, browser: Browser, settings_with: SettingsWith, language: str, body: str
) -> None:
    send(browser.subscription, settings_with, language)
    assert browser.opened(service.received[0].body)["body"] == body


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone(service: Service, browser: Browser, settings_with: SettingsWith, status: int) -> None:
    service.answers = [(status, {}, b"push subscription has unsubscribed or expired.")]
    with pytest.raises(PushAddressGone) as gone:
        send(browser.subscription, settings_with)
    assert str(gone.value) == f"HTTP {status}"


@pytest.mark.parametrize(
    ("status", "headers", "again", "after"),
    [
        (400, {}, False, 0),
        (403, {}, False, 0),
        (413, {}, False, 0),
        (429, {"Retry-After": "120"}, True, 120),
        (429, {"Retry-After": "99999999999"}, True, 0),
        (429, {"Retry-After": "Mon, 04 May 2026 21:00:00 GMT"}, True, 0),
        (500, {}, True, 0),
        (503, {"Retry-After": "86400"}, True, 3600),
    ],
)
def test_a_refusal_says_its_status_and_whether_later_helps(
    service: Service,
    browser: Browser,
    settings_with: SettingsWith,
    status: int,
    headers: dict[str, str],
    again: bool,
    after: int,
) -> None:
    service.answers = [(status, headers, b"about a-long-secret-of-this-browser")]
    refused = refusal(browser.subscription, settings_with)
    assert (refused.detail, refused.again, refused.after) == (f"HTTP {status}", again, after)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_sends_us_elsewhere(
    service: Service, browser: Browser, settings_with: SettingsWith, status: int
) -> None:
    service.answers = [(status, {"Location": f"{service.url}/elsewhere"}, b"")]
    assert not refusal(browser.subscription, settings_with).again
    assert [request.path for request in service.received] == ["/send/a-long-secret-of-this-browser"]


def test_a_long_answer_is_not_read_to_its_end(service: Service, browser: Browser, settings_with: SettingsWith) -> None:
    service.answers = [(500, {}, b"x" * 1_000_000)]
    assert refusal(browser.subscription, settings_with).detail == "HTTP 500"


def test_a_service_that_is_away_may_be_asked_again(browser: Browser, settings_with: SettingsWith) -> None:
    settings = {"PUSH_SERVICES": "127.0.0.1:9"}
    refused = refusal(Browser("http://127.0.0.1:9/x").subscription, settings_with, **settings)
    assert (refused.detail, refused.again) == ("NewConnectionError", True)


def test_what_may_have_arrived_is_not_sent_twice(browser: Browser, settings_with: SettingsWith) -> None:
    """A service that hangs up in place of an answer."""

    class Rude(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server's own name
            self.close_connection = True

    with HTTPServer(("127.0.0.1", 0), Rude) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        port = server.server_address[1]
        to = Browser(f"http://127.0.0.1:{port}/x").subscription
        refused = refusal(to, settings_with, PUSH_SERVICES=f"127.0.0.1:{port}")
        thread.join()
    assert (refused.detail, refused.again) == ("ProtocolError", False)


def test_a_service_that_nobody_vouches_for_gets_nothing(settings_with: SettingsWith, self_signed: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(self_signed)
    heard: list[str] = []

    class Hearing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server's own name
            heard.append(self.path)

    with HTTPServer(("127.0.0.1", 0), Hearing) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.handle_request)
        thread.start()
        port = server.server_address[1]
        to = Browser(f"https://127.0.0.1:{port}/x").subscription
        refused = refusal(to, settings_with, PUSH_SERVICES=f"127.0.0.1:{port}")
        thread.join()
    assert (refused.detail, heard) == ("SSLError", [])


def test_an_address_that_is_not_allowed_any_more_is_not_called(
    service: Service, browser: Browser, settings_with: SettingsWith
) -> None:
    assert not refusal(browser.subscription, settings_with, PUSH_SERVICES="push.example").again
    assert not refusal(browser.subscription, settings_with, VAPID_PRIVATE_KEY="", VAPID_SUBJECT="").again
    assert service.received == []
