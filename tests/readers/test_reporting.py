"""The report of a reader study: page, tables and figures."""

import csv
import json
import re

import pytest
from tests.readers.test_analysis import read_set

from fibrolens.errors import UsageError
from fibrolens.readers.reporting import report
from fibrolens.report.readers import Example, render

PNG = b"\x89PNG not a picture"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder of the report, and what was found."""
    folder = tmp_path_factory.mktemp("reporting")
    store = read_set(folder / "r.sqlite3", share=0.95)
    (folder / "pictures").mkdir()
    for item in store.items():
        (folder / "pictures" / f"{item.item}.png").write_bytes(PNG)
    return folder, report(store, folder / "pictures", folder / "report"), store


def rows(folder, name):
    with (folder / "report" / "tables" / f"{name}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_folder_is_complete(made):
    folder, found, _ = made
    written = {path.name for path in (folder / "report").iterdir()}
    assert written == {"readings.json", "report.html", "tables", "figures", "manifest.json"}
    assert json.loads((folder / "report" / "readings.json").read_text()) == found
    figures = {path.name for path in (folder / "report" / "figures").iterdir()}
    assert figures == {f"{name}.{kind}" for name in ("patterns", "agreement") for kind in ("png", "svg")}


def test_the_page_says_what_is_missing_and_stands_alone(made):
    folder, found, _ = made
    page = (folder / "report" / "report.html").read_text()
    missing = sum(found["missing"].values())
    assert f"{missing} readings are missing" in page
    assert "breaks the blinding" in page
    assert page.count("esearch use only") >= 2
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", page)
    assert "91.0" in page
    assert "76.4" in page
    share = found["patterns"]["F0"]["majority"]["surface"]
    assert f"{100 * share['value']:.1f} [{100 * share['interval'][0]:.1f}, {100 * share['interval'][1]:.1f}]" in page


def test_a_name_cannot_become_markup(made):
    folder, found, _ = made
    page = render(found, [Example("<script>alert(1)</script>", PNG)], folder / "report" / "figures")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_tables_say_the_same_as_the_file(made):
    folder, found, store = made
    (row,) = [
        row for row in rows(folder, "patterns")
        if (row["shown"], row["predicted"], row["read_by"], row["pattern"]) == ("maps", "F4", "B", "core")
    ]  # fmt: skip
    assert int(row["count"]) == found["patterns"]["F4"]["B"]["core"]["count"]
    agreed = {(row["measure"], row["among"], row["shown"]): row for row in rows(folder, "agreement")}
    kappa = agreed["Fleiss' kappa", "all readers", "maps"]
    assert float(kappa["value"]) == pytest.approx(found["agreement"]["maps"]["fleiss_kappa"]["value"])
    assert ("Cohen's kappa", "A, twice", "repeats") in agreed
    every = rows(folder, "readings")
    assert len(every) == len(store.items())
    assert {row["item"] for row in every if row["kind"] == "repeat" and row["of"]} == {f"r{n}" for n in range(10)}
    (told,) = rows(folder, "readers")[:1]
    assert (told["Reader"], int(told["Read"])) == ("A", found["readers"]["A"]["read"])


def test_a_report_is_made_anew_but_nothing_else_is_replaced(made, tmp_path):
    folder, _, store = made
    report(store, folder / "pictures", tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_bytes()
    report(store, folder / "pictures", tmp_path / "report")
    assert (tmp_path / "report" / "report.html").read_bytes() == page
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError):
        report(store, folder / "pictures", tmp_path / "other")


def test_before_anything_is_read_there_is_a_report_too(tmp_path):
    store = read_set(tmp_path / "r.sqlite3", share=0.0)
    found = report(store, tmp_path, tmp_path / "report")
    assert sum(found["missing"].values()) == 210
    assert "210 readings are missing" in (tmp_path / "report" / "report.html").read_text()
