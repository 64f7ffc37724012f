"""What a push says: a constant. It lies open on a locked screen, so nothing in it tells what the app is for."""

from dataclasses import dataclass

from server.languages import ENGLISH, LANGUAGES, catalog

TITLE = "Interlude"
REMINDER = "You have a reminder."
# A later one takes the place of one that still waits.
TOPIC = "reminder"


@dataclass(frozen=True, slots=True)
class Message:
    title: str
    body: str


def reminder(language: str) -> Message:
    """In the patient's language, such as es-MX, where there is a catalog of it."""
    spoken = language.partition("-")[0]
    return Message(TITLE, catalog(spoken if spoken in LANGUAGES else ENGLISH).gettext(REMINDER))
