import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from fibrolens.evaluate.proportional_odds import ProportionalOdds, _loss

WEIGHTS, CUTS = np.array([1.5, -0.7]), np.array([-1.0, 0.0, 0.5, 1.5])


def drawn(n, seed=0):
    generator = np.random.default_rng(seed)
    table = generator.normal(size=(n, 2))
    stage = (generator.logistic(size=n) + table @ WEIGHTS)[:, None] >= CUTS
    return table, [(int(k),) for k in stage.sum(axis=1)]


def test_weights_and_cuts_come_back_from_many_cases():
    table, stages = drawn(20000)
    found = ProportionalOdds().fit(table, stages)
    np.testing.assert_allclose(found.coef_ / found.scale_, WEIGHTS, atol=0.06)
    np.testing.assert_allclose(found.cuts_ + found.mean_ / found.scale_ @ found.coef_, CUTS, atol=0.06)


def test_probabilities_are_those_of_the_model():
    table, stages = drawn(300)
    found = ProportionalOdds().fit(table, stages)
    at_least = found.predict_proba(table)[:, ::-1].cumsum(axis=1)[:, ::-1]
    np.testing.assert_allclose(at_least[:, 0], 1.0)
    np.testing.assert_allclose(at_least[:, 1:], expit(found.decision_function(table)[:, None] - found.cuts_))


def test_the_gradient_is_that_of_the_loss():
    table, stages = drawn(40)
    allowed = np.zeros((40, 5))
    for row, (stage,) in zip(allowed, stages, strict=True):
        row[stage] = 1.0
    allowed[:5, 2:4] = 1.0
    free = np.array([0.4, -0.2, -0.5, 0.1, -0.3, 0.2])
    error = check_grad(lambda x: _loss(x, table, allowed, 2.0)[0], lambda x: _loss(x, table, allowed, 2.0)[1], free)
    assert error < 1e-4


def test_two_stages_are_a_logistic_regression():
    """With F0 and F4 alone the other stages get hardly any room, and the ridge is the same."""
    table, stages = drawn(400)
    kept = [n for n, (stage,) in enumerate(stages) if stage in (0, 4)]
    table, stages = table[kept], [stages[n] for n in kept]
    found = ProportionalOdds(penalty=1.0).fit(table, stages)
    standard = (table - table.mean(axis=0)) / table.std(axis=0)
    plain = LogisticRegression(C=1.0, tol=1e-8).fit(standard, [stage == 4 for (stage,) in stages])
    np.testing.assert_allclose(found.coef_, plain.coef_[0], atol=0.01)


def test_a_set_of_all_stages_teaches_nothing():
    table, stages = drawn(100)
    more = np.concatenate([table, np.full((50, 2), 0.0)])
    alone = ProportionalOdds().fit(table, stages)
    together = ProportionalOdds().fit(more, stages + [(0, 1, 2, 3, 4)] * 50)
    np.testing.assert_allclose(together.predict_proba(table), alone.predict_proba(table), atol=0.02)


def test_a_missing_number_is_the_median():
    table, stages = drawn(100)
    found = ProportionalOdds().fit(table, stages)
    missing, filled = np.array([[np.nan, 1.0]]), np.array([[np.median(table[:, 0]), 1.0]])
    np.testing.assert_allclose(found.predict_proba(missing), found.predict_proba(filled))


def test_separated_stages_keep_finite_weights():
    table = np.linspace(-1, 1, 20)[:, None]
    found = ProportionalOdds().fit(table, [(0,)] * 10 + [(4,)] * 10)
    assert np.isfinite(found.coef_).all()
    assert found.predict(table).tolist() == [0] * 10 + [4] * 10


def test_a_column_without_numbers_is_refused():
    with pytest.raises(ValueError, match="one has none"):
        ProportionalOdds().fit(np.full((5, 1), np.nan), [(0,)] * 5)


def test_it_can_be_cloned_as_scikit_learn_does():
    assert clone(ProportionalOdds(penalty=3.0)).penalty == 3.0
