"""Bounces of several mail servers are read alike; what is none, or only looks like one, is refused and harms nobody."""

import base64
import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import NotABounce
from server.mail.bounces import LARGEST_BOUNCE, Bounced, read_bounce
from tests.mail import bounce_samples as samples
from tests.mail.bounce_samples import ID, OURS, POSTFIX

BOB = "bob@clinic.example"
SAMPLES = {
    "Postfix": (samples.POSTFIX, "5.1.1", True),
    "Postfix, delayed": (samples.POSTFIX_DELAYED, "4.4.1", False),
    "Postfix, given up": (samples.POSTFIX_EXPIRED, "4.4.1", True),
    "Exim": (samples.EXIM, "5.0.0", True),
    "Exchange": (samples.EXCHANGE, "5.1.10", True),
    "Gmail": (samples.GMAIL, "5.1.1", True),
    "SES": (samples.SES, "5.1.1", True),
}


def read(text: str) -> list[Bounced]:
    return list(read_bounce(text.encode()))


@pytest.mark.parametrize("ends", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("of", SAMPLES)
def test_a_bounce_says_which_mail_at_whom_and_why(of: str, ends: str) -> None:
    text, status, gave_up = SAMPLES[of]
    assert read(text.replace("\n", ends)) == [Bounced(ID, BOB, status, gave_up)]


@pytest.mark.parametrize("of", SAMPLES)
def test_an_address_is_bad_only_when_they_gave_up_for_a_lasting_reason(of: str) -> None:
    text, status, gave_up = SAMPLES[of]
    (bounced,) = read(text)
    assert bounced.lasting == (gave_up and status[0] == "5")


def with_recipients(*blocks: str) -> str:
    """Postfix's bounce, about these."""
    return re.sub(
        r"Final-Recipient:.*?User unknown\n\n", "\n\n".join(blocks) + "\n\n", POSTFIX, count=1, flags=re.DOTALL
    )


def test_each_recipient_has_its_own_line() -> None:
    blocks = [f"Final-Recipient: rfc822; {name}@clinic.example\nAction: failed\nStatus: 5.1.1" for name in "abc"]
    assert [bounced.recipient for bounced in read(with_recipients(*blocks))] == [
        f"{name}@clinic.example" for name in "abc"
    ]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (f"Final-Recipient: rfc822; {BOB}\nAction: delivered\nStatus: 2.0.0", []),
        (f"Final-Recipient: rfc822; {BOB}\nAction: relayed\nStatus: 2.0.0", []),
        ("Action: failed\nStatus: 5.1.1", []),
        (f"Final-Recipient: {BOB}\nAction: FAILED (gone)\nStatus: 5.1.1 (no such mailbox)", [(BOB, "5.1.1")]),
        (f"Final-Recipient: rfc822;<{BOB}>\nAction: failed", [(BOB, "5.0.0")]),
        (f"Final-Recipient: rfc822;{BOB}\nAction: delayed\nStatus: soon", [(BOB, "4.0.0")]),
        (f"Final-Recipient: rfc822;home@x.example\nOriginal-Recipient: rfc822;{BOB}\nAction: failed\nStatus: 5.2.2",
         [(BOB, "5.2.2")]),
        ("Final-Recipient: utf-8; b\u00f6b@clinic.example\nAction: failed\nStatus: 5.1.1", None),
        (f"Final-Recipient: rfc822;\n {BOB}\nAction:\n failed\nStatus: 5.1.1", [(BOB, "5.1.1")]),
    ],
)  # fmt: skip
def test_odd_fields(block: str, expected: list[tuple[str, str]] | None) -> None:
    found = [(bounced.recipient, bounced.status) for bounced in read(with_recipients(block))]
    # Beyond ASCII the address is not ours as we wrote it, and the mail's id says enough.
    assert found == expected if expected is not None else [status for _, status in found] == ["5.1.1"]


def test_the_returned_mail_may_be_encoded() -> None:
    encoded = base64.encodebytes(OURS.encode()).decode()
    text = POSTFIX.replace(
        "Content-Type: text/rfc822-headers\n", "Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: base64\n"
    )
    assert read(text.replace("Return-Path: <no-reply@interlude.example>\n" + OURS, encoded))[0].message_id == ID
    quoted = text.replace("base64", "quoted-printable").replace(
        f"X-Mail-ID: {ID}", f"X-Mail-ID: {str(ID)[:9]}=\n{str(ID)[9:]}"
    )
    assert read(quoted)[0].message_id == ID


