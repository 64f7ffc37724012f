"""What a patient agrees to, word for word. Another text is another version; a consent names the one it was given."""

from dataclasses import dataclass

from server.models import ConsentKind


@dataclass(frozen=True, slots=True)
class Wording:
    kind: ConsentKind
    version: str
    text: str


# What somebody has agreed to stays here, for whoever asks what it was.
EARLIER = (
    Wording(
        ConsentKind.PARTICIPATION,
        "participation-1",
        "I want to take part. My clinic may read my check-ins, have them looked over for a change for the worse, and"
        " tell my care team by an email that does not name me. Nobody watches in real time. I may withdraw here at any"
        " time. From then on nobody looks at my check-ins and no new ones are taken; what the clinic was told already"
        " stays in its records, and an urgent alert that is open is still followed up.",
    ),
)
_PARTICIPATION = Wording(
    ConsentKind.PARTICIPATION,
    "participation-2",
    "I want to take part. My clinic may read my check-ins, have them looked over for a change for the worse, and tell"
    " my care team by an email that does not name me. Nobody watches in real time. I may withdraw here at any time."
    " From then on nobody looks at my check-ins and no new ones are taken; what the clinic was told already stays in"
    " its records, and an urgent alert that is open is still followed up. Should I then still send that I think of"
    " harming myself, my care team is told that I did, and nothing else of it is kept.",
)
_DISCLOSURE = Wording(
    ConsentKind.DISCLOSURE,
    "disclosure-1",
    "My clinic may send an email to the recipient that I name, for the purpose that I choose, until the day that I"
    " choose. It says that the clinic asks them to get in touch, with a reference, since when, and how urgent it is."
    " It does not name me, my clinic, or why I am in treatment. The recipient knows me by the reference, which I give"
    " them; that they get such an email tells them that I am a patient. I may withdraw here at any time: that holds"
    " from the next email on, and what has gone cannot be taken back. My treatment does not depend on this consent.",
)
WORDINGS = {wording.kind: wording for wording in (_PARTICIPATION, _DISCLOSURE)}
