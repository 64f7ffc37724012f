"""Bodies that no route may take, and none may fall over."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

from tests.factories import CANARY

JSON = "application/json"
LARGEST = 256 * 1024
Sent = tuple[bytes, dict[str, str]]


def unreadable(good: dict[str, Any]) -> Iterator[tuple[str, Sent]]:
    """What is refused before anybody looks at its fields."""
    text = json.dumps(good)
    typed = {"Content-Type": JSON}
    yield "not JSON", (b"craving=7", typed)
    yield "half of it", (text.encode()[:-2], typed)
    yield "more behind it", (text.encode() + b"{}", typed)
    yield "empty", (b"", typed)
    yield "NUL bytes", (b"\0" * 100, typed)
    yield "not UTF-8", (text.encode()[:-1] + b',"x":"\xff\xfe"}', typed)
    yield "UTF-16", (text.encode("utf-16"), typed)
    yield "UTF-16 as said", (text.encode("utf-16"), {"Content-Type": f"{JSON}; charset=utf-16"})
    yield "UTF-32", (text.encode("utf-32"), typed)
    yield "UTF-8 with a mark", (text.encode("utf-8-sig"), typed)
    yield "gzip", (gzip.compress(text.encode()), typed | {"Content-Encoding": "gzip"})
    yield "said to be gzip", (text.encode(), typed | {"Content-Encoding": "GZIP"})
    yield "no type", (text.encode(), {})
    yield "a form", (b"craving=7", {"Content-Type": "application/x-www-form-urlencoded"})
    yield "text", (text.encode(), {"Content-Type": "text/plain"})
    yield "a JSON of another kind", (text.encode(), {"Content-Type": "application/json-seq"})
    yield "multipart", (b"--x\r\n\r\n--x--", {"Content-Type": "multipart/form-data; boundary=x"})
    yield "too large", (text.encode() + b" " * LARGEST, typed)
    yield "far too large", (b"[" + b"1," * LARGEST * 3 + b"1]", typed)
    yield "arrays 100,000 deep", (b"[" * 100_000 + b"]" * 100_000, typed)
    yield "objects 40,000 deep", (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, typed)
    yield "deep inside a field", (with_raw(good, b"[" * 5_000 + b"]" * 5_000), typed)
    for value in (b"[]", b"[{}]", b"null", b"true", b"7", b'"text"', b"{}x", b"[" + text.encode() + b"]"):
        yield value[:12].decode(), (value, typed)
    for value in (b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"9" * 5_000, b"1e-400" + b"0" * 50, b"01"):
        yield f"a number {value[:9].decode()}", (with_raw(good, value), typed)
    for value in (b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\x"', b'"\t"', b"'x'"):
        yield f"a text {value.decode()}", (with_raw(good, value), typed)
    yield "a lone surrogate as a name", (b'{"\\ud800": 1}', typed)
    name = json.dumps(next(iter(good)))
    yield "a name twice", (text.encode()[:-1] + f",{name}: 1}}".encode(), typed)
    yield "a comment", (text.encode() + b"// no", typed)


def with_raw(good: dict[str, Any], value: bytes) -> bytes:
    """`value` as it is, in place of every field's."""
    return b"{" + b",".join(json.dumps(name).encode() + b":" + value for name in good) + b"}"


def ill_fitting(good: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """JSON that is well written and breaks the shape: each names the field to blame."""
    yield "an unknown field", {**good, "zebra": CANARY}
    yield "an empty name", {**good, "": CANARY}
    yield "a name that ends a pointer", {**good, "a/b~c": CANARY}
    wrong: Any
    for name, value in good.items():
        for wrong in (f"{CANARY}\0", {CANARY: CANARY}, [CANARY, {CANARY: 1}], [[CANARY]], -98765.4321, 10**30):
            yield f"{name} = {wrong!r}", {**good, name: wrong}
        if isinstance(value, str):
            # A report's note may be empty.
            empty = [] if name == "note" and "recorded_at" in good else [""]
            for wrong in (*empty, f"\0{value}", f"{value}\0", CANARY * 500, 7, True, [value]):
                yield f"{name} = {str(wrong)[:30]!r}", {**good, name: wrong}
        if isinstance(value, list):
            for wrong in ([None], [*value, f"{CANARY}\0"], {"0": value[0]}, value[0]):
                yield f"{name} = {wrong!r}", {**good, name: wrong}
        if isinstance(value, bool | int | float):
            for wrong in (str(value), [value], "\u0667", 10**25, -1, 1e308):
                yield f"{name} = {wrong!r}", {**good, name: wrong}
