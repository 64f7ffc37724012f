"""Every setting, read once from the environment; a wrong one stops the start and is named."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from server.chain import AuditKeys
from server.parsing import one_of, whole_number
from server.sealing import KEY_ID, Keyring
from server.senders import (
    KNOWN_SERVICES,
    KnownHosts,
    ServiceAccount,
    VapidKey,
    is_loopback,
    parse_contact,
    parse_ping,
)
from server.versions import AppVersions, least_versions, update_urls

T = TypeVar("T")
D = TypeVar("D")

SHORTEST_SECRET = 32
# A random text of 32 hexadecimal digits has fewer only once in millions.
FEWEST_DISTINCT = 8
SMTP_SECURITY = ("tls", "starttls", "none")
LOG_FORMATS = ("json", "console")
_REQUIRED: Any = object()
# What stands in a setting's place when it is missing or wrong.
_UNKNOWN: Any = object()


class SettingsError(SystemExit):
    """One or more settings are missing or wrong; the text names each.

    Whatever program starts, it ends with this text alone and exit code 1: the fault is not in the program, so where
    in it somebody noticed helps nobody, and under a traceback the list is not found.
    """


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. The README lists each with its meaning and default."""

    database_url: str
    migration_database_url: str
    secret_key: str
    jwt_secret_key: str
    jwt_previous_keys: tuple[str, ...]
    data_keys: Keyring
    audit_keys: AuditKeys
    base_url: str
    port: int
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    passwords_at_once: int
    rate_limit_per_minute: int
    rate_limit_storage_url: str
    smtp_host: str
    smtp_port: int
    smtp_security: str
    smtp_username: str
    smtp_password: str
    mail_from: str
    tick: timedelta
    worker_concurrency: int
    access_token_life: timedelta
    refresh_token_life: timedelta
    sign_in_life: timedelta
    app_versions: AppVersions
    vapid_private_key: VapidKey | None
    vapid_subject: str
    fcm_credentials: ServiceAccount | None
    fcm_url: str
    push_services: KnownHosts
    webhook_hosts: KnownHosts
    metrics_token: str
    metrics_folder: str
    deadman_url: str
    demo_secret: str
    log_format: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Raises SettingsError with one line for each setting that is missing or wrong."""
        env = _Environment(environ)
        database_url = env.read("DATABASE_URL", _database_url)
        settings = cls(
            database_url=database_url,
            migration_database_url=env.read("MIGRATION_DATABASE_URL", _database_url, default=database_url),
            secret_key=env.read("SECRET_KEY", _secret),
            jwt_secret_key=env.read("JWT_SECRET_KEY", _token_key),
            jwt_previous_keys=env.read("JWT_PREVIOUS_KEYS", _token_keys, default=()),
            data_keys=env.read("DATA_KEYS", Keyring.parse),
            audit_keys=env.read("AUDIT_KEYS", _audit_keys),
            base_url=env.read("BASE_URL", _base_url),
            port=env.read("PORT", whole_number(1, 65535), default=8000),
            trusted_proxies=env.read("TRUSTED_PROXIES", _networks, default=()),
            passwords_at_once=env.read("PASSWORDS_AT_ONCE", whole_number(1, 64), default=4),
            rate_limit_per_minute=env.read("RATE_LIMIT_PER_MINUTE", whole_number(1, 1_000_000), default=600),
            rate_limit_storage_url=env.read("RATE_LIMIT_STORAGE_URL", _store_url, default="memory://"),
            smtp_host=env.read("SMTP_HOST", _text),
            smtp_port=env.read("SMTP_PORT", whole_number(1, 65535), default=587),
            smtp_security=env.read("SMTP_SECURITY", one_of(SMTP_SECURITY), default="starttls"),
            smtp_username=env.read("SMTP_USERNAME", str, default=""),
            smtp_password=env.read("SMTP_PASSWORD", str, default=""),
            mail_from=env.read("MAIL_FROM", _mail_address),
            tick=timedelta(seconds=env.read("TICK_SECONDS", whole_number(1, 3600), default=60)),
            worker_concurrency=env.read("WORKER_CONCURRENCY", whole_number(1, 64), default=4),
            access_token_life=timedelta(minutes=env.read("ACCESS_TOKEN_MINUTES", whole_number(1, 1440), default=30)),
            refresh_token_life=timedelta(days=env.read("REFRESH_TOKEN_DAYS", whole_number(1, 365), default=60)),
            sign_in_life=timedelta(days=env.read("SIGN_IN_DAYS", whole_number(1, 3650), default=365)),
            app_versions=AppVersions(
                env.read("MIN_APP_VERSION", least_versions, default={}),
                env.read("APP_UPDATE_URLS", update_urls, default={}),
            ),
            vapid_private_key=env.read("VAPID_PRIVATE_KEY", VapidKey.parse, default=None),
            vapid_subject=env.read("VAPID_SUBJECT", parse_contact, default=""),
            fcm_credentials=env.read("FCM_CREDENTIALS", ServiceAccount.parse, default=None),
            fcm_url=env.read("FCM_URL", _base_url, default="https://fcm.googleapis.com"),
            push_services=env.read("PUSH_SERVICES", KnownHosts.parse, default=KnownHosts.parse(KNOWN_SERVICES)),
            webhook_hosts=env.read("WEBHOOK_HOSTS", KnownHosts.parse, default=KnownHosts(())),
            metrics_token=env.read("METRICS_TOKEN", _token_key, default=""),
            metrics_folder=env.read("PROMETHEUS_MULTIPROC_DIR", _text, default=""),
            deadman_url=env.read("DEADMAN_URL", parse_ping, default=""),
            demo_secret=env.read("DEMO_SECRET", _secret, default=""),
            log_format=env.read("LOG_FORMAT", one_of(LOG_FORMATS), default="json"),
        )
        if not env.errors:
            env.errors += _contradictions(settings)
        if env.errors:
            raise SettingsError("Interlude cannot start:\n" + "\n".join(f"  {line}" for line in env.errors))
        return settings


class _Environment:
    """Reads one variable at a time and collects what is wrong, so that one start names every fault."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.errors: list[str] = []

    def read(self, name: str, parse: Callable[[str], T], default: D = _REQUIRED) -> T | D:
        """What is returned where something is wrong never leaves from_env: the errors raise first."""
        raw = self.environ.get(name, "").strip()
        instead: D = _UNKNOWN if default is _REQUIRED else default
        if not raw:
            if default is _REQUIRED:
                self.errors.append(f"{name} is not set")
            return instead
        try:
            return parse(raw)
        except ValueError as wrong:
            self.errors.append(f"{name} {wrong}")
            return instead


