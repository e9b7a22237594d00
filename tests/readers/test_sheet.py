"""Sheets: what a reader gets, and what comes back."""

import csv

import pytest

from fibrolens.errors import CohortError, UsageError
from fibrolens.readers.choices import CHOICES
from fibrolens.readers.sheet import COLUMNS, Added, add_sheet, write_sheet
from fibrolens.readers.store import Reading


@pytest.fixture
def sheet(store, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for item in store.order("A"):
        (pictures / f"{item}.png").write_bytes(item.encode())
    assert write_sheet(store, pictures, "B", tmp_path / "B")
    return tmp_path / "B" / "readings.csv"


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def write(path, rows, between=",", encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as stream:
        writer = csv.DictWriter(stream, COLUMNS, delimiter=between)
        writer.writeheader()
        writer.writerows(rows)


def filled(path, said=("2", "4", "")):
    return [row | dict(zip(("pattern", "confidence", "comment"), said, strict=True)) for row in rows_of(path)]


def test_a_reader_gets_an_empty_table_pictures_and_instructions_and_nothing_else(sheet, store):
    rows = rows_of(sheet)
    assert [row["item"] for row in rows] == list(store.order("B"))
    assert not any(row[name] for row in rows for name in ("pattern", "confidence", "comment"))
    assert all((sheet.parent / row["picture"]).read_text() == row["item"] for row in rows)
    manual = (sheet.parent / "instructions.txt").read_text()
    assert all(choice.sentence in manual for choice in CHOICES)
    assert "esearch use only" in manual
    everything = "".join(p.read_text() for p in sheet.parent.iterdir() if p.is_file())
    assert not any(told in everything for told in ("control", "repeat", '"F0"', '"F4"', "off_organ"))


def test_the_same_sheet_is_not_written_twice(store, sheet, tmp_path):
    assert not write_sheet(store, tmp_path / "pictures", "B", tmp_path / "B")
    store.add([Reading("B", "map0", "core", 2)])
    with pytest.raises(UsageError):
        write_sheet(store, tmp_path / "pictures", "B", tmp_path / "B")
    assert write_sheet(store, tmp_path / "pictures", "B", tmp_path / "later")
    (row,) = [row for row in rows_of(tmp_path / "later" / "readings.csv") if row["item"] == "map0"]
    assert (row["pattern"], row["confidence"]) == ("core", "2")


def test_nobody_reads_by_another_name(store, tmp_path):
    with pytest.raises(UsageError, match="readers are A, B"):
        write_sheet(store, tmp_path, "C", tmp_path / "C")


def test_an_empty_sheet_adds_nothing(store, sheet):
    assert add_sheet(store, sheet) == Added(0, 0, 0, 6)


@pytest.mark.parametrize(("between", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8")])
def test_a_filled_sheet_of_any_spreadsheet(store, sheet, between, encoding):
    write(sheet, filled(sheet, ("Centres of liver and spleen", "4", "bright, both; “sure”")), between, encoding)
    assert add_sheet(store, sheet) == Added(6, 0, 0, 0)
    (reading,) = {replaced(reading) for reading in store.current("B").values()}
    assert reading == ("core", 4, "bright, both; “sure”", None, "sheet")


def replaced(reading):
    return (*reading.said, reading.seconds, reading.source)


def test_what_is_known_is_not_added_again_and_what_differs_is_a_correction(store, sheet):
    rows = filled(sheet)
    write(sheet, rows)
    add_sheet(store, sheet)
    rows[0]["pattern"], rows[1]["pattern"], rows[2]["pattern"], rows[2]["confidence"] = "1", "core", "", ""
    write(sheet, rows)
    assert add_sheet(store, sheet) == Added(0, 1, 4, 1)
    assert [reading.pattern for reading in store.history("B")] == ["core"] * 6 + ["surface"]
    assert len(store.current("B")) == 6


def test_all_problems_are_told_by_line_and_nothing_is_half_written(store, sheet):
    rows = filled(sheet)
    rows[0] |= {"pattern": "6"}
    rows[1] |= {"confidence": "high"}
    rows[2] |= {"reader": "C"}
    rows[3] |= {"item": "other"}
    rows[4] |= {"pattern": "", "confidence": "", "comment": "?"}
    write(sheet, [*rows, rows[5]])
    with pytest.raises(CohortError) as told:
        add_sheet(store, sheet)
    text = str(told.value)
    for line, words in {
        2: "'6'",
        3: "'high'",
        4: "no reader 'C'",
        5: "no item 'other'",
        6: "neither",
        8: "line 7",
    }.items():
        assert any(part.strip().startswith(f"line {line}:") and words in part for part in text.splitlines())
    assert store.history("B") == ()


@pytest.mark.parametrize(("content", "words"), [
    (b"a,b\n1,2\n", "no column reader"), (b"\xff\xfe\x00", "UTF-8"), (b"", "no column"),
])  # fmt: skip
def test_what_is_no_sheet(store, tmp_path, content, words):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(CohortError, match=words):
        add_sheet(store, tmp_path / "x.csv")
    with pytest.raises(CohortError, match="cannot be read"):
        add_sheet(store, tmp_path / "absent.csv")
