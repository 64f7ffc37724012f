"""Passwords: which are taken, and that none matches but itself."""

import subprocess
import sys
import unicodedata

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import Refused
from server.services.codes import new_code
from server.services.common_passwords import _listed, is_common
from server.services.passwords import SHORTEST, check_password, hash_password, password_matches

BOB = ("bob@clinic.example", "Bob Okafor")


@pytest.mark.parametrize("password", ["elevenchars", "é" * 3 + "elevench", "correct horse battery " * 12])
def test_a_password_has_a_sane_length(password: str) -> None:
    with pytest.raises(Refused, match="12 to 256 characters"):
        check_password(password, ())


def test_its_length_is_that_of_what_was_meant() -> None:
    """An e and its accent are one letter, however the keyboard sends them."""
    eleven = unicodedata.normalize("NFD", "évincèrétéx")
    assert len(eleven) > SHORTEST
    with pytest.raises(Refused, match="12 to 256"):
        check_password(eleven, ())


@pytest.mark.parametrize(
    "password",
    [
        *(
            "q1w2e3r4t5y6",
            "unbelievable",
            "Unbelievable",
            "password1234",
            "Password1234!",
            "1234password",
            "12!password?!",
        ),
        *("P@ssw0rd2024", "p@$$w0rd2024", "Summer2026!!", "iloveyou!!!!!!", "pass-word-1234", "p a s s w o r d 1"),
        *("passwordpassword", "letmeinletmein", "letmeinletmeinlet", "aaaaaaaaaaaa", "            ", "abababababab"),
        *(
            "123456789012",
            "098765432109",
            "abcdefghijklm",
            "qwertyuiopas",
            "lkjhgfdsapoi",
            "1qaz2wsx3edc4rfv",
            "\U0001f600" * 12,
        ),
    ],
)
def test_what_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(Refused, match="tried first") as refused:
        check_password(password, ())
    assert password not in refused.value.detail


@pytest.mark.parametrize(
    "password",
    ["bob@clinic.example", "BOB@clinic.example1", "BobOkafor2026", "okafor-bob-77", "clinic-okafor!", "interlude 2026"],
)
def test_what_is_known_of_its_owner_is_no_password(password: str) -> None:
    with pytest.raises(Refused, match="email address, name or code"):
        check_password(password, BOB)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "another battery horse",
        "bob likes warm teapots",
        "tr0ub4dor&3-xy",
        "пароль для врача",
        "84-72 19,03 65",
    ],
)
def test_other_passwords_are_taken(password: str) -> None:
    check_password(password, BOB)


def test_the_list_holds_what_people_use_at_this_length() -> None:
    """At least the 3,000 most common that this rule's length lets through."""
    assert sum(len(password) >= SHORTEST for password in _listed()) > 3000
    assert all(is_common(password) for password in _listed() if len(password) >= SHORTEST)


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_whatever_is_typed_is_judged_without_a_fault(typed: str) -> None:
    try:
        check_password(typed, (typed, *BOB))
    except Refused:
        return
    assert len(unicodedata.normalize("NFC", typed)) >= SHORTEST


def test_random_codes_are_taken() -> None:
    for _ in range(1000):
        check_password(new_code(16).lower(), (new_code(8),))


def test_production_pays_the_full_cost() -> None:
    """The suite itself runs at the least (conftest)."""
    question = "from server.services.passwords import _hasher; print(_hasher.hash('correct horse battery'))"
    said = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_password_matches_itself_alone(app: Flask) -> None:
    hashed = hash_password("correct horse battery", BOB)
    assert hashed.startswith("$argon2id$")
    assert password_matches("correct horse battery", hashed)
    assert not password_matches("correct horse batterz", hashed)
    assert not password_matches("nobody has this password", None)


def test_an_accent_matches_however_it_is_sent(app: Flask) -> None:
    hashed = hash_password(unicodedata.normalize("NFD", "café près du métro"), BOB)
    assert password_matches(unicodedata.normalize("NFC", "café près du métro"), hashed)
