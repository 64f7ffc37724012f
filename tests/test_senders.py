"""Who we are to the push services: read once, complete or not at all, and never shown."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from server.senders import KNOWN_SERVICES, KnownHosts, ServiceAccount, VapidKey, parse_contact
from tests.factories import CONTACT, VAPID
from tests.push_services import Service


def test_a_vapid_key_has_the_public_half_that_browsers_subscribe_with() -> None:
    key = VapidKey.parse(VAPID)
    assert key == VapidKey.parse(VAPID + "=")
    # As OpenSSL computes it.
    assert key.public == "BFFcPW6545a5BNP-yn9U_c0MwemXvzddylFa0KbDtANfRTa-OlDzGPv5pUdZAqIhUCvvDVfgjFOyzApW8X2fk1Q"
    assert VAPID not in repr(key)


def test_a_service_account_is_its_json_or_a_file_of_it(tmp_path: Path) -> None:
    said = json.dumps(Service(port=1).account())
    (tmp_path / "account.json").write_text(said)
    account = ServiceAccount.parse(said)
    assert account == ServiceAccount.parse(str(tmp_path / "account.json"))
    assert (account.project_id, account.token_uri) == ("clinic-7", "http://127.0.0.1:1/token")
    assert "PRIVATE" not in repr(account)


@pytest.mark.parametrize(
    "changes",
    [
        {"project_id": "../other"},
        {"token_uri": "http://oauth2.example/token"},
        {"token_uri": "oauth2.example"},
        {"private_key": "none"},
        {"private_key": ""},
        {
            "private_key": ec.generate_private_key(ec.SECP256R1())
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            .decode()
        },
        {"client_email": None},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_an_account_that_could_not_work_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        ServiceAccount.parse(json.dumps(Service(port=1).account() | changes))


def test_whom_services_write_to() -> None:
    for contact in (CONTACT, "https://clinic.example/contact"):
        assert parse_contact(contact) == contact


def test_services_are_allowed_by_host_and_port() -> None:
    known = KnownHosts.parse(KNOWN_SERVICES)
    assert known.allow("https", "fcm.googleapis.com", None)
    assert known.allow("https", "fcm.googleapis.com", 443)
    assert not known.allow("https", "fcm.googleapis.com", 444)
    assert not known.allow("http", "fcm.googleapis.com", 80)
    other = KnownHosts.parse(" push.example:8443 , *.push.example")
    assert [other.allow("https", "push.example", port) for port in (8443, 443, None)] == [True, False, False]
    assert [other.allow("https", host, None) for host in ("a.push.example", "a.b.push.example")] == [True, True]
