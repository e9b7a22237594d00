import numpy as np
import pytest

from fibrolens.errors import ModelError
from fibrolens.staging.domain import DomainModel, fit_domain


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    return rng.standard_normal((400, 6)) @ rng.standard_normal((6, 6)) + 5.0


def test_distance_is_mahalanobis():
    model = DomainModel(np.array([1.0, 0.0]), np.diag([4.0, 1.0]), 2.0)
    np.testing.assert_allclose(model.distance(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, 3.0]])), [0.0, 2.0, 3.0])
    assert model.familiar(np.array([2.0, 0.0]))
    assert not model.familiar(np.array([1.0, 3.0]))


def test_new_scans_of_the_same_kind_are_familiar_and_strange_ones_are_not(features):
    model = fit_domain(features[:300])
    assert (model.distance(features[300:]) <= model.threshold).mean() >= 0.94
    assert not model.familiar(features[0] + 30.0)


def test_the_threshold_is_the_99th_percentile_of_held_out_scans(features):
    model = fit_domain(features[:300], features[300:])
    assert (model.distance(features[300:]) <= model.threshold).mean() == pytest.approx(0.99)


def test_silent_units_do_not_break_the_inverse(features):
    silent = np.hstack([features, np.zeros((len(features), 2))])
    model = fit_domain(silent)
    assert np.isfinite(model.distance(silent)).all()


def test_tensors_round_trip(features):
    model = fit_domain(features)
    again = DomainModel.from_tensors(model.tensors())
    assert again.threshold == model.threshold
    np.testing.assert_array_equal(again.distance(features), model.distance(features))


def test_too_few_scans_or_missing_tensors_are_refused(features):
    with pytest.raises(ModelError, match="at least 5"):
        fit_domain(features[:3])
    with pytest.raises(ModelError, match="precision"):
        DomainModel.from_tensors({"mean": fit_domain(features).tensors()["mean"]})
