"""A clinic with a caseload of simulated diaries, loaded with COPY into the tables that the migrations make."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg
from numpy.typing import NDArray

from bench.scan.columns import record, write
from server.trends.calibration.pairs import simulate_pair

FIRST = date(2026, 1, 1)
EPOCH = date(2000, 1, 1)  # PostgreSQL counts days and microseconds from here
PATIENTS_AT_ONCE = 5_000  # simulated at a time: what they need besides their ratings is forgotten again
DAY_OF_MICROSECONDS = 86_400_000_000
FORM, ZONE = b"1", b"America/New_York"
NOTHING = np.array([0, 0, 25], ">i4").tobytes()  # an array of text without elements

CHECK_IN = record(
    ("clinic_id", "V16"),
    ("patient_id", "V16"),
    ("id", "V16"),
    ("recorded_at", ">i8"),
    ("zone", f"S{len(ZONE)}"),
    ("offset_minutes", ">i2"),
    ("offset_known", "i1"),
    ("received_at", ">i8"),
    ("day", ">i4"),
    ("counts", "i1"),
    ("form_version", f"S{len(FORM)}"),
    ("craving", "V10"),
    ("mood", "V10"),
    ("substances", "V12"),
    ("triggers", "V12"),
)
NAMES = [name for name in CHECK_IN.names or () if name != "columns" and not name.endswith("_length")]
# Whole numbers as PostgreSQL's numeric: one digit, weight 0, positive, one decimal shown.
NUMERIC = np.array([np.array([1, 0, 0, 1, digit], ">i2").tobytes() for digit in range(11)], "V10")


@dataclass(frozen=True, slots=True)
class Diaries:
    """Ratings of shape (patients, days), -1 where nobody checked in; and whose they are."""

    craving: NDArray[np.int8]
    mood: NDArray[np.int8]
    ids: NDArray[np.void]  # of V16


def simulate_diaries(patients: int, days: int, seed: int) -> Diaries:
    """Courses of TMS as the calibration has them, those of 84 days cut or repeated to so many."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 256, (patients, 16), np.uint8)
    ids[:, 6], ids[:, 8] = ids[:, 6] & 0x0F | 0x40, ids[:, 8] & 0x3F | 0x80  # a random UUID (RFC 9562)
    craving, mood = np.empty((2, patients, days), np.int8)
    for at in range(0, patients, PATIENTS_AT_ONCE):
        size = min(PATIENTS_AT_ONCE, patients - at)
        pair = simulate_pair(size, (seed, at))
        for kept, item, sign in ((craving, pair[0], 1), (mood, pair[1], -1)):
            rated = np.nan_to_num(item.ratings if sign > 0 else 10 - item.ratings, nan=-1)
            kept[at : at + size] = np.resize(rated.T, (days, size)).T
    return Diaries(craving, mood, np.ascontiguousarray(ids).view("V16")[:, 0])


