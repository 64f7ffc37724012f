"""A webhook against a real endpoint: taken, put off, refused for good, and never sent where nobody vouches."""

import ssl
import uuid
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from standardwebhooks import Webhook as Receiver

from server import posting
from server.clock import utcnow
from server.errors import Refused, WebhookRefused
from server.settings import Settings
from server.webhooks import Webhook, post_webhook
from tests.mail.conftest import self_signed as self_signed  # noqa: PLC0414  # a fixture
from tests.mail.conftest import tls as tls  # noqa: PLC0414  # a fixture
from tests.push_services import Request, Service, listening
from tests.slow import speaking
from tests.webhooks.conftest import MESSAGE, RAISED, SECRET, knowing, settings_of, webhook_of


def refusal(to: Webhook, settings: Settings) -> WebhookRefused:
    with pytest.raises(WebhookRefused) as refused:
        post_webhook(to, MESSAGE, settings, utcnow())
    return refused.value


def test_the_endpoint_reads_what_it_says_and_knows_who_says_it(endpoint: Service) -> None:
    post_webhook(webhook_of(endpoint), MESSAGE, settings_of(endpoint), utcnow())
    (request,) = endpoint.received
    assert request.path == "/hooks/interlude?of=clinic-7"
    assert Receiver(SECRET).verify(request.body, request.headers) == {
        "type": "alert.raised",
        "timestamp": RAISED.isoformat(),
        "data": {"severity": "urgent", "url": f"https://interlude.example/alerts/{uuid.UUID(int=9)}"},
    }
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == str(uuid.UUID(int=7))


def test_sent_again_it_is_the_same_message_signed_anew(endpoint: Service) -> None:
    endpoint.answers = [(503, {}, b""), (204, {}, b"")]
    refusal(webhook_of(endpoint), settings_of(endpoint))
    post_webhook(webhook_of(endpoint), MESSAGE, settings_of(endpoint), utcnow().replace(microsecond=0))
    first, second = endpoint.received
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])


@pytest.mark.parametrize(
    ("status", "headers", "lasting", "after"),
    [
        (400, {}, False, 0),
        (401, {}, False, 0),
        (404, {}, False, 0),
        (410, {}, True, 0),
        (429, {"Retry-After": "120"}, False, 120),
        (429, {"Retry-After": "99999999999"}, False, 0),
        (500, {}, False, 0),
        (503, {"Retry-After": "86400"}, False, 3600),
    ],
)
def test_a_refusal_says_its_status_and_whether_it_lasts(
    endpoint: Service, status: int, headers: dict[str, str], lasting: bool, after: int
) -> None:
    endpoint.answers = [(status, headers, b"about the clinic")]
    refused = refusal(webhook_of(endpoint), settings_of(endpoint))
    assert (refused.detail, refused.lasting, refused.after) == (f"HTTP {status}", lasting, after)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nobody_sends_us_elsewhere(endpoint: Service, status: int) -> None:
    endpoint.answers = [(status, {"Location": f"{endpoint.url}/elsewhere"}, b"")]
    assert refusal(webhook_of(endpoint), settings_of(endpoint)).detail == f"HTTP {status}"
    assert [request.path for request in endpoint.received] == ["/hooks/interlude?of=clinic-7"]


def test_no_proxy_of_the_environment_hears_of_it(endpoint: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    post_webhook(webhook_of(endpoint), MESSAGE, settings_of(endpoint), utcnow())
    assert len(endpoint.received) == 1


def test_a_long_answer_is_not_read_to_its_end(endpoint: Service) -> None:
    endpoint.answers = [(500, {}, b"x" * 1_000_000)]
    assert refusal(webhook_of(endpoint), settings_of(endpoint)).detail == "HTTP 500"


def test_an_endpoint_that_is_away_is_tried_again() -> None:
    refused = refusal(Webhook("http://127.0.0.1:9/x", SECRET), knowing("127.0.0.1:9"))
    assert (refused.detail, refused.lasting) == ("NewConnectionError", False)


class Stalling(Service):
    """Takes it, and says nothing until the test is over."""

    def __init__(self) -> None:
        super().__init__()
        self.over = Event()

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        self.over.wait()
        return super().answer(request)


def test_an_endpoint_that_stalls_is_left_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "STEP_SECONDS", 0.2)
    with listening(Stalling()) as endpoint:
        refused = refusal(webhook_of(endpoint), settings_of(endpoint))
        endpoint.over.set()
    assert (refused.detail, refused.lasting) == ("ReadTimeoutError", False)


