import csv

import numpy as np
import pytest

from fibrolens.evaluate.roc import binary_curve
from fibrolens.report.tables import (
    ALL,
    HISTOLOGY,
    Table,
    confusion,
    headline,
    per_fold,
    performance,
    ranged,
    roc_points,
    table2,
)


def test_a_table_is_written_exactly_and_printed_shortly(tmp_path):
    table = Table(
        "a",
        "A",
        ("x", "y", "z"),
        (("one", 1 / 3, None), ("one", 2, "0.92 [0.86, 0.97] (3/4)"), ("two", 3, "5 (4–6; 7)")),
    )
    table.write(tmp_path)
    with (tmp_path / "a.csv").open(newline="") as stream:
        assert list(csv.reader(stream)) == [
            ["x", "y", "z"],
            ["one", "0.333333333", ""],
            ["one", "2", "0.92 [0.86, 0.97] (3/4)"],
            ["two", "3", "5 (4–6; 7)"],
        ]
    assert table.printed() == [
        ["one", "0.333", "–"],
        ["", "2", "0.92\u00a0[0.86,\u00a00.97] (3/4)"],
        ["two", "3", "5 (4\u2060–\u20606;\u00a07)"],
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_value_with_its_interval():
    assert ranged(0.917, (0.82, 0.968), 100.0, 1) == "91.7 [82.0, 96.8]"
    assert ranged(0.5, None) == "0.50"
    assert ranged(None, None) == "–"


def test_table_2_has_the_paper_s_thresholds_first_and_both_cuts(evaluation):
    table = table2(evaluation, "table2", "Table 2")
    assert [title.split(" (")[1] for title in table.columns[2:]] == ["F2–F4)", "F3–F4)", "F4)", "F1–F4)"]
    assert {row[0] for row in table.rows} == {"", "cut of the fold", "cut 0.5"}
    found = {(row[0], row[1]): row[2:] for row in table.rows}
    threshold = evaluation["thresholds"]["F>=2"]
    assert found["", "Scans with / without"][0] == f"{threshold['positives']} / {threshold['negatives']}"
    half = threshold["at_half"]["sensitivity"]
    assert found["cut 0.5", "Sensitivity (%; 95 % CI)"][0].endswith(f"({half['count']}/{half['of']})")


def test_without_controls_there_may_be_no_negative_case_and_a_dash_says_so(evaluation):
    part = evaluation["without_controls"]
    part = part | {"thresholds": part["thresholds"] | {"F>=1": evaluation["thresholds"]["F>=1"] | {"auc": None}}}
    assert table2(part, "x", "X").rows[1][-1] == "–"


def test_every_figure_of_performance_is_a_row_with_counts(evaluation):
    rows = performance(evaluation).rows
    assert {row[0] for row in rows} == {ALL, HISTOLOGY}
    found = next(row for row in rows if row[:4] == (ALL, "F4", "delong", "auc"))
    assert found[4:7] == pytest.approx((evaluation["thresholds"]["F4"]["auc"]["value"], *_delong(evaluation)))
    assert found[7:] == (12, 48)
    assert {row[1] for row in rows if row[2] == "bootstrap"} >= {"micro", "macro", "F>=1"}
    assert performance(evaluation | {"without_controls": None}).rows == tuple(row for row in rows if row[0] == ALL)


def test_folds_and_confusion_and_curves_keep_their_counts(evaluation):
    assert len(per_fold(evaluation).rows) == 20
    assert sum(row[-1] for row in confusion(evaluation).rows) == 47
    curve = binary_curve("F4", np.array([True, False]), np.array([0.9, 0.1]))
    assert roc_points([curve]).rows[-1] == ("F4", 1.0, 1.0)


def test_the_headline_gives_the_reason_where_there_is_no_auc(evaluation):
    nothing = evaluation["thresholds"]["F4"] | {"auc": None, "reason": "no case on one side of the threshold"}
    found = headline(evaluation | {"thresholds": evaluation["thresholds"] | {"F4": nothing}})
    assert found[2][1] == "no case on one side of the threshold"
    assert found[0][1].startswith("0.")


def _delong(evaluation):
    return evaluation["thresholds"]["F4"]["auc"]["delong"]