NO_BOUNCE = {
    "nothing": "",
    "a reply": f"From: {BOB}\nSubject: Re: A patient alert\nIn-Reply-To: <{ID}@interlude.example>\n\nI am away.\n",
    "an out-of-office note": f"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n{OURS}\n--b--\n",
    "a read receipt": POSTFIX.replace("message/delivery-status", "message/disposition-notification"),
    "of another's mail": POSTFIX.replace(str(ID), "CAF=1234567890"),
    "without the mail": POSTFIX.replace("text/rfc822-headers", "text/plain"),
    "without a boundary": POSTFIX.replace("\n\tboundary=", "\n\tx="),
}  # fmt: skip


@pytest.mark.parametrize("what", NO_BOUNCE)
def test_what_is_no_bounce_of_ours_is_refused_aloud(what: str) -> None:
    with pytest.raises(NotABounce, match=r"^It ") as refused:
        read(NO_BOUNCE[what])
    assert BOB not in str(refused.value)


def test_ours_is_the_mail_that_is_returned_not_one_that_is_quoted() -> None:
    other = uuid.uuid4()
    text = POSTFIX.replace(
        "This is the mail system", f"Message-ID: <{other}@interlude.example>\n\nThis is the mail system"
    )
    assert read(text)[0].message_id == ID


def test_more_than_any_bounce_is_not_read() -> None:
    with pytest.raises(NotABounce, match="larger"):
        read_bounce(POSTFIX.encode() + b"x" * LARGEST_BOUNCE)


NESTED = b"".join(b"Content-Type: multipart/report; boundary=b%d\n\n--b%d\n" % (at, at) for at in range(15_000))
REPORT = b"Content-Type: multipart/report; boundary="
HOSTILE = {
    "nested": NESTED,
    "as many parts": REPORT + b"b\n\n" + b"--b\nContent-Type: message/delivery-status\n\n" * 20_000,
    "as many recipients": with_recipients(*["Action: failed\nFinal-Recipient: rfc822; x@y"] * 20_000).encode(),
    "headers alone": b"Content-Type: multipart/report; boundary=b\n" + b"X: y\n" * 190_000,
    "one header": REPORT + b"b" * 1_000_000,
    "parameters": b"Content-Type: multipart/report" + b"; boundary*0*=''b" * 50_000,
    "folded": POSTFIX.encode().replace(b"Action: failed", b"Action: failed" + b"\n x" * 300_000),
    "blank": POSTFIX.encode().replace(b"Action: failed", b"\n \t" * 300_000),
    "spaces": POSTFIX.encode().replace(b"Action: failed", b"\n" + b" " * 900_000 + b"x"),
    "quotes": b'Content-Type: multipart/report; boundary="' + b'\\"' * 400_000,
    "comments": REPORT + b"(" * 900_000,
    "odd charsets": POSTFIX.encode().replace(BOB.encode(), b"=?x-nothing?b?AAAA?= \xff\xfe\x00"),
    "an odd boundary": b"Content-Type: multipart/report; boundary*=x-nothing'en'%ff%fe\xff\n\n--x\n",
    "a charset that is none": b"Content-Type: multipart/report; boundary*=undefined''x\n\n--x\n",
    "a number that is none": b"Content-Type: multipart/report; boundary*" + b"9" * 5000 + b"=x\n\n--x\n",
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_mails_are_read_to_their_end_or_refused(what: str) -> None:
    try:
        found = read_bounce(HOSTILE[what])
    except NotABounce:
        return
    assert len(found) <= 100


PIECES = st.sampled_from(
    [
        *(line.encode() + b"\n" for line in POSTFIX.splitlines()),
        *(b"\n", b"\r\n", b"\r", b"\x00", b"--", b";", b"=", b'"', b"\xff\xfe", b"=?utf-8?b?/w==?="),
        *(b"; boundary*=utf-7''+AGE-", b"\xc2\x85", b"\xe2\x80\xa8"),
    ]
)  # fmt: skip


@given(start=st.integers(0, len(POSTFIX)), taken=st.integers(0, 400), pieces=st.lists(PIECES | st.binary(max_size=20)))
def test_a_bounce_that_was_tampered_with_never_breaks_the_reader(start: int, taken: int, pieces: list[bytes]) -> None:
    raw = POSTFIX.encode()
    try:
        read_bounce(raw[:start] + b"".join(pieces) + raw[start + taken :])
    except NotABounce:
        return


@given(raw=st.binary() | st.lists(PIECES).map(b"".join))
def test_nothing_at_all_breaks_the_reader(raw: bytes) -> None:
    try:
        read_bounce(raw)
    except NotABounce:
        return
