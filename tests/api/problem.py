"""What every error answer must be."""

import re

from werkzeug.test import TestResponse

from server.api.kinds import KINDS

# Of what a phone reports: see test_safety.
OF_REPORTS = {"support", "care_team_told"}


def assert_problem(answer: TestResponse, *statuses: int) -> None:
    """An RFC 9457 document whose type is one of ours, and whose pointers are JSON pointers."""
    assert answer.status_code in statuses, (answer.status_code, answer.get_data(as_text=True)[:500])
    assert answer.headers["Content-Type"] == "application/problem+json"
    said = answer.get_json()
    kind = KINDS[said["type"].removeprefix("/problems/")]
    assert (said["title"], said["status"]) == (kind.title, kind.status)
    assert said["status"] == answer.status_code
    assert set(said) <= {"type", "title", "status", "detail", "errors", "request_id", *OF_REPORTS}
    for error in said.get("errors", ()):
        assert set(error) == {"pointer", "detail"}
        assert re.fullmatch(r"#(/([\w.%-]|~[01])*)*", error["pointer"]), error


def pointers(answer: TestResponse) -> list[str]:
    return [error["pointer"] for error in answer.get_json().get("errors", ())]
