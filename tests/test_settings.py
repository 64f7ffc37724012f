"""Settings: every fault named at once, and no secret in what is said."""

import os
import secrets
import subprocess
from pathlib import Path

import pytest

from server.local import commands
from server.local.ports import Ports
from server.settings import Settings, SettingsError

KEY = "aHVudGVyMi1odW50ZXIyLWh1bnRlcjItaHVudGVyMi0="  # of 32 bytes
OTHER = "b3RoZXIyLW90aGVyMi1vdGhlcjItb3RoZXIyLW90aGU="

GOOD = {
    "DATABASE_URL": "postgresql://app:hunter2-hunter2@db.example/interlude",
    "MIGRATION_DATABASE_URL": "postgresql://owner:hunter2-hunter2@db.example/interlude",
    "SECRET_KEY": "cookie-secret-of-these-tests-and-of-no-clinic",
    "JWT_SECRET_KEY": "token-secret-of-these-tests-and-of-no-clinic",
    "DATA_KEYS": f"k1:{KEY}",
    "AUDIT_KEYS": "a1:audit-secret-of-these-tests-and-of-no-clinic,a0:audit-secret-of-last-year-and-of-no-clinic",
    "BASE_URL": "https://interlude.example",
    "SMTP_HOST": "smtp.example",
    "MAIL_FROM": "Interlude <alerts@clinic.example>",
}
PREVIOUS = "token-secret-of-last-year-and-of-no-clinic"
REQUIRED = (
    *("DATABASE_URL", "SECRET_KEY", "JWT_SECRET_KEY", "DATA_KEYS", "AUDIT_KEYS", "BASE_URL", "SMTP_HOST", "MAIL_FROM"),
)


def refusal(**changes: str) -> str:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(GOOD | changes)
    return str(refused.value)


def named(said: str) -> list[str]:
    return [line.split()[0] for line in said.splitlines()[1:]]


def test_good_ones_are_read() -> None:
    settings = Settings.from_env(GOOD)
    assert settings.database_url == "postgresql+psycopg://app:hunter2-hunter2@db.example/interlude"
    assert (settings.smtp_port, settings.smtp_security, settings.demo_secret) == (587, "starttls", "")
    assert settings.tick.total_seconds() == 60


def test_token_keys_that_were_are_a_list() -> None:
    assert Settings.from_env(GOOD).jwt_previous_keys == ()
    older = "token-secret-of-the-year-before-that-one"
    settings = Settings.from_env(GOOD | {"JWT_PREVIOUS_KEYS": f"{PREVIOUS}, {older}"})
    assert settings.jwt_previous_keys == (PREVIOUS, older)


def test_random_secrets_are_never_found_weak() -> None:
    for make in (secrets.token_urlsafe, secrets.token_hex):
        for _ in range(200):
            made = make(48)
            assert Settings.from_env(GOOD | {"SECRET_KEY": made}).secret_key == made


