"""What was audited, as the owner reads it."""

from typing import Any

from tests.database import rows


def events(columns: str = "action, actor, actor_id, patients, what") -> list[tuple[Any, ...]]:
    """In order, clinic by clinic."""
    return list(rows(f"SELECT {columns} FROM audit_event ORDER BY clinic_id, seq"))  # noqa: S608


def actions() -> list[str]:
    return [action for (action,) in events("action")]
