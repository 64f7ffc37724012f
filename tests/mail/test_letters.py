"""Every mail there is: the same in text and in HTML, legible in the light and in the dark, and loading nothing."""

import re
import uuid
from dataclasses import replace
from datetime import date
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import get_args

import pytest

from server.mail import AccountMail, Mail, OutsideMail
from tests.attacks.test_s07_injection import HOSTILE, Seen
from tests.contrast import Painted, dark_rules, illegible, inverted, ratio
from tests.mail.test_compose import BASE, MAIL, RAISED, composed, part
from tests.mail.test_digest import ALARM, DIGEST, ESCALATED
from tests.mail.test_reset import reset

OUTSIDE = OutsideMail(uuid.UUID(int=7), "7K4M-QXW2", "gray@outside.example", "prompt", RAISED, date(2027, 5, 4))
ACCOUNT = AccountMail(uuid.UUID(int=7), "bob@clinic.example", "your password", RAISED)
MAILS: dict[str, Mail] = {
    "alert": MAIL,
    "escalated": ESCALATED,
    "routine": replace(MAIL, severity="routine"),
    "outside": OUTSIDE,
    "digest": DIGEST,
    "alarm": ALARM,
    "account": ACCOUNT,
}
LETTERS: dict[str, EmailMessage] = {**{name: composed(mail) for name, mail in MAILS.items()}, "reset": reset()}
HTML = {name: part(letter, "html") for name, letter in LETTERS.items()}
CSS = (Path(__file__).parents[2] / "server/mail/templates/letter.css").read_text()
# The HTML shows a button; where none is shown, it says what to open.
BUTTON = "If the button does not work, open"
LOADS = (
    "<img", "<script", "<link", "<iframe", "<form", "<base", "<object", "<video", "<svg", "src=", "srcset=",
    "background=", "url(", "@import", "@font-face", "http-equiv", "javascript:", "data:", "cid:",
)  # fmt: skip
EACH = pytest.mark.parametrize("name", LETTERS)


def test_each_kind_of_mail_is_among_them() -> None:
    assert {type(mail) for mail in MAILS.values()} == {
        kind for one in get_args(Mail) for kind in get_args(one) or (one,)
    }


def words(said: str) -> list[str]:
    """The words alone: a button needs no colon and a heading no full stop."""
    return re.findall(r"[^\s:.;,]+", said)


@EACH
def test_text_and_html_say_the_same_in_the_same_order(name: str) -> None:
    body = HTML[name].partition("<body")[2].partition(">")[2]
    shown = unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<a [^>]*>[^<]*</a></p>", "</p>", body.replace(BUTTON, ""))))
    text = part(LETTERS[name], "plain")
    # The address of the link is written under the button, and again in what the button opens.
    links = re.findall(r'href="([^"]*)"', body)
    assert links == re.findall(r"https?://\S+", text) * 2
    assert words(shown) == words(re.sub(r"https?://\S+", "", text))


@EACH
def test_each_has_a_text_and_an_html_and_no_more(name: str) -> None:
    kinds = [found.get_content_type() for found in LETTERS[name].walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    text = part(LETTERS[name], "plain")
    assert "\n\n\n" not in text


@EACH
def test_none_loads_anything_from_anywhere(name: str) -> None:
    html = HTML[name].lower()
    assert [loading for loading in LOADS if loading in html] == []
    assert {url for url in re.findall(r"[a-z]+:?//[^\s\"<]+", html) if not url.startswith(f"{BASE}/")} == set()


@EACH
def test_every_rule_stands_on_its_elements(name: str) -> None:
    """Mail programs drop style sheets; what is left of ours only asks whether it is dark."""
    ((sheet),) = re.findall(r"<style>(.*?)</style>", HTML[name], re.DOTALL)
    assert re.fullmatch(r"\s*@media \(prefers-color-scheme: dark\) \{(\s*[^{}]+\{[^{}]*\})*\s*\}\s*", sheet)
    assert all("!important" in style for style in re.findall(r"#[0-9a-f]+[^;]*;", sheet))
    for element, attributes in Seen(HTML[name]).elements:
        if "class" in dict(attributes):
            assert dict(attributes)["style"], element
    assert '<meta name="color-scheme" content="light dark">' in HTML[name]


@EACH
def test_it_is_legible_in_the_light_in_the_dark_and_turned_round(name: str) -> None:
    dark = dark_rules(HTML[name])
    shown = Painted(HTML[name]).found
    assert len(shown) >= 5
    assert {paper for _, _, paper in Painted(HTML[name], dark).found} & {paper for _, _, paper in shown} == set()
    for turned in (str, inverted):
        assert list(illegible(HTML[name], turned)) == []
        assert list(illegible(HTML[name], turned, **dark)) == []


def test_every_colour_has_another_in_the_dark() -> None:
    light, _, night = CSS.partition("\n@media")
    coloured = re.compile(r"\.([a-z]+)[^{}]*\{[^{}]*color: #")
    assert set(coloured.findall(light)) == dark_rules(f"@media{night}").keys() != set()


def test_the_arithmetic_of_contrast() -> None:
    assert ratio("#000000", "#ffffff") == pytest.approx(21)
    assert ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert inverted("#ffffff") == "#000000"
    assert list(illegible('<p style="color: #777777;background-color: #ffffff">grey</p>')) != []


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(("kind", "plain"), [("alert", MAIL), ("outside", OUTSIDE)])
def test_whatever_is_put_in_is_text(kind: str, plain: Mail, text: str) -> None:
    """None of these values is a patient's; if one were, it would still be only words."""
    mail = replace(MAIL, severity=text) if kind == "alert" else replace(OUTSIDE, severity=text, reference=text)
    hostile, harmless = composed(mail), composed(plain)
    kept = [name for name in harmless if name != "Content-Type"]
    assert [name for name in hostile if name != "Content-Type"] == kept
    assert [hostile[name] for name in kept] == [harmless[name] for name in kept]
    shown = Seen(part(hostile, "html"))
    assert [tag for tag, _ in shown.elements] == [tag for tag, _ in Seen(part(harmless, "html")).elements]
    assert " ".join(text.split()) in " ".join(shown.text.split())