def make_clinic(owner: psycopg.Connection, diaries: Diaries) -> str:
    """The clinic with its patients, nobody looked at yet, and a clinician who hears of all; returns its id."""
    found = owner.execute(
        "INSERT INTO clinic (id, name, zone, day_starts_at, live, mfa_required, created_at) "
        "VALUES (gen_random_uuid(), 'bench', 'America/New_York', 4, true, false, %s) RETURNING id",
        [FIRST],
    ).fetchone()
    assert found
    owner.execute(
        "INSERT INTO limits (clinic_id, version, since, h, craving_severe, mood_very_low, use_free_days, silent_days, "
        "silent_chance) VALUES (%s, 1, %s, 4, 9, 1, 7, 3, 0.01)",
        [found[0], FIRST],
    )
    owner.execute(
        "INSERT INTO routing (clinic_id, urgent_minutes, prompt_minutes, routine_minutes, quiet_from, quiet_until, "
        "digest_at, digest_due_at) VALUES (%s, 15, 240, 2880, '19:00', '07:00', '07:30', %s)",
        [found[0], FIRST],
    )
    owner.execute("CREATE TEMP TABLE arriving (id uuid)")
    ids = np.zeros(len(diaries.ids), record(("id", "V16")))
    ids["id"] = diaries.ids
    write(owner, "arriving (id)", iter([ids]))
    owner.execute(
        "INSERT INTO patient (id, clinic_id, code, zone, language, region, active, token_version, created_at, "
        "monitored_from) SELECT id, %s, id::text, 'America/New_York', 'en', 'US', true, 1, %s, %s FROM arriving",
        [found[0], FIRST, FIRST],
    )
    owner.execute("DROP TABLE arriving")
    owner.execute(
        "WITH clinician AS (INSERT INTO member (id, clinic_id, role, name, email_sealed, email_index, password_hash, "
        "active, token_version, created_at, totp_step, recovery_hashes) VALUES (gen_random_uuid(), %s, 'clinician', "
        "'Bob', '', '', '', true, 1, %s, 0, '{}') RETURNING id, clinic_id) "
        "INSERT INTO care_team (patient_id, member_id, position, clinic_id) "
        "SELECT patient.id, clinician.id, 1, clinic_id FROM patient JOIN clinician USING (clinic_id)",
        [found[0], FIRST],
    )
    return str(found[0])


@contextmanager
def unguarded(owner: psycopg.Connection) -> Iterator[None]:
    """Meanwhile check_in has neither keys nor indexes: made afterwards, in one go, they cost a tenth."""
    guards = owner.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = 'check_in'::regclass AND contype IN ('p', 'u', 'f') ORDER BY contype DESC"
    ).fetchall()
    indexes = owner.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'check_in' AND indexname <> ALL (%s)",
        [[name for name, _ in guards]],
    ).fetchall()
    for name, _ in guards:
        owner.execute(f'ALTER TABLE check_in DROP CONSTRAINT "{name}"')
    for name, _ in indexes:
        owner.execute(f'DROP INDEX "{name}"')
    yield
    for _, made in indexes:
        owner.execute(made)
    for name, made in guards:
        owner.execute(f'ALTER TABLE check_in ADD CONSTRAINT "{name}" {made}')


def load(owner: psycopg.Connection, clinic: str, diaries: Diaries, first: int, last: int) -> int:
    """The check-ins of the days first..last-1 (0 is FIRST), day by day as they would have come; returns how many."""
    rng = np.random.default_rng(first)
    chunks = [_day(diaries, clinic, day, rng) for day in range(first, last)]
    write(owner, f"check_in ({', '.join(NAMES)})", iter(chunks))
    return sum(map(len, chunks))


def _day(diaries: Diaries, clinic: str, day: int, rng: np.random.Generator) -> NDArray[np.void]:
    """One day's check-ins, in the order of nobody's name."""
    who = rng.permutation(np.flatnonzero(diaries.craving[:, day] >= 0))
    since = (FIRST - EPOCH).days + day
    at = since * DAY_OF_MICROSECONDS + rng.integers(13, 23, len(who)) * 3_600_000_000
    said = {
        "clinic_id": np.void(uuid.UUID(clinic).bytes),
        "patient_id": diaries.ids[who],
        "id": rng.integers(0, 256, (len(who), 16), np.uint8).view("V16")[:, 0],
        "recorded_at": at,
        "zone": ZONE,
        "offset_minutes": -300,
        "offset_known": 1,
        "received_at": at,
        "day": since,
        "counts": 1,
        "form_version": FORM,
        "craving": NUMERIC[diaries.craving[who, day]],
        "mood": NUMERIC[diaries.mood[who, day]],
        "substances": np.void(NOTHING),
        "triggers": np.void(NOTHING),
    }
    rows = np.zeros(len(who), CHECK_IN)
    for name in NAMES:
        rows[name] = said[name]
    return rows
