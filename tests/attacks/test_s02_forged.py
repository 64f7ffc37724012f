"""S2: tokens that somebody else made, up to those made with our own key and our whole database."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.api.tokens import key_id
from server.models import Role
from server.settings import Settings, SettingsError
from tests.api.problem import assert_problem
from tests.attacks.forging import Pair, claims_of, forged, me, refresh, signed, with_header
from tests.conftest import Clock
from tests.database import digest, one
from tests.factories import Actors, make_member, settings_for, tokens_of

NEW_KEY = "a-key-that-took-the-place-of-the-first-one"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"iat": None},
        {"role": None},
        {"version": None},
        {"sub": None},
        {"clinic": None},
        {"sid": None},
        {"jti": None},
        {"type": None},
        {"type": "refresh"},
        {"type": "ACCESS"},
        {"type": 1},
        {"role": "admin"},
        {"role": "patient"},
        {"role": "owner"},
        {"role": ["clinician"]},
        {"version": 0},
        {"version": 2},
        {"version": "1"},
        {"version": {"a": 1}},
        {"sub": "bob"},
        {"sub": "00000000-0000-0000-0000-000000000000"},
        {"sub": 1},
        {"clinic": "00000000-0000-0000-0000-000000000000"},
        {"clinic": 1},
        {"clinic": {"a": 1}},
        {"sid": "00000000-0000-0000-0000-000000000000"},
        {"sid": "' OR 1=1 --"},
        {"sid": 1},
        {"sid": ["x"]},
        {"jti": "guessed"},
        {"jti": ""},
        {"jti": "\ud800"},
        {"exp": 1},
        {"exp": "2100-01-01"},
        {"exp": True},
        {"iat": 4_000_000_000},
        {"iat": "soon"},
    ],
    ids=ascii,
)
def test_s02_with_the_signing_key_alone_nothing_can_be_made(
    client: FlaskClient, settings: Settings, pair: Pair, changes: dict[str, Any]
) -> None:
    """Also one who has our key: each lacks, or gets wrong, one thing that a good token says."""
    assert me(client, forged(settings, pair["access_token"])).status_code == 200
    before = digest()
    assert_problem(me(client, forged(settings, pair["access_token"], **changes)), 401)
    assert digest() == before


def test_s02_the_key_and_the_database_together_make_no_token(
    client: FlaskClient, settings: Settings, pair: Pair
) -> None:
    """What a pair carries is kept as its SHA-256 alone."""
    kept: bytes = one("SELECT current_hash FROM sign_in")
    for guess in (kept.hex(), base64.urlsafe_b64encode(kept).decode().rstrip("="), kept.decode("latin-1")):
        assert_problem(me(client, forged(settings, pair["access_token"], jti=guess)), 401)
    for token in pair.values():
        assert str(token) not in one("SELECT sign_in::text FROM sign_in")
    assert claims_of(pair["access_token"])["jti"] not in one("SELECT sign_in::text FROM sign_in")


def test_s02_one_accounts_sign_in_opens_no_other(
    app: Flask, client: FlaskClient, actors: Actors, settings: Settings, clock: Clock, pair: Pair
) -> None:
    dan = make_member(actors.clinic, Role.CLINICIAN, "Dan", clock())
    for account in (dan, actors.carol, actors.ada, actors.alice_admin):
        theirs = claims_of(tokens_of(app, account)["access_token"])
        for stolen in ({"sub"}, {"sub", "role"}, {"sub", "role", "clinic"}, {"sid", "jti"}, {"sid"}, {"jti"}):
            changes = {name: theirs[name] for name in stolen}
            assert_problem(me(client, forged(settings, pair["access_token"], **changes)), 401)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "hs256", "RS256", "ES256", "HS384", None])
def test_s02_a_header_that_names_another_algorithm(
    client: FlaskClient, settings: Settings, pair: Pair, algorithm: str | None
) -> None:
    header = {"alg": algorithm, "typ": "JWT", "kid": key_id(settings.jwt_secret_key)}
    for signature in ("", None):
        for kind, token in pair.items():
            if kind != "expires_in":
                assert_problem(me(client, with_header(token, header, signature)), 401)
                assert_problem(refresh(client, with_header(token, header, signature)), 401)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_s02_our_key_under_another_algorithm(
    client: FlaskClient, settings: Settings, pair: Pair, algorithm: str
) -> None:
    key = settings.jwt_secret_key
    long = signed(claims_of(pair["access_token"]), key * 2, key_id(key), algorithm)
    assert_problem(me(client, long), 401)


def test_s02_a_key_that_is_not_ours(client: FlaskClient, settings: Settings, pair: Pair) -> None:
    said, own = claims_of(pair["access_token"]), settings.jwt_secret_key
    for secret, kid in (
        (settings.secret_key, None),
        (settings.secret_key, key_id(own)),
        (NEW_KEY, None),
        (NEW_KEY, key_id(own)),
        (own, key_id(NEW_KEY)),
        (own, "1"),
        (own, key_id(own).upper()),
        (own, "../../dev/null"),
        (own, "' UNION SELECT 'x"),
        (key_id(own) * 2, key_id(own)),
    ):
        assert_problem(me(client, signed(said, secret, kid)), 401)
    for header in ({"alg": "HS256"}, {"alg": "HS256", "kid": None}, {"alg": "HS256", "kid": [key_id(own)]}):
        assert_problem(me(client, with_header(signed(said, own), header)), 401)


@pytest.mark.parametrize(
    "header", [{"jwk": {"kty": "oct", "k": "AAAA"}}, {"jku": "http://127.0.0.1/keys"}, {"x5u": "x"}]
)
def test_s02_a_token_brings_no_key_of_its_own(
    client: FlaskClient, settings: Settings, pair: Pair, header: dict[str, Any]
) -> None:
    named = {"alg": "HS256", "kid": key_id(settings.jwt_secret_key), **header}
    assert_problem(me(client, with_header(pair["access_token"], named)), 401)


def test_s02_tampered(client: FlaskClient, pair: Pair) -> None:
    header, claims, signature = pair["access_token"].split(".")
    changed = "A" if signature[10] != "A" else "B"
    for token in (
        f"{header}.{claims[:-2]}AA.{signature}",
        f"{header}.{claims}.{signature[:10]}{changed}{signature[11:]}",
        f"{header}.{claims}.",
        f"{header}.{claims}",
        f"{header}.{claims}.{signature}.{signature}",
        f".{claims}.{signature}",
    ):
        assert_problem(me(client, token), 401)


@pytest.mark.parametrize(
    "header",
    [b"[" * 5_000, b'{"a":' * 5_000, b"[]", b"7", b"null", b'{"alg": ["HS256"]}', b'{"alg": "HS256", "kid": 5}',
     b'{"alg": "HS256", "crit": ["x"]}', b'{"alg": "HS256", "n": ' + b"9" * 5_000 + b"}", b"\xff\xfe", b""],
)  # fmt: skip
def test_s02_whatever_the_header_of_a_token_holds_is_a_401(client: FlaskClient, actors: Actors, header: bytes) -> None:
    encoded = base64.urlsafe_b64encode(header).decode().rstrip("=")
    for token in (f"{encoded}.e30.c2ln", f"e30.{encoded}.c2ln", encoded, f"{encoded}..", "....", "ü.ü.ü"):
        assert_problem(me(client, token), 401)


def keyed(app: Flask, **changes: Any) -> None:
    """The same process, started again with other keys."""
    parts = app.extensions["interlude"]
    app.extensions["interlude"] = replace(parts, settings=replace(parts.settings, **changes))


def test_s02_keys_rotate_and_nobody_is_signed_out(
    app: Flask, client: FlaskClient, actors: Actors, settings: Settings, pair: Pair
) -> None:
    old = settings.jwt_secret_key
    # Every machine knows the new key before any signs with it.
    keyed(app, jwt_previous_keys=(NEW_KEY,))
    early = signed(claims_of(pair["access_token"]), NEW_KEY)
    assert me(client, early).status_code == 200
    keyed(app, jwt_secret_key=NEW_KEY, jwt_previous_keys=(old,))
    assert me(client, pair["access_token"]).status_code == 200
    fresh = refresh(client, pair["refresh_token"]).get_json()
    assert me(client, fresh["access_token"]).status_code == 200
    # The old one is known no more: what it signed is refused, whatever key the token names.
    unseen = tokens_of(app, actors.ada)
    keyed(app, jwt_previous_keys=())
    assert me(client, fresh["access_token"]).status_code == 200
    assert me(client, unseen["access_token"]).status_code == 200
    before = digest()
    for token, use in ((pair["access_token"], me), (pair["refresh_token"], refresh)):
        assert_problem(use(client, token), 401)
        assert_problem(use(client, signed(claims_of(token), old, key_id(NEW_KEY))), 401)
    assert digest() == before


@pytest.mark.parametrize("weak", ["", "short", "x" * 31, "x" * 200, "changeme" * 8, "q2" + "-" * 60])
def test_s02_a_weak_secret_does_not_boot(settings: Settings, weak: str) -> None:
    """The library itself would only warn, and of a short one alone."""
    urls = settings.database_url, settings.migration_database_url
    with pytest.raises(SettingsError, match="JWT_SECRET_KEY"):
        settings_for(*urls, JWT_SECRET_KEY=weak)
    with pytest.raises(SettingsError, match="JWT_PREVIOUS_KEYS"):
        settings_for(*urls, JWT_PREVIOUS_KEYS=weak or ",")
    for name in ("SECRET_KEY", "JWT_PREVIOUS_KEYS"):
        with pytest.raises(SettingsError, match="must differ"):
            settings_for(*urls, **{name: settings.jwt_secret_key})


def test_s02_a_keys_id_tells_nothing_of_it_and_is_no_others(settings: Settings) -> None:
    ids = {key_id(secret) for secret in (settings.jwt_secret_key, settings.secret_key, NEW_KEY)}
    assert len(ids) == 3
    assert all(len(id_) == 16 for id_ in ids)
