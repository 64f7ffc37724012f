"""What a push says: a constant. It lies open on a locked screen, so nothing in it tells what the app is for."""

from collections.abc import Mapping
from dataclasses import dataclass

TITLE = "Interlude"
REMINDERS: Mapping[str, str] = {"en": "You have a reminder.", "es": "Tienes un recordatorio."}
OTHERWISE = "en"
# A later one takes the place of one that still waits.
TOPIC = "reminder"


@dataclass(frozen=True, slots=True)
class Message:
    title: str
    body: str


def reminder(language: str) -> Message:
    """In the patient's language, such as es-MX, where we speak it."""
    return Message(TITLE, REMINDERS.get(language.partition("-")[0], REMINDERS[OTHERWISE]))