def test_without_an_owner_the_app_role_migrates() -> None:
    settings = Settings.from_env({name: value for name, value in GOOD.items() if not name.startswith("MIGRATION")})
    assert settings.migration_database_url == settings.database_url


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("nothing", ["", "  "])
def test_a_missing_one_is_named(name: str, nothing: str) -> None:
    assert f"{name} is not set" in refusal(**{name: nothing})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("DATABASE_URL", "sqlite:///file.db"),
        ("DATABASE_URL", "mysql://app@db/x"),
        ("DATABASE_URL", "db.example"),
        ("DATABASE_URL", "postgresql://db.example/interlude"),
        ("DATABASE_URL", "postgresql://app:hunter2-hunter2@db.example:port/interlude"),
        ("DATABASE_URL", "postgresql://app:hunter2-hunter2@[::1/interlude"),
        ("DATABASE_URL", "postgresql://app:hunter2-hunter2\u2100x@db.example/interlude"),
        ("MIGRATION_DATABASE_URL", "sqlite:///file.db"),
        ("SECRET_KEY", "hunter2-hunter2-hunter2-hunter2"),
        ("JWT_SECRET_KEY", "hunter2-hunter2"),
        ("DEMO_SECRET", "hunter2-hunter2"),
        ("DATA_KEYS", KEY),
        ("DATA_KEYS", f":{KEY}"),
        ("DATA_KEYS", f"K1:{KEY}"),
        ("DATA_KEYS", f"{'k' * 33}:{KEY}"),
        ("DATA_KEYS", "k1:hunter2-hunter2-hunter2-hunter2-"),
        ("DATA_KEYS", f"k1:{KEY[4:]}"),
        ("DATA_KEYS", f"k1:{KEY} k2:{OTHER}"),
        ("DATA_KEYS", f"k1:{KEY},"),
        ("DATA_KEYS", f"k1:{KEY},k1:{OTHER}"),
        ("DATA_KEYS", f"k1:{KEY},k2:{KEY}"),
        ("JWT_SECRET_KEY", "hunter2" * 8),
        ("SECRET_KEY", "hunter2-hunter2-hunter2-hunter2-hunt"),
        ("SECRET_KEY", "x" * 64),
        ("DEMO_SECRET", "hunter2" + "2" * 40),
        ("JWT_SECRET_KEY", "hunter2, a long secret with a comma, and spaces"),
        ("JWT_SECRET_KEY", "hunter2-a-long-secret-with-a-comma,-and-no-space"),
        ("JWT_PREVIOUS_KEYS", "hunter2-hunter2"),
        ("JWT_PREVIOUS_KEYS", "hunter2-a-good-one-that-is-long-enough,"),
        ("JWT_PREVIOUS_KEYS", ","),
        ("JWT_PREVIOUS_KEYS", "hunter2-a-good-one-that-is-long-enough,hunter2-too-short"),
        ("JWT_PREVIOUS_KEYS", "hunter2-a-good-one-that-is-long-enough hunter2-another-good-one-without-comma"),
        ("JWT_PREVIOUS_KEYS", "1: hunter2-a-good-one-that-is-long-enough"),
        ("JWT_PREVIOUS_KEYS", "y" * 40),
        ("AUDIT_KEYS", "hunter2-a-good-one-that-is-long-enough"),
        ("AUDIT_KEYS", "a1:hunter2-hunter2"),
        ("AUDIT_KEYS", "a1:" + "y" * 40),
        ("AUDIT_KEYS", "A1:hunter2-a-good-one-that-is-long-enough"),
        ("AUDIT_KEYS", "a1:hunter2-a-good-one-that-is-long-enough,"),
        ("AUDIT_KEYS", "a1:hunter2-a-good-one-that-is long-enough"),
        ("AUDIT_KEYS", "a1:hunter2-a-good-one-that-is-long-enough,a1:hunter2-another-that-is-long-enough"),
        ("AUDIT_KEYS", "a1:hunter2-a-good-one-that-is-long-enough,a2:hunter2-a-good-one-that-is-long-enough"),
        ("BASE_URL", "interlude.example"),
        ("BASE_URL", "ftp://interlude.example"),
        ("BASE_URL", "http://interlude.example"),
        ("BASE_URL", "https://"),
        ("BASE_URL", "https://interlude.example?x=1"),
        ("BASE_URL", "https://interlude.example#x"),
        ("BASE_URL", "https://interlude.example:port"),
        ("BASE_URL", "https://user:hunter2-hunter2@interlude.example"),
        ("BASE_URL", "https://inter lude.example"),
        ("BASE_URL", "https://interlude.example/\r\nBcc: x"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "80a"),
        ("PORT", "\u0668\u0660"),
        ("PORT", "9" * 5_000),
        ("SMTP_PORT", "-1"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, 0.0.0.0/0"),
        ("TRUSTED_PROXIES", "::/0"),
        ("PASSWORDS_AT_ONCE", "0"),
        ("RATE_LIMIT_PER_MINUTE", "0"),
        ("RATE_LIMIT_STORAGE_URL", "memcached://hunter2-hunter2@store.example"),
        ("RATE_LIMIT_STORAGE_URL", "redis://"),
        ("SMTP_SECURITY", "ssl"),
        ("LOG_FORMAT", "text"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "a@"),
        ("MAIL_FROM", "@clinic.example"),
        ("MAIL_FROM", "a@b@c"),
        ("MAIL_FROM", "Interlude <a b@clinic.example>"),
        ("MAIL_FROM", "\u00fc@clinic.example"),
        ("MAIL_FROM", "a@clinic.example\nBcc: x@y.example"),
        ("TICK_SECONDS", "0"),
        ("TICK_SECONDS", "3601"),
        ("WORKER_CONCURRENCY", "65"),
        ("ACCESS_TOKEN_MINUTES", "1441"),
        ("REFRESH_TOKEN_DAYS", "1e2"),
        ("SIGN_IN_DAYS", "0"),
        ("VAPID_PRIVATE_KEY", "hunter2"),
        ("VAPID_PRIVATE_KEY", "A" * 43),
        ("VAPID_PRIVATE_KEY", "_" * 42 + "8"),
        ("VAPID_PRIVATE_KEY", "hunter2 " * 8),
        ("VAPID_SUBJECT", "ops@clinic.example"),
        ("VAPID_SUBJECT", "mailto:hunter2"),
        ("VAPID_SUBJECT", "http://clinic.example"),
        ("FCM_CREDENTIALS", "/hunter2/account.json"),
        ("FCM_CREDENTIALS", "/"),
        ("FCM_CREDENTIALS", "{hunter2"),
        ("FCM_CREDENTIALS", '{"project_id": "hunter2"}'),
        ("FCM_CREDENTIALS", '{"project_id": 7}'),
        ("FCM_URL", "http://fcm.googleapis.com"),
        ("PUSH_SERVICES", "https://push.example"),
        ("PUSH_SERVICES", "push.example,"),
        ("PUSH_SERVICES", "*"),
        ("PUSH_SERVICES", "*.example"),
        ("PUSH_SERVICES", "push.*.example"),
        ("WEBHOOK_HOSTS", "https://hook.example/x"),
        ("WEBHOOK_HOSTS", "*.example"),
    ],
)
def test_a_wrong_one_is_named_and_no_secret_is_said(name: str, wrong: str) -> None:
    said = refusal(**{name: wrong})
    assert named(said) == [name]
    assert "hunter2" not in said
    assert KEY[:12] not in said
    assert len(said) < 300


