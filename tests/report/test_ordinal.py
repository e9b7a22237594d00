import numpy as np
import pytest

from fibrolens.evaluate.averages import Staged
from fibrolens.evaluate.ordinal import ordinal
from fibrolens.report.ordinal import exact, printed


def both(mix=None, stages=(0, 1, 2, 3, 4)):
    generator = np.random.default_rng(0)
    stage = np.resize(stages, 50)
    raw = generator.random((50, 5)) + 0.5 * np.eye(5)[stage]
    staged = Staged(stage, raw / raw.sum(axis=1, keepdims=True), np.arange(50), stage)
    return {version: ordinal(staged, np.random.default_rng(0), 50, mix) for version in ("before", "after")}


def test_every_measure_stands_before_and_after_side_by_side():
    found = both()
    table = printed(found)
    assert table.columns == ("Measure", "As given", "After temperature scaling")
    kappa = next(row for row in table.rows if "kappa" in row[0])
    assert kappa[1].startswith(f"{found['before']['kappa']['value']:.3f} [")
    assert "50 scans of a single stage" in table.note


def test_a_given_mix_has_a_row_and_is_named():
    table = printed(both((0.5, 0.2, 0.1, 0.1, 0.1)))
    assert "Obuchowski's measure, given mix" in [row[0] for row in table.rows]
    assert "Given mix: F0 0.5, F1 0.2, F2 0.1" in table.note
    assert "given" not in printed(both()).note.lower().replace("as given", "")


def test_what_is_not_measurable_says_why():
    cells = {row[0]: row[1] for row in printed(both(stages=(0, 4))).rows}
    assert cells["Obuchowski's measure, every stage alike"] == "– (no scan is F1 or F2 or F3)"


def test_the_csv_file_holds_every_pair_of_stages():
    found = both()
    rows = {row[:2]: row for row in exact(found).rows}
    assert sum(name.startswith("auc_") for version, name in rows if version == "after") == 10
    assert rows["before", "auc_F0_F4"][2] == found["before"]["obuchowski"]["pairs"][3]["auc"]
    assert rows["before", "rps"][2:5] == pytest.approx(
        (found["before"]["rps"]["value"], *found["before"]["rps"]["interval"])
    )
