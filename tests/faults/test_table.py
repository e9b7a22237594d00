"""The table of the page on failing machines says what the trials of the campaign say."""

import json
from pathlib import Path

import pytest
from benchmarks.faults.campaign import is_good
from benchmarks.faults.table import PARTS, part, table

DOCS = Path(__file__).parents[2] / "docs"
TRIALS = json.loads((DOCS / "reliability.json").read_text(encoding="utf-8"))


def test_the_page_holds_the_table_of_its_trials():
    page = (DOCS / "reliability.md").read_text(encoding="utf-8")

    assert "\n".join(table(TRIALS)) in page
    assert all(is_good(row) for row in TRIALS)


@pytest.mark.parametrize(
    ("reached", "told"),
    [
        ("0 of 35 files", "nothing"),
        ("16 of 35 files", "under half"),
        ("35 of 35 files", "all"),
        ("no jobs yet", "nothing"),
        ("2 done, 1 queued, 1 running (step 5)", "over half"),
    ],
)
def test_how_far_a_run_was_is_read_from_what_stood(reached, told):
    assert PARTS[part(reached)] == told


def test_what_went_wrong_stands_in_the_table():
    rows = [
        {"fault": "full disk", "verb": "stage", "status": 1, "clear": False, "end": {"differs": []}},
        {"fault": "full disk", "verb": "stage", "status": 5, "clear": True, "halves": ["a"], "end": {"differs": ["b"]}},
    ]

    line = table(rows)[-1]

    assert line == "| full disk | `stage` | 2 | 1 | status 1, UNCLEAR; status 5, a sentence | same bytes, 1 of 2 |"
