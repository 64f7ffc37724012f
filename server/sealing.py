"""Text sealed at rest: AES-256-GCM, under a key that has an id, for one place alone.

A place is a column and the row it is in. It is associated data, so that what was sealed for one patient does not open
for another. A sealed text is: version (one byte), length of the key's id (one byte), the id, nonce, ciphertext and tag.
"""

import base64
import binascii
import json
import re
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = 1
KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID = re.compile(r"[a-z0-9-]{1,32}")
CHECKED = "interlude"

Place = tuple[str, ...]
"""The column as table.column, then what tells the row from all others."""


class CannotOpen(Exception):
    """Altered, moved from another place, or sealed under a key that is not here. Names the place, never a text."""


class KeysLost(Exception):
    """The keys that we were given are not those that sealed what is stored; the text says which are wrong."""


class Keyring:
    """The first key seals; all of them open."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = {key_id: AESGCM(_derived(key)) for key_id, key in keys.items()}
        self.ids = tuple(keys)
        self.current = self.ids[0]

    @classmethod
    def parse(cls, raw: str) -> "Keyring":
        """`id:key,id:key`, the keys in base64. Raises ValueError, which never repeats what was given."""
        keys: dict[str, bytes] = {}
        for pair in raw.split(","):
            key_id, _, encoded = pair.strip().partition(":")
            key = _decoded(encoded)
            if not KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES:
                raise ValueError(f"must be id:key pairs with commas between; an id of a-z, 0-9 and -, a key of "
                                 f"{KEY_BYTES} random bytes in base64")  # fmt: skip
            if key_id in keys or key in keys.values():
                raise ValueError("must name each id and each key once")
            keys[key_id] = key
        return cls(keys)

    def seal(self, text: str, place: Place) -> bytes:
        """Each time with another nonce: the same text sealed twice is not the same bytes."""
        header, nonce = header_of(self.current), secrets.token_bytes(NONCE_BYTES)
        return header + nonce + self._ciphers[self.current].encrypt(nonce, text.encode(), _bound(header, place))

    def open(self, sealed: bytes, place: Place) -> str:
        """Raises CannotOpen."""
        header = sealed[: 2 + sealed[1]] if len(sealed) > 1 else b""
        cipher = next((cipher for key_id, cipher in self._ciphers.items() if header_of(key_id) == header), None)
        if cipher is None:
            raise CannotOpen(f"{place[0]}: sealed under a key that is not here")
        nonce, ciphertext = sealed[len(header) :][:NONCE_BYTES], sealed[len(header) + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, ciphertext, _bound(header, place)).decode()
        except (InvalidTag, ValueError):
            raise CannotOpen(f"{place[0]}: altered, or sealed for another place") from None

    def check_value(self) -> bytes:
        """What is kept of the current key, to know it by."""
        return self.seal(CHECKED, _check_place(self.current))

    def verify(self, check_values: Mapping[str, bytes]) -> None:
        """Raises KeysLost unless each of these keys is here, and is the one that made its check value."""
        wrong = sorted(key_id for key_id, value in check_values.items() if not self._knows(key_id, value))
        if wrong:
            missing = [key_id for key_id in wrong if key_id not in self._ciphers]
            other = [key_id for key_id in wrong if key_id in self._ciphers]
            raise KeysLost(
                "Interlude cannot open what is stored:"
                + (f" DATA_KEYS lacks {', '.join(missing)}." if missing else "")
                + (f" Under {', '.join(other)} DATA_KEYS has another key than the one that sealed." if other else "")
                + " Restore the keys; nothing else opens these texts."
            )

    def _knows(self, key_id: str, check_value: bytes) -> bool:
        try:
            return check_value.startswith(header_of(key_id)) and bool(self.open(check_value, _check_place(key_id)))
        except CannotOpen:
            return False


def header_of(key_id: str) -> bytes:
    """What everything that was sealed under this key begins with."""
    return bytes((VERSION, len(key_id))) + key_id.encode()


def _check_place(key_id: str) -> Place:
    return ("data_key.check_value", key_id)


def _bound(header: bytes, place: Place) -> bytes:
    return header + json.dumps(place).encode()


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _derived(key: bytes) -> bytes:
    """A key for this use alone, so that another use of the same setting can have another."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"interlude: text at rest").derive(key)
