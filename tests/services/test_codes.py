"""Codes that people type."""

from hypothesis import given, settings
from hypothesis import strategies as st

from server.services.codes import ALPHABET, new_code, normal_code


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
