"""What a phone says of itself is not believed: above all not whom we are to call."""

from dataclasses import replace

import pytest

from server.errors import Refused
from server.push import Address, FcmToken, Subscription, read_address, write_address
from tests.push.conftest import SettingsWith
from tests.push_services import Browser, base64url

GOOGLE = "https://fcm.googleapis.com/fcm/send/dQw4:APA91b_x-y"


def refused(address: Address, settings_with: SettingsWith, services: str = "") -> str:
    with pytest.raises(Refused) as error:
        address.check(settings_with(PUSH_SERVICES=services))
    return error.value.field


@pytest.mark.parametrize(
    "endpoint",
    [
        GOOGLE,
        "https://fcm.googleapis.com:443/fcm/send/x",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAAA",
        "https://web.push.apple.com/QFm",
        "https://wns2-bl2p.notify.windows.com/w/?token=BQYAA%2bx%2f",
    ],
)
def test_what_browsers_give_is_taken(settings_with: SettingsWith, endpoint: str) -> None:
    Browser(endpoint).subscription.check(settings_with(PUSH_SERVICES=""))


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com",
        "https://push.example/x",
        "https://evil-push.apple.com.example/x",
        "https://evilpush.apple.com/x",
        "https://push.apple.com/x",
        "https://fcm.googleapis.com.evil.example/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://evil.example\\@fcm.googleapis.com/x",
        "https://evil.example#@fcm.googleapis.com/x",
        "https://evil.example?@fcm.googleapis.com/x",
        "https://fcm.googleapis.com\t/x",
        "https://fcm.googleapis.com/x\r\nHost: evil.example",
        "https://fcm.googleapis.com/x#fragment",
        "https://fcm。googleapis。com/x",
        "https://127.0.0.1/x",
        "http://127.0.0.1:5432/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://localhost/x",
        "https://2130706433/x",
        "file:///etc/passwd",
        "//fcm.googleapis.com/x",
        "",
    ],
)
def test_nobody_makes_us_call_anything_else(settings_with: SettingsWith, endpoint: str) -> None:
    assert refused(Browser(endpoint).subscription, settings_with) == "endpoint"


def test_a_service_on_this_machine_is_called_only_when_the_operator_names_it_with_its_port(
    settings_with: SettingsWith,
) -> None:
    here = Browser("http://127.0.0.1:8123/x").subscription
    here.check(settings_with(PUSH_SERVICES="127.0.0.1:8123"))
    for services in ("127.0.0.1", "127.0.0.1:8124", "localhost:8123", "push.example:8123"):
        assert refused(here, settings_with, services) == "endpoint"
    assert refused(Browser("http://push.example:8123/x").subscription, settings_with, "push.example:8123") == "endpoint"


@pytest.mark.parametrize("key", ["", "x", "*" * 88, base64url(b"\x04" + b"\x01" * 64), base64url(bytes(65))])
def test_keys_are_a_point_of_the_curve_and_sixteen_bytes(settings_with: SettingsWith, key: str) -> None:
    good = Browser(GOOGLE).subscription
    assert refused(replace(good, p256dh=key), settings_with) == "keys/p256dh"
    assert refused(replace(good, auth=key), settings_with) == "keys/auth"


@pytest.mark.parametrize("token", ["", "a b", "a/b", 'x"y', "é"])
def test_a_token_is_of_few_letters(settings_with: SettingsWith, token: str) -> None:
    assert refused(FcmToken(token), settings_with) == "token"


def test_it_is_read_as_it_was_written_and_says_nothing_of_itself() -> None:
    for address in (Browser(GOOGLE).subscription, FcmToken("dQw4:APA91b")):
        assert read_address(write_address(address)) == address
        assert "dQw4" not in repr(address)
    assert isinstance(read_address(write_address(Subscription("a", "b", "c"))), Subscription)
