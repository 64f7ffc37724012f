"""Sealing: what went in comes out, in the same place, under a key that is still there, and nothing else does."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.sealing import KEY_BYTES, CannotOpen, Keyring, KeysLost

KEYS = {key_id: secrets.token_bytes(KEY_BYTES) for key_id in ("new", "old")}
BOTH = Keyring(KEYS)
NEW, OLD = (Keyring({key_id: key}) for key_id, key in KEYS.items())
HERE = ("check_in.note", "ada", "1")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=200)


@given(TEXTS)
def test_what_is_sealed_opens_in_its_place_and_shows_nothing(text: str) -> None:
    sealed = BOTH.seal(text, HERE)
    assert BOTH.open(sealed, HERE) == NEW.open(sealed, HERE) == text
    assert len(text) < 4 or text.encode() not in sealed
    assert BOTH.seal(text, HERE) != sealed


@pytest.mark.parametrize(
    "place",
    [
        ("check_in.note", "eve", "1"),
        ("check_in.note", "ada", "2"),
        ("check_in.note", "ada1"),
        ("check_in.note", "ada"),
        ("check_in.note", "ada", "1", ""),
        ("alert.outcome_note", "ada", "1"),
    ],
)
def test_nowhere_else(place: tuple[str, ...]) -> None:
    sealed = BOTH.seal("a quiet day", HERE)
    with pytest.raises(CannotOpen) as refused:
        BOTH.open(sealed, place)
    assert "quiet" not in str(refused.value)


def test_no_bit_of_it_may_change_and_no_byte_be_missing() -> None:
    sealed = BOTH.seal("a quiet day", HERE)
    flipped = [
        sealed[:byte] + bytes([sealed[byte] ^ (1 << bit)]) + sealed[byte + 1 :]
        for byte in range(len(sealed))
        for bit in range(8)
    ]
    cut = [sealed[:length] for length in range(len(sealed))] + [sealed[1:], sealed + b"\0"]
    for broken in (*flipped, *cut):
        with pytest.raises(CannotOpen):
            BOTH.open(broken, HERE)


def test_the_first_key_seals_and_all_open() -> None:
    assert BOTH.open(OLD.seal("before", HERE), HERE) == "before"
    with pytest.raises(CannotOpen):
        OLD.open(BOTH.seal("after", HERE), HERE)


def test_a_key_is_known_by_its_check_value() -> None:
    kept = {"old": OLD.check_value(), "new": NEW.check_value()}
    BOTH.verify(kept)
    Keyring(KEYS).verify({})
    with pytest.raises(KeysLost, match="DATA_KEYS lacks old"):
        NEW.verify(kept)
    impostor = Keyring({"old": KEYS["new"], "new": KEYS["old"]})
    with pytest.raises(KeysLost, match="Under new, old DATA_KEYS has another key"):
        impostor.verify(kept)
    with pytest.raises(KeysLost):
        BOTH.verify({"old": NEW.check_value()})
