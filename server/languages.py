"""What a patient reads, in their language: English is in the source, each other one is a file under translations/.

Staff read English: their pages and mails are written in it alone.
"""

from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, g, request
from flask_babel import Babel, Domain, get_babel, get_locale, gettext

ENGLISH = "en"
CATALOGS = Path(__file__).parent / "translations"
LANGUAGES = (ENGLISH, *sorted(path.stem for path in CATALOGS.glob("*.po")))
# Where somebody may be a patient. The pages of staff are not among them.
SPOKEN = ("/v1/", "/problems")


class Catalogs(Domain):  # type: ignore[misc]  # flask-babel is untyped
    """Straight from the files that translators write: nothing to compile, and nothing compiled to be out of date."""

    def get_translations(self) -> NullTranslations:
        return catalog(language())


@cache
def catalog(of: str) -> NullTranslations:
    if of == ENGLISH:
        return NullTranslations()
    compiled = BytesIO()
    with (CATALOGS / f"{of}.po").open("rb") as written:
        write_mo(compiled, read_po(written, locale=of))
    compiled.seek(0)
    return Translations(compiled)


def register(app: Flask) -> None:
    Babel(configure_jinja=False).init_app(app, default_locale=ENGLISH, locale_selector=_choose)
    get_babel(app).instance.domain_instance = Catalogs()
    app.after_request(_name)


def language() -> str:
    return str(get_locale() or ENGLISH)


def say(text: str, **values: object) -> str:
    """`text` as it stands in the catalog of whoever asks; as it is when nobody has translated it."""
    return str(gettext(text, **values))


def _choose() -> str:
    """What the phone asks for; else the language that is kept of the patient; else English."""
    if g.get("is_staff"):
        return ENGLISH
    own = str(g.get("own_language") or ENGLISH).partition("-")[0]
    own = own if own in LANGUAGES else ENGLISH
    return request.accept_languages.best_match([own, *LANGUAGES]) or own


def _name(answer: Response) -> Response:
    if request.path.startswith(SPOKEN):
        answer.vary.add("Accept-Language")
        if answer.status_code not in (204, 304):
            answer.content_language.add(language())
    return answer
