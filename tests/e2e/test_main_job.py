"""The main job from end to end, as separate processes under a shifted clock."""

import re
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pyotp

from server.mail import SUBJECT
from tests.e2e.browser import Browser
from tests.e2e.system import System, eventually, running_system
from tests.factories import PASSWORD, new_id

STEADY = (3, 4, 3, 2, 3, 4, 3, 2, 3, 4, 3, 2, 3, 4)
WORSE = (7, 8, 7, 8, 7, 8, 7)


def test_a_worsening_reaches_the_clinician_once(tmp_path: Path) -> None:
    with running_system(tmp_path, from_nothing=True) as system:
        bob, phone = _bob_and_adas_phone(system)
        for craving in STEADY:
            _check_in(system, phone, craving)
            system.shift(days=1)
        eventually(system.nothing_is_due, "the steady days were assessed")
        assert _about_alerts(system) == []
        for craving in WORSE:
            _one_day(system, phone, craving)
        (mail,) = _about_alerts(system)
        assert mail["To"] == "bob@clinic.example"

        _bob_acknowledges(system, mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
        for craving in WORSE:
            _one_day(system, phone, craving)
        assert len(_about_alerts(system)) == 1

        bob.token = bob.call("POST", "/v1/tokens", _credentials(), expect=201)["access_token"]
        (alert,) = bob.call("GET", "/v1/alerts", expect=200)["items"]
        assert (alert["rule"], alert["severity"], alert["state"]) == ("craving_rising", "prompt", "acknowledged")
        assert alert["sentence"].startswith("Craving averaged")
        assert system.query("SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'") == [(0,)]


def _about_alerts(system: System) -> list[EmailMessage]:
    """Each morning's digest counts what waits, too, and an admin hears that nobody has it."""
    return [mail for mail in system.mailbox.messages if mail["Subject"] == SUBJECT]


def _bob_and_adas_phone(system: System) -> tuple[Browser, Browser]:
    system.environment["ADMIN_PASSWORD"] = PASSWORD
    system.command(
        *("create-clinic", "--name", "Clinic", "--zone", "America/New_York"),
        *("--admin-name", "Alice", "--admin-email", "alice@clinic.example"),
    )
    admin, bob, phone = system.browser(), system.browser(), system.browser()
    said = {"email": "alice@clinic.example", "password": PASSWORD}
    admin.token = admin.call("POST", "/v1/tokens", said, expect=201)["access_token"]
    secret = admin.call("POST", "/v1/me/mfa", {"password": PASSWORD}, expect=201)["secret"]
    code = {"mfa_code": pyotp.TOTP(secret).at(system.now())}
    admin.token = admin.call("POST", "/v1/me/mfa/confirm", code, expect=201)["access_token"]
    member = {"role": "clinician", "name": "Bob", **_credentials()}
    admin.call("POST", "/v1/members", member, expect=201)
    bob.token = bob.call("POST", "/v1/tokens", _credentials(), expect=201)["access_token"]
    patient = bob.call("POST", "/v1/patients", {"zone": "America/New_York"}, expect=201)
    invite = bob.call("POST", f"/v1/patients/{patient['id']}/invites", expect=201)
    enrolment = {"code": invite["code"], "password": PASSWORD, "device": "phone", "zone": "America/New_York"}
    phone.token = phone.call("POST", "/v1/enrollments", enrolment, expect=201)["refresh_token"]
    return bob, phone


def _one_day(system: System, phone: Browser, craving: int) -> None:
    """A check-in, the jobs that it makes due, and the clock a day on."""
    _check_in(system, phone, craving)
    eventually(system.nothing_is_due, "the check-in was assessed and its mail sent")
    system.shift(days=1)


def _check_in(system: System, phone: Browser, craving: int) -> None:
    """As the app does it: with the access token that the kept refresh token gives, and the next one kept."""
    given = phone.call("POST", "/v1/tokens/refresh", expect=201)
    phone.token = given["access_token"]
    body = {
        "recorded_at": (system.now() - timedelta(seconds=5)).isoformat(),
        "zone": "UTC",
        "form_version": "1",
        "craving": craving,
    }
    answer = phone.call("PUT", f"/v1/check-ins/{new_id()}", body, expect=201)
    assert answer["counts"] is True
    phone.token = given["refresh_token"]


def _bob_acknowledges(system: System, text: str) -> None:
    found = re.search(rf"{system.base_url}/alerts/[0-9a-f-]+", text)
    assert found
    link = found[0]
    browser = system.browser()
    sign_in = browser.page(link)
    assert "Craving" not in sign_in
    page = browser.submit(sign_in, "/sign-in", **_credentials())
    assert "Craving averaged" in page
    assert 'class="basis"' in page
    done = browser.submit(page, link.removeprefix(system.base_url) + "/acknowledge")
    assert "Acknowledged by Bob" in done


def _credentials() -> dict[str, str]:
    return {"email": "bob@clinic.example", "password": PASSWORD}