def test_all_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({"PORT": "x", "SMTP_SECURITY": "x"})
    assert sorted(named(str(refused.value))) == sorted([*REQUIRED, "PORT", "SMTP_SECURITY"])


@pytest.mark.parametrize("url", ["", "sqlite:///file.db"])
def test_what_another_is_the_default_of_is_not_missing_too(url: str) -> None:
    """Whoever reads that MIGRATION_DATABASE_URL is not set looks for it, and it need not be."""
    assert named(refusal(DATABASE_URL=url, MIGRATION_DATABASE_URL="")) == ["DATABASE_URL"]


PROGRAMS = commands.clinic(Ports(8000), Path("accounts"))


@pytest.mark.parametrize(
    "command", [PROGRAMS.migrate, PROGRAMS.demo, (*commands.APP, "audit-head"), *PROGRAMS.services.values()],
    ids=["migrate", "demo", "command", *PROGRAMS.services],
)  # fmt: skip
def test_whatever_starts_ends_with_the_list_and_no_traceback(command: commands.Argv) -> None:
    bare = {"PATH": os.environ["PATH"]}
    ended = subprocess.run(command, env=bare, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    # The web server has lines of its own about a worker that ended.
    said = [line for line in (ended.stdout + ended.stderr).splitlines() if not line.startswith("[")]
    assert said == ["Interlude cannot start:", *(f"  {name} is not set" for name in REQUIRED)]


@pytest.mark.parametrize(
    "changes",
    [
        {"JWT_SECRET_KEY": GOOD["SECRET_KEY"]},
        {"DEMO_SECRET": GOOD["JWT_SECRET_KEY"]},
        {"JWT_PREVIOUS_KEYS": GOOD["JWT_SECRET_KEY"]},
        {"JWT_PREVIOUS_KEYS": GOOD["SECRET_KEY"]},
        {"JWT_PREVIOUS_KEYS": f"{PREVIOUS},{PREVIOUS}"},
        {"AUDIT_KEYS": f"a1:{GOOD['JWT_SECRET_KEY']}"},
        {"SMTP_SECURITY": "none"},
        {"SMTP_USERNAME": "mailer"},
        {"SMTP_PASSWORD": "hunter2"},
        {"VAPID_PRIVATE_KEY": KEY[:-1]},
        {"VAPID_SUBJECT": "mailto:ops@clinic.example"},
    ],
    ids=str,
)
def test_settings_that_contradict_each_other(changes: dict[str, str]) -> None:
    said = refusal(**changes)
    assert next(iter(changes)) in said
    assert "hunter2" not in said
    assert GOOD["SECRET_KEY"] not in said


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_plain_smtp_only_within_this_machine(host: str) -> None:
    assert Settings.from_env(GOOD | {"SMTP_SECURITY": "none", "SMTP_HOST": host}).smtp_host == host


def test_plain_http_only_within_this_machine() -> None:
    for base in ("http://127.0.0.1:8000/", "http://localhost:8000", "http://[::1]:8000"):
        assert Settings.from_env(GOOD | {"BASE_URL": base}).base_url == base.rstrip("/")
