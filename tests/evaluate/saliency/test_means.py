import numpy as np
import pytest

from fibrolens.evaluate.saliency.means import NO_INTERVAL, NO_SCAN, or_nan, patient_mean


def test_what_is_not_known_is_nan_and_answers_are_numbers():
    assert [or_nan(0.25), or_nan(True), or_nan(False)] == [0.25, 1.0, 0.0]
    assert np.isnan(or_nan(None))


def test_unknown_figures_are_left_out_of_the_mean_and_counted():
    values, patient = np.array([1.0, np.nan, 3.0, 5.0]), np.array([0, 0, 1, 1])
    found = patient_mean(values, patient, np.random.default_rng(0))
    assert found["value"] == pytest.approx(3.0)
    assert (found["of"], found["patients"]) == (3, 2)
    low, high = found["interval"]
    # Two patients, with 1 and 4 on average: no draw lies beyond them.
    assert 1.0 <= low < 3.0 < high <= 4.0


@pytest.mark.parametrize(("values", "reason"), [([np.nan], NO_SCAN), ([2.0], NO_INTERVAL)])
def test_what_cannot_be_known_has_a_reason(values, reason):
    found = patient_mean(np.array(values), np.zeros(1, int), np.random.default_rng(0))
    assert found["interval"] is None
    assert found["reason"] == reason