OK = b"HTTP/1.1 200 OK\r\n"
# What is said at once, whether a letter at a time follows, and what it is called.
ENDLESS = {
    "a header, a letter at a time": (OK, True, "ReadTimeoutError"),
    "a body, a letter at a time": (OK + b"Content-Length: 9999\r\n\r\n", True, "ReadTimeoutError"),
    "headers without end": (OK + b"X: y\r\n" * 200_000, False, "ProtocolError"),
    "a header without end": (OK + b"X: " + b"y" * 2_000_000, False, "ProtocolError"),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", False, "ProtocolError"),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_an_answer_without_end_is_left(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "ANSWER_SECONDS", 0.3)
    said, slowly, detail = ENDLESS[case]
    with speaking(said, slowly) as port:
        refused = refusal(Webhook(f"http://127.0.0.1:{port}/x", SECRET), knowing(f"127.0.0.1:{port}"))
    assert (refused.detail, refused.lasting) == (detail, False)


def test_an_endpoint_that_nobody_vouches_for_gets_nothing(tls: ssl.SSLContext) -> None:
    with listening(Service(), tls) as endpoint:
        refused = refusal(webhook_of(endpoint), settings_of(endpoint))
        assert (refused.detail, refused.lasting, endpoint.received) == ("SSLError", False, [])


def test_the_certificate_is_of_the_host_that_was_named(
    tls: ssl.SSLContext, self_signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=str(self_signed))
    monkeypatch.setitem(posting._pool.connection_pool_kw, "ssl_context", trusting)
    with listening(Service(), tls) as endpoint:
        post_webhook(webhook_of(endpoint), MESSAGE, settings_of(endpoint), utcnow())
        assert len(endpoint.received) == 1
        elsewhere = Webhook(f"https://localhost:{endpoint.port}/x", SECRET)
        assert refusal(elsewhere, knowing(f"localhost:{endpoint.port}")).detail == "SSLError"
        assert len(endpoint.received) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://hook.clinic.example.evil.example/x",
        "https://hook.clinic.example@evil.example/x",
        "https://user:pass@hook.clinic.example/x",
        "https://evil.example#@hook.clinic.example/x",
        "http://hook.clinic.example/x",
        "https://hook.clinic.example:8443/x",
        "https://hook.clinic.example./x",
        "https://HOOK.clinic.example/x",
        "https://hook.clinic.example/x#y",
        "https://hook.clinic.example/x\r\nHost: evil.example",
        "https://127.0.0.1/x",
        "http://127.0.0.1:5432/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "file:///etc/passwd",
        "",
    ],
)
def test_no_address_but_of_a_host_that_the_operator_knows(url: str) -> None:
    with pytest.raises(Refused) as refused:
        Webhook(url, SECRET).check(knowing("hook.clinic.example,*.hooks.example"))
    assert refused.value.field == "url"


def test_addresses_of_known_hosts_are_good() -> None:
    settings = knowing("hook.clinic.example,*.hooks.example")
    for url in ("https://hook.clinic.example/x?y=1", "https://a.hooks.example:443/"):
        Webhook(url, SECRET).check(settings)


def test_a_service_without_known_hosts_calls_nobody(endpoint: Service) -> None:
    assert refusal(webhook_of(endpoint), knowing("")).lasting
    assert endpoint.received == []


def test_without_a_secret_that_is_one_nothing_is_sent(endpoint: Service) -> None:
    assert refusal(webhook_of(endpoint, "whsec_"), settings_of(endpoint)).lasting
    assert endpoint.received == []


@pytest.mark.parametrize("show", [repr, str])
def test_an_endpoint_is_never_shown(endpoint: Service, show: Callable[[object], str]) -> None:
    said = show(webhook_of(endpoint))
    assert SECRET not in said
    assert "clinic-7" not in said
