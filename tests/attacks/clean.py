"""What an error must not do: say again what it was told."""

from werkzeug.test import TestResponse

from tests.factories import CANARY


def assert_clean(answer: TestResponse, *, status: int | None = None) -> None:
    """An error that repeats nothing, neither in its body nor in a header."""
    assert answer.status_code >= 400 if status is None else answer.status_code == status, answer.status_code
    assert CANARY not in answer.get_data(as_text=True)
    assert CANARY not in str(answer.headers)
