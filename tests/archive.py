"""The zip that a patient downloads, as what it holds."""

import csv
import io
import json
from dataclasses import dataclass
from typing import Any
from zipfile import ZipFile

from flask import Flask
from flask.testing import FlaskClient

from server.models import Patient
from tests.factories import signed_in


@dataclass(frozen=True, slots=True)
class Opened:
    names: list[str]
    readme: str
    rows: dict[str, list[dict[str, Any]]]
    """By part, of its JSON file."""
    sheets: dict[str, list[dict[str, str]]]
    """By part, of its CSV file: cells as they are written, numbers too."""
    raw: dict[str, str]


def opened(content: bytes) -> Opened:
    with ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        raw = {name: archive.read(name).decode() for name in archive.namelist()}
    rows = {name[:-5]: json.loads(text) for name, text in raw.items() if name.endswith(".json")}
    sheets = {
        name[:-4]: list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))
        for name, text in raw.items()
        if name.endswith(".csv")
    }
    return Opened(list(raw), raw["README.txt"], rows, sheets, raw)


def export_of(app: Flask, client: FlaskClient, patient: Patient) -> Opened:
    answer = client.get("/v1/me/export", headers=signed_in(app, patient))
    assert answer.status_code == 200
    return opened(answer.data)
