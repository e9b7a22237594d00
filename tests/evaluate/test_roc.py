import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fibrolens.evaluate.roc import at_least, binary_curve, macro_curve, micro_curve


@pytest.fixture
def staged():
    generator = np.random.default_rng(3)
    stage = generator.integers(0, 5, 80)
    raw = generator.random((80, 5)).round(1) + np.eye(5)[stage] + 0.01
    return stage, raw / raw.sum(1, keepdims=True)


def test_at_least_sums_the_upper_stages():
    assert at_least(np.array([[0.1, 0.2, 0.3, 0.25, 0.15]])) == pytest.approx(np.array([[0.9, 0.7, 0.4, 0.15]]))


def test_auc_equals_scikit_learn(staged):
    stage, probabilities = staged
    for k in (1, 2, 3, 4):
        score = at_least(probabilities)[:, k - 1]
        curve = binary_curve(f"F>={k}", stage >= k, score)
        assert abs(curve.auc - roc_auc_score(stage >= k, score)) < 1e-12
        assert (curve.positives, curve.negatives) == ((stage >= k).sum(), (stage < k).sum())


def test_micro_equals_scikit_learn(staged):
    stage, probabilities = staged
    expected = roc_auc_score(np.eye(5)[stage], probabilities, average="micro")
    assert abs(micro_curve(stage, probabilities).auc - expected) < 1e-12


def test_macro_equals_scikit_learn_and_its_curve_rises(staged):
    stage, probabilities = staged
    curve = macro_curve(stage, probabilities)
    assert abs(curve.auc - roc_auc_score(np.eye(5)[stage], probabilities, average="macro")) < 1e-12
    assert (np.diff(curve.true_positive_rate) >= -1e-12).all()
    assert curve.true_positive_rate[-1] == 1.0


def test_macro_leaves_out_stages_that_do_not_occur():
    stage = np.array([0, 0, 4, 4])
    probabilities = np.eye(5)[stage]
    curve = macro_curve(stage, probabilities)
    assert curve.auc == 1.0
    assert (curve.positives, curve.negatives) == (4, 4), "a decision for each scan and each of the two stages"
