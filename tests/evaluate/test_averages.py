import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fibrolens.evaluate.averages import Staged, averages, resampled_macro, resampled_micro
from fibrolens.evaluate.roc import macro_curve, micro_curve


@pytest.fixture
def staged():
    generator = np.random.default_rng(3)
    stage = np.arange(80) % 5
    raw = generator.random((80, 5)).round(1) + np.eye(5)[stage] + 0.01
    return Staged(stage, raw / raw.sum(1, keepdims=True), np.arange(80), np.arange(80) // 16)


def found(staged):
    return averages(staged, np.random.default_rng(0), 200)


@pytest.mark.parametrize("name", ["micro", "macro"])
def test_averages_equal_scikit_learn_and_lie_in_their_intervals(staged, name):
    entry = found(staged)[name]
    expected = roc_auc_score(np.eye(5)[staged.stage], staged.probabilities, average=name)
    assert abs(entry["auc"] - expected) < 1e-12
    assert entry["bootstrap"][0] < entry["auc"] < entry["bootstrap"][1]
    assert entry["stages"] == {f"F{k}": 16 for k in range(5)}
    assert [row["cases"] for row in entry["per_fold"]] == [16] * 5
    assert entry["fold_spread"]["folds"] == 5
    assert not entry["thin"]


@pytest.mark.parametrize(("resampled", "curve"), [(resampled_micro, micro_curve), (resampled_macro, macro_curve)])
def test_a_replicate_s_average_is_that_of_the_scans_written_out(staged, resampled, curve):
    weights = np.random.default_rng(0).integers(1, 3, (4, 80))
    written = [curve(np.repeat(staged.stage, w), np.repeat(staged.probabilities, w, axis=0)).auc for w in weights]
    assert resampled(staged.stage, staged.probabilities)(weights.astype(float)) == pytest.approx(written, abs=1e-12)


def test_a_single_stage_gives_a_reason_and_no_figure():
    entry = found(Staged(np.zeros(6, int), np.full((6, 5), 0.2), np.arange(6), np.zeros(6, int)))["macro"]
    assert (entry["auc"], entry["bootstrap"]) == (None, None)
    assert "fewer than two stages" in entry["reason"]


def test_a_stage_of_one_patient_gives_no_interval_and_is_thin(staged):
    kept = np.flatnonzero((staged.stage != 1) | (np.arange(80) == 1))
    entry = found(Staged(staged.stage[kept], staged.probabilities[kept], kept, staged.fold[kept]))["macro"]
    assert entry["auc"] is not None
    assert entry["bootstrap"] is None
    assert "two patients of each stage" in entry["reason"]
    assert entry["thin"]
