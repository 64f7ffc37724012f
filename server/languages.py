"""What a patient reads, in their language: English is in the source, each other one is a file under translations/.

Staff read English: their pages and mails are written in it alone.
"""

from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Self

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, g, has_request_context, request

from server.headers import varies

ENGLISH = "en"
CATALOGS = Path(__file__).parent / "translations"
LANGUAGES = (ENGLISH, *sorted(path.stem for path in CATALOGS.glob("*.po")))
# Where somebody may be a patient. The pages of staff are not among them.
SPOKEN = ("/v1/", "/problems")


@cache
def catalog(of: str) -> NullTranslations:
    """Straight from the files that translators write: nothing to compile, and nothing compiled to be out of date."""
    if of == ENGLISH:
        return NullTranslations()
    compiled = BytesIO()
    with (CATALOGS / f"{of}.po").open("rb") as written:
        write_mo(compiled, read_po(written, locale=of))
    compiled.seek(0)
    return Translations(compiled)


def register(app: Flask) -> None:
    app.after_request(_name)


def language() -> str:
    return _choose() if has_request_context() else ENGLISH


class Phrase(str):
    """A sentence with values in it, for whoever passes it on as a text: `say` finds it in the catalogs all the same."""

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        phrase = super().__new__(cls, template % values)
        phrase.template, phrase.values = template, values
        return phrase


def say(text: str, **values: object) -> str:
    """`text` as it stands in the catalog of whoever asks; as it is when nobody has translated it."""
    if isinstance(text, Phrase):
        return say(text.template, **text.values)
    said: str = catalog(language()).ugettext(text)
    return said % values if values else said


def _choose() -> str:
    """What the phone asks for; else the language that is kept of the patient; else English."""
    if g.get("is_staff"):
        return ENGLISH
    own = str(g.get("own_language") or ENGLISH).partition("-")[0]
    own = own if own in LANGUAGES else ENGLISH
    asked = request.accept_languages
    return (asked.best_match([own, *LANGUAGES]) if asked else None) or own


def _name(answer: Response) -> Response:
    if request.path.startswith(SPOKEN):
        varies(answer, "Accept-Language")
        if answer.status_code not in (204, 304):
            # What is in one language alone has said so.
            answer.headers.setdefault("Content-Language", language())
    return answer
