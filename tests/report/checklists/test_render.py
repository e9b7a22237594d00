"""Checklists filled in from a study's files: numbered as published, never more than the files know."""

import csv
import dataclasses
import json
import re
import shutil

import pytest
from tests.report.conftest import evaluated

from fibrolens.report.checklists import data, model, results
from fibrolens.report.checklists.base import BLANK, FILLED, PARTLY, Answer
from fibrolens.report.checklists.claim import CLAIM
from fibrolens.report.checklists.facts import Facts
from fibrolens.report.checklists.render import CHECKLISTS, answers, write_checklists
from fibrolens.report.checklists.stard import STARD
from fibrolens.report.checklists.tripod import TRIPOD

__all__ = ["evaluated"]


@pytest.fixture(scope="module")
def facts(evaluated):
    return Facts.read(evaluated)


@pytest.fixture
def changed(evaluated, tmp_path):
    """The facts of the study with some columns of its table, or after a change of its folder."""

    def change(columns=None, edit=None, without=()):
        shutil.copytree(evaluated, tmp_path / "study")
        for name in without:
            (tmp_path / "study" / name).unlink()
        path = tmp_path / "study" / "cohort.csv"
        with path.open(newline="") as stream:
            rows = [row | {k: v(n) for k, v in (columns or {}).items()} for n, row in enumerate(csv.DictReader(stream))]
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        evaluation = tmp_path / "study" / "evaluation.json"
        content = json.loads(evaluation.read_text())
        (edit or (lambda content: None))(content)
        evaluation.write_text(json.dumps(content))
        return Facts.read(tmp_path / "study")

    return change


def test_numbers_are_those_of_the_publications():
    assert [item.number for item in CLAIM.items] == [str(n) for n in range(1, 45)]
    tripod = [item.number for item in TRIPOD.items]
    assert len(set(tripod)) == len(tripod) == 52
    assert sorted({int(re.match(r"\d+", number)[0]) for number in tripod}) == list(range(1, 28))
    stard = [item.number for item in STARD.items]
    assert sorted({int(re.match(r"\d+", n)[0]) for n in stard if not n.startswith("AI")}) == list(range(1, 31))
    assert [n for n in stard if n.startswith("AI")] == [f"AI {n}" for n in range(1, 11)]


def test_a_status_follows_from_what_is_said():
    found = [Answer().status, Answer(open="x").status, Answer("x", open="y").status, Answer("x").status]
    assert found == [BLANK, BLANK, PARTLY, FILLED]


@pytest.mark.parametrize("checklist", CHECKLISTS, ids=lambda c: c.name)
def test_every_item_is_answered_or_says_what_the_authors_owe(checklist, facts):
    for item, answer in answers(checklist, facts):
        assert answer.text or answer.open, item.number
        assert not answer.text or answer.text.endswith((".", ")")), (item.number, answer.text)
        assert not answer.open.endswith("."), item.number
        assert "nan" not in answer.text.lower().split(), item.number


def test_no_file_of_a_study_tells_of_ethics_funding_or_a_title(facts):
    for checklist, numbers in (
        (CLAIM, ("1", "11", "34", "44")),
        (TRIPOD, ("1", "17", "18a", "18b", "19")),
        (STARD, ("1", "28", "30")),
    ):
        found = {item.number: answer for item, answer in answers(checklist, facts)}
        assert {found[number].status for number in numbers} == {BLANK}


def test_external_testing_is_never_claimed(facts):
    assert results.external(facts).text.startswith("None")
    assert results.external(facts).status == PARTLY


def test_patients_in_two_folds_are_counted_not_taken_on_trust(facts):
    """The second scans of two made-up patients lie in another fold than their first ones."""
    assert model.disjoint(facts) == Answer(
        "2 patients stand in more than one test fold.", "predictions.csv", "why patients are shared"
    )
    apart = tuple({**row, "fold": "0"} for row in facts.predictions)
    found = model.disjoint(dataclasses.replace(facts, predictions=apart))
    assert "each of 46 stands in one test fold alone" in found.text
    assert found.status == FILLED


def test_dates_sites_and_specimens_come_from_the_table(changed, facts):
    assert data.dates(facts).status == BLANK
    columns = {
        "ct_date": lambda n: f"2015-01-{n % 28 + 1:02d}" if n else "",
        "site": lambda n: "North" if n % 3 else "South",
        "specimen": lambda n: "biopsy" if n % 2 else "",
    }
    found = changed(columns)
    assert data.dates(found).text == "CTs from 2015-01-01 to 2015-01-28; of 1 scans no day is given."
    assert "North 32, South 16" in data.sources(found).text
    assert "2 sites" in results.clusters(found).text
    assert results.clusters(facts).status == BLANK
    assert "biopsy 24, not given 13" in data.reference(found).text


def test_acquisition_is_told_as_far_as_it_was_measured(facts):
    assert data.acquisition(dataclasses.replace(facts, made=())).where == "quality.csv"
    made = tuple({"vendor": "Acme" if n else "", "kvp": "", "thickness_mm": str(n + 1)} for n in range(5))
    found = data.acquisition(dataclasses.replace(facts, made=made))
    assert "Vendors (scans): Acme 4, not given 1." in found.text
    assert "Slice thickness, mm: median 3 (1 to 5)." in found.text
    assert "kVp" not in found.text
    assert "portal" in found.text


def test_excluded_rows_of_the_table_do_not_count(changed):
    found = changed({"site": lambda n: "Kept"})
    assert found.known("site").total() == 48
    assert len(dataclasses.replace(found, records=found.records[:7]).known("site")) == 1


def test_what_an_evaluation_does_not_hold_is_left_open(changed, facts):
    def older(content):
        for subject in ("calibration", "subgroups", "ordinal", "decision", "conformal", "deferral", "shortcuts"):
            content.pop(subject, None)

    found = changed(edit=older, without=("flow.json", "quality.csv", "tables/table1.csv"))
    assert results.fairness(found).status == BLANK
    assert "calibration" in results.estimates(found).open
    assert data.flow(found).status == PARTLY
    assert data.acquisition(found).status == BLANK
    assert data.demographics(found).status == BLANK
    assert "Obuchowski" not in results.metrics(found).text
    for checklist in CHECKLISTS:
        assert answers(checklist, found)


def test_files_are_a_table_each_and_a_page(facts, tmp_path):
    write_checklists(facts, tmp_path)
    for checklist in CHECKLISTS:
        with (tmp_path / "checklists" / f"{checklist.name}.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert [row["item"] for row in rows] == [item.number for item in checklist.items]
        assert {row["status"] for row in rows} <= {FILLED, PARTLY, BLANK}
        assert "Research use only" in rows[0]["note"]
    page = (tmp_path / "checklists" / "checklists.html").read_text()
    assert all(f'id="{checklist.name}"' in page for checklist in CHECKLISTS)
    assert "Check number and wording in the publication" in page
    assert "http" not in page
    again = page
    write_checklists(facts, tmp_path)
    assert (tmp_path / "checklists" / "checklists.html").read_text() == again


def test_no_scan_or_patient_is_named(facts, tmp_path):
    write_checklists(facts, tmp_path)
    text = "".join(path.read_text() for path in (tmp_path / "checklists").iterdir())
    assert not re.search(r"\b[sp]\d{1,2}\b", text)
