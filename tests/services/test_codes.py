"""Codes that people type, and passwords."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import Refused
from server.services.codes import ALPHABET, new_code, normal_code
from server.services.passwords import hash_password, password_matches


@given(symbols=st.integers(4, 24).map(lambda n: n // 4 * 4))
def test_a_code_survives_how_people_type_it(symbols: int) -> None:
    code = new_code(symbols)
    assert len(code.replace("-", "")) == symbols
    assert set(code) <= {*ALPHABET, "-"}
    for typed in (code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')} ", code.replace("0", "O")):
        assert normal_code(typed) == code
    assert normal_code(code.replace("1", "l").replace("0", "o")) == code


@settings(max_examples=50)
@given(st.text(max_size=20))
def test_whatever_is_typed_is_read_without_a_fault(typed: str) -> None:
    assert normal_code(normal_code(typed)) == normal_code(typed)


def test_codes_differ() -> None:
    assert len({new_code(12) for _ in range(1000)}) == 1000


def test_a_password_has_a_sane_length() -> None:
    for wrong in ("elevenchars", "x" * 257):
        with pytest.raises(Refused):
            hash_password(wrong)


def test_a_password_matches_itself_alone() -> None:
    hashed = hash_password("correct horse battery")
    assert hashed.startswith("$argon2id$")
    assert password_matches("correct horse battery", hashed)
    assert not password_matches("correct horse batterz", hashed)
    assert not password_matches("nobody has this password", None)
