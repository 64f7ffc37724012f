"""What phones report, by ids of their own: new, the same again, or an edit, of which every version is kept.

Decided in memory, under the patient's lock, and written in a few statements however many there are.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Insert, Table

from server.errors import DomainError, Outdated, ParticipationWithdrawn, Refused, Unconditional
from server.extensions import Base, db, keyring, table_of
from server.models import Sealed, etag_of, hold_key
from server.services.holding import Held
from server.services.local_times import check_time, local_time
from server.services.row_sets import adding, changing, given_rows

ANY = "*"


class Outcome(StrEnum):
    STORED = "stored"
    EDITED = "edited"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of report: its tables, and what a field that was not sent says."""

    name: str
    model: type[Base]
    versions: type[Base]
    absent: Mapping[str, Any]

    @property
    def table(self) -> Table:
        return table_of(self.model)


@dataclass(frozen=True, slots=True)
class Sent:
    """One report as it came. `fields` are validated; `recorded_at` is aware, in the offset that the phone sent."""

    id: uuid.UUID
    fields: Mapping[str, Any]
    if_match: Collection[str] | None = None


@dataclass(slots=True)
class Kept:
    """A row as it will be; `was` is what the database has of it."""

    row: dict[str, Any]
    was: Mapping[str, Any] | None
    earlier: list[dict[str, Any]] = field(default_factory=list)

    @property
    def etag(self) -> str:
        return etag_of(self.row["id"], self.row["version"])

    @property
    def said_anew(self) -> bool:
        return self.was is None or bool(self.earlier)

    @property
    def touched(self) -> bool:
        """Also when only what follows from others changed: whether it counts."""
        return self.was is None or bool(self.earlier) or self.row.get("counts") != self.was.get("counts")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one that was sent: the row, or why not."""

    sent: Sent
    outcome: Outcome
    kept: Kept | None = None
    problem: DomainError | None = None

    def stored(self) -> Kept:
        """Raises the problem of one that was refused."""
        if self.kept is None or self.problem is not None:
            raise self.problem or RuntimeError("neither a row nor a problem")
        return self.kept


@dataclass(frozen=True, slots=True)
class Stored:
    """What the phone is told of one."""

    outcome: Outcome
    row: dict[str, Any]
    region: str

    @property
    def created(self) -> bool:
        return self.outcome is Outcome.STORED


class Desk:
    """Takes the reports of one patient, whose row the caller holds."""

    def __init__(self, patient: Held, kind: Kind, known: Iterable[Mapping[str, Any]], now: datetime) -> None:
        self.patient, self.kind, self.now = patient, kind, now
        self.kept = {row["id"]: Kept(dict(row), row) for row in known}

    def take(self, sent: Sequence[Sent]) -> list[Result]:
        """In whatever order they came: what is new goes first, and an edit after the version that it names."""
        results: dict[int, Result] = {}
        waiting = sorted(range(len(sent)), key=lambda place: sent[place].if_match is not None)
        moved = True
        while moved:
            moved = False
            for place in waiting:
                results[place] = self._take(sent[place])
                moved |= results[place].outcome in (Outcome.STORED, Outcome.EDITED)
            waiting = [place for place in waiting if isinstance(results[place].problem, Outdated)]
        return [results[place] for place in range(len(sent))]

    def _take(self, sent: Sent) -> Result:
        kept = self.kept.get(sent.id)
        try:
            if kept is None:
                if sent.if_match is not None:
                    raise Outdated("Nothing is stored under this id.")
                kept = self.kept[sent.id] = Kept(self._row(sent), None)
                return Result(sent, Outcome.STORED, kept)
            if self._same(kept, sent):
                return Result(sent, Outcome.UNCHANGED, kept)
            self._edit(kept, sent)
            return Result(sent, Outcome.EDITED, kept)
        except (Refused, Outdated, Unconditional, ParticipationWithdrawn) as problem:
            return Result(sent, Outcome.REFUSED, kept, problem)

    def _row(self, sent: Sent) -> dict[str, Any]:
        self._check_part()
        check_time(sent.fields["recorded_at"], self.now)
        return {
            "patient_id": self.patient.id,
            "clinic_id": self.patient.clinic_id,
            "id": sent.id,
            "received_at": self.now,
            "edited_at": None,
            "version": 1,
            **self._said(sent),
        }

    def _edit(self, kept: Kept, sent: Sent) -> None:
        if sent.if_match is None:
            raise Unconditional("Something else is stored under this id. To edit it, send its ETag in If-Match.")
        if ANY not in sent.if_match and kept.etag not in sent.if_match:
            raise Outdated("It was edited since. Read it, and edit that.")
        self._check_part()
        row, said = kept.row, self._said(sent)
        if said["recorded_at"] != row["recorded_at"]:
            check_time(said["recorded_at"], self.now)
        note_of(self.kind, row)
        kept.earlier.append(row | {"received_at": row["edited_at"] or row["received_at"], "replaced_at": self.now})
        kept.row = {**row, **said, "version": row["version"] + 1, "edited_at": self.now}

    def _check_part(self) -> None:
        if self.patient.withdrawn_at is not None:
            raise ParticipationWithdrawn("You take no part, so nothing is taken. You can grant it again.")

    def _same(self, kept: Kept, sent: Sent) -> bool:
        said = self._said(sent)
        # The day follows from the others, and from an hour that a clinic may have moved since.
        differing = (name for name in said.keys() - {"note", "day"} if said[name] != kept.row[name])
        return not any(differing) and said["note"] == note_of(self.kind, kept.row)

    def _said(self, sent: Sent) -> dict[str, Any]:
        """All that the patient says by it. Raises Refused for an unknown zone."""
        recorded_at, zone = sent.fields["recorded_at"], sent.fields["zone"]
        local = local_time(recorded_at, zone, self.patient.day_starts_at)
        return {
            **self.kind.absent,
            **sent.fields,
            # An app whose field was left empty sends what stands in it.
            "note": sent.fields.get("note") or None,
            "recorded_at": recorded_at.astimezone(UTC),
            "day": local.day,
            "offset_minutes": local.offset_minutes,
            "offset_known": local.offset_known,
        }

    def said_anew(self) -> list[uuid.UUID]:
        """The ids of what is new or was edited."""
        return [kept.row["id"] for kept in self.kept.values() if kept.said_anew]

    def write(self) -> None:
        """All that was touched, each numbered among the patient's changes, and the patient's row."""
        touched = [kept for kept in self.kept.values() if kept.touched]
        earlier = [row for kept in touched for row in kept.earlier]
        if any(row.get("note") for row in (*(kept.row for kept in touched), *earlier)):
            hold_key(db.session.connection(), keyring())
        for kept in touched:
            self.patient.changes += 1
            kept.row["change"] = self.patient.changes
        if earlier:
            db.session.execute(adding(table_of(self.kind.versions)), _stored(self.kind.versions, earlier))
        old = [kept for kept in touched if kept.was is not None]
        if edited := [kept.row for kept in old if kept.earlier]:
            db.session.execute(changing(self.kind.table, *_edited(self.kind.table)), _stored(self.kind.model, edited))
        if recounted := [kept.row for kept in old if not kept.earlier]:
            names = ("patient_id", "id", "counts", "change")
            rows = given_rows([{name: row[name] for name in names} for row in recounted])
            db.session.execute(changing(self.kind.table, *names[2:]), rows)
        new = [kept.row for kept in touched if kept.was is None]
        self.patient.write(*((adding(self.kind.table), _stored(self.kind.model, new)) if new else ()))

    def write_first(self, adds: Insert) -> bool:
        """The only one, and the patient's row, if `adds` finds nothing against it; else nothing is written."""
        (row,) = (kept.row for kept in self.kept.values())
        if row.get("note"):
            hold_key(db.session.connection(), keyring())
        self.patient.changes += 1
        row["change"] = self.patient.changes
        known_by = {name: row[name] for name in ("patient_id", "id", "day")}
        return self.patient.write_if(adds, known_by | _stored(self.kind.model, [row]))


