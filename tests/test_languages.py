"""What a patient reads is there in every language, and comes in the one that is asked for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

from server import errors
from server.api.kinds import KINDS
from server.languages import CATALOGS, ENGLISH, LANGUAGES, catalog
from server.push.messages import REMINDER
from server.services.support import support_for
from tests.conftest import Clock
from tests.factories import Actors, check_in_body, new_id, signed_in

SERVER = Path(errors.__file__).parent
# Who calls these reads English: staff, and whoever runs it.
STAFF_ONLY = {
    *(
        "care_teams",
        "clinics",
        "members",
        "courses",
        "alerts",
        "limits",
        "outages",
        "break_glass",
        "unique",
        "patients",
    ),
    *("quarantine", "audit", "password_resets", "rota", "routings", "restoring"),
}
RAISED = {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.DomainError)
}
# Of these a patient reads nothing, or what stands below by itself.
SAID_ELSEWHERE = {"TooMany", "MailRefused", "PushRefused", "PushAddressGone"}
# What marshmallow itself says of a shape most often.
SHAPES = {
    *("Missing data for required field.", "Unknown field.", "Field may not be null.", "Invalid input type."),
    *("Not a valid list.", "Not a valid string.", "Not a valid integer."),
}
EACH = pytest.mark.parametrize("language", [one for one in LANGUAGES if one != ENGLISH])


def sentence(call: ast.Call) -> ast.expr | None:
    """What an error is raised with that a patient may read."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name not in {*RAISED, "NotJson", "ValidationError", "Phrase"} or name in SAID_ELSEWHERE or not call.args:
        return None
    return call.args[1] if name == "Refused" and len(call.args) > 1 else call.args[0]


def raised() -> Iterator[ast.expr]:
    for folder in ("services", "api", "schemas", "push"):
        for path in sorted((SERVER / folder).glob("*.py")):
            if path.stem not in STAFF_ONLY:
                calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
                yield from filter(None, map(sentence, calls))


def messages() -> set[str]:
    """All that there is to translate."""
    found = {text for kind in KINDS.values() for text in (kind.title, kind.meaning, kind.remedy)} | SHAPES
    for support in (support_for("US"), support_for("PE")):
        found |= {support.notice, *(line.name for line in support.lines)}
    for page in (SERVER / "api/templates").glob("*.html"):
        found |= set(re.findall(r'say\("([^"]+)"\)', page.read_text()))
    found.add(REMINDER)
    found |= {*errors.ATTEMPTS, *errors.REQUESTS}
    found |= {str(node.value) for node in raised() if isinstance(node, ast.Constant)}
    return found | set(re.findall(r'^INVALID_\w+ = "(.+)"$', (SERVER / "schemas/fields.py").read_text(), re.MULTILINE))


def test_there_is_spanish() -> None:
    assert "es" in LANGUAGES
    assert len(messages()) > 100


def test_no_sentence_for_a_patient_is_made_of_values() -> None:
    """Nobody could translate it: values have their places in the sentence, by name."""
    made = [ast.unparse(node) for node in raised() if isinstance(node, ast.JoinedStr)]
    assert made == []


@EACH
def test_no_message_lacks_its_translation(language: str) -> None:
    said = catalog(language)
    assert sorted(text for text in messages() if said.gettext(text) == text) == []


@EACH
def test_a_catalog_is_sound(language: str) -> None:
    """Nothing fuzzy, nothing left over from before, and the same values in both."""
    with (CATALOGS / f"{language}.po").open("rb") as written:
        found = read_po(written, locale=language)
    kept = {str(message.id): message for message in found if message.id}
    assert [text for text, message in kept.items() if message.fuzzy or not message.string] == []
    for text, message in kept.items():
        assert sorted(re.findall(r"%\(\w+\)\w", text)) == sorted(re.findall(r"%\(\w+\)\w", str(message.string))), text
        for number in ("988", "112", "911"):
            assert (number in text) == (number in str(message.string)), text


def test_the_spanish_line_is_said_in_spanish() -> None:
    line = catalog("es").gettext("988 Suicide & Crisis Lifeline (call or text)")
    assert "oprima 2" in line
    assert "AYUDA" in line


ASKED = [
    ("es", "en", "es"),
    ("es-MX,es;q=0.9,en;q=0.5", "en", "es"),
    ("en-US,en;q=0.9,es;q=0.1", "es", "en"),
    ("fr, de;q=0.5", "en", "en"),
    ("fr, de;q=0.5", "es", "es"),
    ("", "es-PR", "es"),
    ("*", "es", "es"),
    ("es;q=0", "en", "en"),
    ("nonsense;;q=\u00e9", "fr", "en"),
]


