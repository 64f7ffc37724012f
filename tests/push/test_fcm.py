"""Firebase Cloud Messaging against a service in this process: a token for our account, then the message."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from server.errors import PushAddressGone, PushRefused
from server.push import FcmToken, reminder
from server.push.sending import push
from tests.push.conftest import SettingsWith
from tests.push_services import Service

NOW = datetime(2026, 5, 4, 20, 0, tzinfo=UTC)
PHONE = FcmToken("c7-Ada_s:APA91bHPRgkF3JUikC4ENAHEeMrd41Zxv3hVZjC9KtT8OvPVGJ")


def send(settings_with: SettingsWith, at: datetime = NOW, **changes: str) -> None:
    push(PHONE, reminder("en"), at + timedelta(hours=2), settings_with(**changes), at)


def refusal(settings_with: SettingsWith, **changes: str) -> PushRefused:
    with pytest.raises(PushRefused) as refused:
        send(settings_with, NOW, **changes)
    return refused.value


def error(status: int, code: str) -> tuple[int, dict[str, str], bytes]:
    """As Google words it."""
    kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
    said = {"error": {"code": status, "message": "Requested entity was not found.", "details": []}}
    if code:
        said["error"]["details"] = [{"@type": kind, "errorCode": code}]
    return status, {"Content-Type": "application/json"}, json.dumps(said).encode()


def test_a_message_goes_out_with_a_token_of_our_account(service: Service, settings_with: SettingsWith) -> None:
    send(settings_with)
    (asked,), (request,) = service.asked, service.received
    assert service.claims_of_token_request(asked, NOW) == {
        "iss": "push@clinic-7.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": f"{service.url}/token",
        "iat": int(NOW.timestamp()),
        "exp": int((NOW + timedelta(hours=1)).timestamp()),
    }
    assert (request.path, request.headers["authorization"]) == (
        "/v1/projects/clinic-7/messages:send", "Bearer ya29.one"
    )  # fmt: skip
    assert request.json == {
        "message": {
            "token": PHONE.token,
            "notification": {"title": "Interlude", "body": "You have a reminder."},
            "android": {
                "ttl": "7200s",
                "priority": "normal",
                "collapse_key": "reminder",
                "notification": {"tag": "reminder"},
            },
            "apns": {
                "headers": {
                    "apns-expiration": str(int((NOW + timedelta(hours=2)).timestamp())),
                    "apns-priority": "5",
                    "apns-collapse-id": "reminder",
                }
            },
        }
    }


def test_a_token_serves_until_it_is_about_to_end(service: Service, settings_with: SettingsWith) -> None:
    for minutes in (0, 10, 57):
        send(settings_with, NOW + timedelta(minutes=minutes))
    assert (len(service.asked), len(service.received)) == (1, 3)
    send(settings_with, NOW + timedelta(minutes=59))
    assert len(service.asked) == 2


def test_a_token_that_is_refused_is_asked_for_anew(service: Service, settings_with: SettingsWith) -> None:
    service.answers = [error(401, "THIRD_PARTY_AUTH_ERROR"), (200, {}, b"{}")]
    assert refusal(settings_with).again
    send(settings_with)
    assert len(service.asked) == 2


def test_a_phone_that_is_gone(service: Service, settings_with: SettingsWith) -> None:
    service.answers = [error(404, "UNREGISTERED")]
    with pytest.raises(PushAddressGone):
        send(settings_with)


@pytest.mark.parametrize(
    ("status", "code", "again"),
    [
        (400, "INVALID_ARGUMENT", False),
        (403, "SENDER_ID_MISMATCH", False),
        # A project that we got wrong, say: no phone is gone.
        (404, "", False),
        (429, "QUOTA_EXCEEDED", True),
        (500, "INTERNAL", True),
        (503, "UNAVAILABLE", True),
    ],
)
def test_a_refusal_says_its_status_and_whether_later_helps(
    service: Service, settings_with: SettingsWith, status: int, code: str, again: bool
) -> None:
    service.answers = [error(status, code)]
    refused = refusal(settings_with)
    assert (refused.detail, refused.again) == (f"HTTP {status}", again)


@pytest.mark.parametrize("said", [b"", b"<html>", b"[1]", b'{"error": "invalid_grant"}', b'{"error": {"details": 7}}'])
def test_an_answer_that_is_none_is_a_refusal(service: Service, settings_with: SettingsWith, said: bytes) -> None:
    service.answers = [(404, {}, said)]
    assert refusal(settings_with).detail == "HTTP 404"
    service.tokens = [(400, {}, said)]
    assert refusal(settings_with, FCM_CREDENTIALS=json.dumps(service.account() | {"project_id": "other"})).again
    assert len(service.received) == 1


def test_without_an_account_nothing_is_sent(service: Service, settings_with: SettingsWith) -> None:
    assert not refusal(settings_with, FCM_CREDENTIALS="").again
    assert service.received == service.asked == []
