"""Reading diaries: columns by name, bad lines by number."""

from pathlib import Path

import pytest

from server.cli.diaries import BadLine, DiaryError, Entry, read_diaries


def read(folder: Path, text: str, *skip: str, encoding: str = "utf-8") -> list[Entry | BadLine]:
    path = folder / "diaries.csv"
    path.write_bytes(text.encode(encoding))
    return list(read_diaries(path, skip))


def test_columns_come_in_any_order_and_holes_are_welcome(tmp_path: Path) -> None:
    found = read(tmp_path, "\ufeffmood, day ,used,person\n5.5,1,no,Ada\n,2,,Ada\n\n7,3,,Ada\n")
    assert found == [
        Entry(2, "Ada", 1, {"mood": 5.5, "used": "no"}),
        BadLine(3, "A check-in has at least one of craving and mood."),
        Entry(5, "Ada", 3, {"mood": 7.0}),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Ada,x,5", "day: a whole number from 0 to 10000"),
        ("Ada,-1,5", "day: a whole number from 0 to 10000"),
        ("Ada,1.5,5", "day: a whole number from 0 to 10000"),
        ("Ada,10001,5", "day: a whole number from 0 to 10000"),
        (",1,5", "person: 1 to 64 characters"),
        ("Ada,1,11", "craving: A rating is a number from 0 to 10 in steps of 0.1."),
        ("Ada,1,5.55", "craving: A rating is a number from 0 to 10 in steps of 0.1."),
        ("Ada,1,nan", "craving: A rating is a number from 0 to 10 in steps of 0.1."),
        ("Ada,1,much", "craving: not a number"),
        ("Ada,1", "2 cells, not 3"),
        ("Ada,1,5,6", "4 cells, not 3"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_goes_on(tmp_path: Path, line: str, reason: str) -> None:
    found = read(tmp_path, f"person,day,craving\n{line}\nBen,1,4\n")
    assert found == [BadLine(2, reason), Entry(3, "Ben", 1, {"craving": 4.0})]


def test_a_day_given_twice_is_a_bad_line(tmp_path: Path) -> None:
    found = read(tmp_path, "person,day,craving\nAda,1,5\nAda,1,6\n")
    assert found[1] == BadLine(3, "this person's day was given before")


def test_an_unknown_column_is_refused_by_name_unless_skipped(tmp_path: Path) -> None:
    text = "person,day,craving,distress\nAda,1,5,9\n"
    with pytest.raises(DiaryError, match="Unknown column: distress"):
        read(tmp_path, text)
    assert read(tmp_path, text, "distress") == [Entry(2, "Ada", 1, {"craving": 5.0})]


@pytest.mark.parametrize("header", ["", "day,craving", "person,craving", "person,day,used", "person,day,day,mood"])
def test_a_header_that_cannot_be_used_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(DiaryError, match="first line must name"):
        read(tmp_path, f"{header}\nAda,1,5\n")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DiaryError, match="UnicodeDecodeError"):
        read(tmp_path, "person,day,mood\nÄda,1,5\n", encoding="latin-1")
