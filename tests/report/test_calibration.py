import json

import numpy as np
import pytest
from tests.report.svg import words

from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.scaled import probability_measures
from fibrolens.report.calibration import bins, calibration_figure, measures, measures_printed, temperatures


def measured(stages, inner=True):
    def case(n, stage, fold):
        raw = np.random.default_rng(n).random(5) + 0.4 * np.eye(5)[stage]
        return Predicted(f"s{n}", f"p{n}", fold, (stage,), tuple((raw / raw.sum()).tolist()))

    cases = [case(n, stage, n % 2) for n, stage in enumerate(stages)]
    splits = {0: [case(100 + n, n % 5, 0) for n in range(40)], 1: []} if inner else {}
    found = probability_measures(cases, splits, np.random.default_rng(0), replicates=50)
    return json.loads(json.dumps(found, sort_keys=True))  # as a report reads it


@pytest.fixture(scope="module")
def calibration():
    return measured([0, 1, 2, 3, 4] * 12)["calibration"]


def test_the_figure_names_both_kinds_of_probabilities_slopes_and_the_intended_use(calibration, tmp_path):
    for name in ("one", "again"):
        calibration_figure(calibration, tmp_path / name)
    text = words(tmp_path / "one.svg")
    slope = calibration["before"]["F>=3"]["slope"]
    low, high = slope["interval"]
    told = f"as given: slope {slope['value']:.2f} [{low:.2f}, {high:.2f}]"
    for part in ("F≥2", "F4", told, "scaled: slope", "after temperature scaling", "Wilson", "Research use only"):
        assert part in text
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "again.svg").read_bytes()


def test_a_cohort_of_one_stage_still_gives_figure_and_tables(tmp_path):
    alone = measured([0] * 6, inner=False)["calibration"]
    calibration_figure(alone, tmp_path / "alone")
    assert "slope –" in words(tmp_path / "alone.svg")
    assert measures_printed(alone).rows[0][3] == "–"
    assert all(row[3] is None for row in measures(alone).rows if row[2] == "slope")


def test_the_tables_hold_every_measure_before_and_after(calibration):
    exact = {row[:3]: row[3:] for row in measures(calibration).rows}
    for version in ("before", "after"):
        entry = calibration[version]["F4"]
        assert exact["F4", version, "slope"] == (entry["slope"]["value"], *entry["slope"]["interval"], 60)
        assert exact["F4", version, "ece_if_right_95"][0] == entry["ece"]["if_right_95"]
        assert exact["F4", version, "prevalence"][0] == 0.2
    printed = measures_printed(calibration)
    assert [row[0] for row in printed.rows] == ["F≥2", "F≥2", "F≥3", "F≥3", "F4", "F4"]
    assert [row[1] for row in printed.rows] == ["as given", "scaled"] * 3
    assert {len(row) for row in printed.rows} == {len(printed.columns)}
    assert "log-likelihood" in printed.note


def test_the_bins_of_a_curve_hold_all_its_scans(calibration):
    rows = bins(calibration).rows
    assert len(rows) == 60
    assert sum(row[-1] for row in rows if row[:2] == ("F>=2", "after")) == 60


def test_a_fold_without_an_inner_split_says_so_in_its_row(calibration):
    table = temperatures(calibration)
    assert table.rows[0][2] == 40
    assert table.rows[1][1:5] == (1.0, 0, None, None)
    assert "no inner split" in table.rows[1][5]