def answer(kind: Kind, kept: Kept) -> dict[str, Any]:
    """A row as the phone is told of it."""
    return {**kept.row, "note": note_of(kind, kept.row), "etag": kept.etag}


def note_of(kind: Kind, row: dict[str, Any]) -> str | None:
    """Opened only when somebody asks, and once."""
    if "note" not in row:
        sealed = row["note_sealed"]
        place = _note(kind.model).place((row["patient_id"], row["id"]))
        row["note"] = None if sealed is None else keyring().open(sealed, place)
    note: str | None = row["note"]
    return note


def _note(model: type[Base]) -> Sealed[Any]:
    return cast(Sealed[Any], vars(model)["note"])


def _stored(model: type[Base], rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What goes into the table: every column, the note sealed for its place there."""
    names = [column.name for column in model.__table__.columns if column.name != "note_sealed"]
    sealed = _note(model)
    stored: list[dict[str, Any]] = []
    for row in rows:
        note = row["note"]
        stored.append({name: row[name] for name in names})
        stored[-1]["note_sealed"] = (
            None if note is None else keyring().seal(note, sealed.place(tuple(row[name] for name in sealed.of)))
        )
    return given_rows(stored)


def _edited(table: Table) -> Iterator[str]:
    return (column.name for column in table.columns if not column.primary_key)
