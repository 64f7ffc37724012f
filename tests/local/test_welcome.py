"""What `make run` prints: with each patient that it names, what it tells to try works."""

from typing import Any

from server.local.ports import Ports
from server.local.welcome import welcome


def printed(*would_mail: bool) -> str:
    staff = {"role": "clinician", "email": "bob@x.example", "password": "pw"}
    patients: list[dict[str, Any]] = [
        {"role": "patient", "code": f"P-{number}", "password": "pw", "zone": "Europe/Berlin", "would_mail": would}
        for number, would in enumerate(would_mail)
    ]
    return welcome(Ports(8000), [staff, *patients])


def named(said: str) -> list[str]:
    return [f"P-{number}" for number in range(9) if f"P-{number} " in said]


def test_those_are_printed_of_whom_a_bad_evening_mails() -> None:
    said = printed(False, True, False, True, True)
    assert named(said) == ["P-1", "P-3"]
    assert '{"code": "P-1", "password": "pw"}' in said
    assert '"zone": "Europe/Berlin"' in said
    assert "and 3 more patients in var/demo.json" in said


def test_one_is_printed_when_one_is_left() -> None:
    assert named(printed(False, False, True)) == ["P-2"]


def test_when_nobody_is_left_it_says_so() -> None:
    said = printed(False, False)
    assert named(said) == []
    assert "each of them has had one" in said
    assert "TOKEN=" not in said
    assert "bob@x.example" in said