def _contradictions(settings: Settings) -> list[str]:
    found = []
    given = (
        settings.jwt_secret_key,
        settings.secret_key,
        *settings.jwt_previous_keys,
        settings.demo_secret,
        settings.metrics_token,
    )
    secrets = [secret for secret in (*given, *settings.audit_keys.secrets) if secret]
    if len(set(secrets)) < len(secrets):
        found.append(
            "JWT_SECRET_KEY, SECRET_KEY, METRICS_TOKEN, DEMO_SECRET and each of JWT_PREVIOUS_KEYS and AUDIT_KEYS"
            " must differ"
        )
    if settings.smtp_security == "none" and not is_loopback(settings.smtp_host):
        found.append("SMTP_SECURITY may be none only when SMTP_HOST is this machine")
    if settings.app_versions.least.keys() - settings.app_versions.update_urls.keys():
        found.append("APP_UPDATE_URLS must name each platform of MIN_APP_VERSION: who must update must be told where")
    if bool(settings.smtp_username) != bool(settings.smtp_password):
        found.append("SMTP_USERNAME and SMTP_PASSWORD are set together or not at all")
    if bool(settings.vapid_private_key) != bool(settings.vapid_subject):
        found.append("VAPID_PRIVATE_KEY and VAPID_SUBJECT are set together or not at all")
    return found