@pytest.mark.parametrize(("asks", "own", "gets"), ASKED)
def test_the_phone_asks_else_the_patients_own_else_english(
    app: Flask, client: FlaskClient, actors: Actors, asks: str, own: str, gets: str
) -> None:
    headers = signed_in(app, actors.ada) | ({"Accept-Language": asks} if asks else {})
    client.patch("/v1/me", json={"language": own}, headers=headers)
    today = client.get("/v1/today", headers=headers)
    assert today.headers["Content-Language"] == gets
    assert "Accept-Language" in today.headers["Vary"]
    assert ("Nadie" in today.get_json()["support"]["notice"]) is (gets == "es")


def test_what_a_check_in_is_answered(app: Flask, client: FlaskClient, actors: Actors, clock: Clock) -> None:
    headers = signed_in(app, actors.ada) | {"Accept-Language": "es"}
    url = f"/v1/check-ins/{new_id()}"
    stored = client.put(url, json=check_in_body(clock()), headers=headers)
    assert (stored.status_code, stored.headers["Content-Language"]) == (201, "es")
    assert stored.get_json()["support"]["lines"][1] == {"name": "Servicios de emergencia", "phone": "911"}
    refused = client.put(f"/v1/check-ins/{new_id()}", json=check_in_body(clock(), craving=11), headers=headers)
    assert refused.get_json()["title"] == "El contenido no cumple una regla"
    assert refused.get_json()["errors"][0]["detail"].startswith("Una valoraci\u00f3n es un n\u00famero")
    edited = client.put(url, json=check_in_body(clock(), craving=4), headers=headers)
    assert edited.get_json()["detail"].startswith("Con este id est\u00e1 guardada otra cosa.")
    wrong = check_in_body(clock(), used="maybe", note="x" * 2001, zone="")
    details = client.put(f"/v1/check-ins/{new_id()}", json=wrong, headers=headers).get_json()["errors"]
    assert {each["pointer"]: each["detail"] for each in details} == {
        "#/used": "Debe ser uno de: yes, no, rather_not_say.",
        "#/note": "Debe tener como m\u00e1ximo 2000 caracteres.",
        "#/zone": "Debe tener entre 1 y 64 caracteres.",
    }
    old = check_in_body(clock()) | {"recorded_at": "2020-01-01T00:00:00Z"}
    assert (
        "m\u00e1s de 35 d\u00edas"
        in client.put(f"/v1/check-ins/{new_id()}", json=old, headers=headers).get_json()["detail"]
    )
    item = {"kind": "check_in", "id": new_id(), "content": old}
    (result,) = client.post("/v1/sync", json={"items": [item]}, headers=headers).get_json()["results"]
    assert "m\u00e1s de 35 d\u00edas" in result["problem"]["detail"]
    assert "m\u00e1s de 35 d\u00edas" in result["problem"]["errors"][0]["detail"]


def test_what_is_in_english_alone_says_so(client: FlaskClient) -> None:
    assert client.get("/v1/wordings", headers={"Accept-Language": "es"}).headers["Content-Language"] == "en"


def test_who_is_not_signed_in_is_asked_to_in_their_language(client: FlaskClient) -> None:
    said = client.get("/v1/today", headers={"Accept-Language": "es"}).get_json()
    assert said["title"] == "Primero inicie sesi\u00f3n"
    page = client.get("/problems/invalid", headers={"Accept-Language": "es"})
    assert 'lang="es"' in page.get_data(as_text=True)
    assert "Qu\u00e9 hacer" in page.get_data(as_text=True)


def test_staff_read_english(app: Flask, client: FlaskClient, actors: Actors) -> None:
    headers = signed_in(app, actors.bob) | {"Accept-Language": "es"}
    answer = client.get(f"/v1/patients/{new_id()}", headers=headers)
    assert (answer.get_json()["title"], answer.headers["Content-Language"]) == ("Not found", "en")
    assert "Content-Language" not in client.get("/sign-in", headers={"Accept-Language": "es"}).headers


def test_another_language_is_another_etag(app: Flask, client: FlaskClient, actors: Actors) -> None:
    headers = signed_in(app, actors.ada)
    english = client.get("/v1/today", headers=headers | {"Accept-Language": "en"}).headers["ETag"]
    spanish = headers | {"Accept-Language": "es", "If-None-Match": english}
    assert client.get("/v1/today", headers=spanish).status_code == 200
