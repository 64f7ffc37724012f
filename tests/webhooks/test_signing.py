"""Who gets a webhook can tell that we sent it, with the library that the standard's authors give to receivers."""

import base64
from datetime import timedelta

import pytest
from standardwebhooks import Webhook as Receiver
from standardwebhooks import WebhookVerificationError

from server.clock import utcnow
from server.webhooks import new_secret
from server.webhooks.signing import PREFIX, key_of, signed

BODY = '{"type": "alert.raised", "é": 1}'.encode()


# The receivers' library knows no clock but the system's.


def test_the_receiver_knows_us_by_the_secret() -> None:
    secret = new_secret()
    headers = signed(BODY, "m1", secret, utcnow())
    assert Receiver(secret).verify(BODY, headers)["type"] == "alert.raised"


@pytest.mark.parametrize("changed", ["webhook-id", "webhook-timestamp", "body", "secret"])
def test_nothing_of_it_can_be_changed(changed: str) -> None:
    secret, at = new_secret(), utcnow()
    headers = signed(BODY, "m1", secret, at)
    body = BODY + b" " if changed == "body" else BODY
    other = {"webhook-id": "m2", "webhook-timestamp": str(int(at.timestamp()) + 1)}
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Receiver(new_secret() if changed == "secret" else secret).verify(
            body, {name: other[name] if name == changed else value for name, value in headers.items()}
        )


def test_what_is_old_can_not_be_played_again() -> None:
    secret = new_secret()
    with pytest.raises(WebhookVerificationError, match="too old"):
        Receiver(secret).verify(BODY, signed(BODY, "m1", secret, utcnow() - timedelta(minutes=6)))


def test_a_new_secret_is_random_and_long_enough() -> None:
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert {len(key_of(secret)) for secret in secrets} == {32}


@pytest.mark.parametrize(
    "secret",
    [
        "",
        PREFIX,
        base64.b64encode(bytes(32)).decode(),
        PREFIX + base64.b64encode(bytes(23)).decode(),
        PREFIX + base64.b64encode(bytes(65)).decode(),
        PREFIX + "hunter2 " * 8,
        PREFIX + "é" * 32,
    ],
)
def test_a_secret_that_would_protect_nothing_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"^must be whsec_") as refused:
        key_of(secret)
    assert "hunter2" not in str(refused.value)