def _text(raw: str) -> str:
    return raw


def _secret(raw: str) -> str:
    if len(raw) < SHORTEST_SECRET:
        raise ValueError(f"must have at least {SHORTEST_SECRET} characters")
    if len(set(raw)) < FEWEST_DISTINCT or _repeats(raw):
        raise ValueError("must be random, not one piece of text again and again")
    return raw


def _repeats(raw: str) -> bool:
    """Whether a beginning of at most half its length makes up all of it."""
    return any(raw[size:] == raw[:-size] for size in range(1, len(raw) // 2 + 1))


def _token_key(raw: str) -> str:
    if "," in raw or len(raw.split()) > 1:
        # Later it is to stand in the list of those that were.
        raise ValueError("must hold no comma and no space")
    return _secret(raw)


def _token_keys(raw: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in raw.split(","))
    if not all(keys):
        raise ValueError("must be secrets with a comma between each two")
    return tuple(_token_key(key) for key in keys)


def _audit_keys(raw: str) -> AuditKeys:
    """`id:secret`, commas between; the first is current."""
    pairs = [pair.strip().partition(":") for pair in raw.split(",")]
    if not all(KEY_ID.fullmatch(key_id) and len(secret.split()) == 1 for key_id, _, secret in pairs):
        raise ValueError(
            "must be id:secret pairs with commas between; an id of a-z, 0-9 and -, a secret without spaces"
        )
    of = {key_id: _secret(secret).encode() for key_id, _, secret in pairs}
    if len(of) < len(pairs) or len(set(of.values())) < len(pairs):
        raise ValueError("must name each id and each secret once")
    return AuditKeys(pairs[0][0], of)


def _database_url(raw: str) -> str:
    scheme, separator, rest = raw.partition("://")
    if not separator or scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise ValueError("must be a postgresql:// URL")
    if not _split(raw, "must be a postgresql:// URL").username:
        raise ValueError("must name the role to connect as")
    return f"postgresql+psycopg://{rest}"


def _split(raw: str, message: str) -> SplitResult:
    """urlsplit, whose own errors quote the password."""
    try:
        parts = urlsplit(raw)
        parts.port  # noqa: B018  # raises for a port that is no number
    except ValueError:
        raise ValueError(message) from None
    return parts


def _base_url(raw: str) -> str:
    parts = _split(raw, "must be an http:// or https:// address")
    extra = parts.username or parts.query or parts.fragment or len(raw.split()) > 1
    if parts.scheme not in ("http", "https") or not parts.hostname or extra:
        raise ValueError("must be an http:// or https:// address")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must be https:// unless it is this machine")
    return raw.rstrip("/")


def _networks(raw: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        networks = tuple(ip_network(network.strip()) for network in raw.split(","))
    except ValueError:
        raise ValueError("must be addresses or networks such as 10.0.0.0/8, with a comma between each two") from None
    if not all(network.prefixlen for network in networks):
        raise ValueError("must not be everybody: anyone could then write the address that is counted")
    return networks


def _store_url(raw: str) -> str:
    parts = _split(raw, "must be a redis:// or rediss:// URL")
    if parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise ValueError("must be a redis:// or rediss:// URL")
    return raw


def _mail_address(raw: str) -> str:
    name, address = parseaddr(raw)
    try:
        whole = Address(name, addr_spec=address)
    except (ValueError, IndexError, MessageError):
        whole = Address()
    if not (whole.username and whole.domain) or " " in address or "\n" in raw or "\r" in raw:
        raise ValueError("must be an address such as 'Interlude <alerts@clinic.example>'")
    return raw
