import numpy as np
import pytest

from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.temperature import HIGHEST, LOWEST, Temperature, fit_temperature, log_loss, tempered


def case(number, stages, probabilities, fold=0):
    return Predicted(f"s{number}", f"p{number}", fold, tuple(stages), tuple(float(p) for p in probabilities))


def drawn(temperature, n=4000, seed=0):
    """Scans whose stages follow their probabilities at this temperature."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(n, 5))
    told = np.exp(logits * temperature)
    told /= told.sum(axis=1, keepdims=True)
    true = np.exp(logits)
    true /= true.sum(axis=1, keepdims=True)
    return [case(k, [generator.choice(5, p=p)], q) for k, (p, q) in enumerate(zip(true, told, strict=True))]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_probabilities_is_found(temperature):
    assert fit_temperature(drawn(temperature)).value == pytest.approx(temperature, rel=0.06)


def test_no_other_temperature_has_a_higher_likelihood():
    cases = drawn(2.0, 60)
    found = fit_temperature(cases)
    at = {t: log_loss(tempered(cases, {0: Temperature(t, 0)})) for t in np.geomspace(LOWEST, HIGHEST, 200)}
    assert found.log_loss[1] <= min(at.values()) + 1e-12
    assert found.log_loss == pytest.approx((log_loss(cases), log_loss(tempered(cases, {0: found}))))


def test_a_set_counts_by_the_sum_of_its_stages():
    cases = [case(0, (2, 3), (0.1, 0.1, 0.3, 0.4, 0.1)), case(1, (0,), (0.25, 0.25, 0.3, 0.1, 0.1))]
    assert log_loss(cases) == pytest.approx(-(np.log(0.7) + np.log(0.25)) / 2)
    whole = case(2, (0, 1, 2, 3, 4), (0.1, 0.2, 0.3, 0.3, 0.1))
    assert "nothing" in fit_temperature([whole]).reason


def test_each_scan_is_scaled_by_its_own_fold():
    odds = (0.5, 0.2, 0.1, 0.1, 0.1)
    cases = [case(n, (0,), odds, fold=n) for n in range(3)]
    one, two, three = tempered(cases, {0: Temperature(2.0, 9), 1: Temperature(1.0, 0, None, "no split")})
    root = np.sqrt(odds)
    assert one.probabilities == pytest.approx(root / root.sum())
    assert two == cases[1]
    assert three == cases[2]
    assert one.predicted == cases[0].predicted
    assert tempered([], {}) == []


def test_a_fold_without_an_inner_split_stays_as_it_is_and_says_why():
    assert fit_temperature([]) == Temperature(1.0, 0, None, "the fold has no inner split, the patients are too few")
    assert fit_temperature(None).reason == "there are no predictions of the fold's inner split"


@pytest.mark.parametrize("off", [0, 1])
def test_an_inner_split_that_is_always_right_or_always_wrong_has_no_likeliest_temperature(off):
    found = fit_temperature([case(n, (n % 5,), np.full(5, 0.1) + 0.5 * np.eye(5)[(n + off) % 5]) for n in range(10)])
    assert (found.value, found.log_loss) == (1.0, None)
    assert found.reason == "its inner split has no likeliest temperature between 0.05 and 20"


def test_a_probability_of_zero_does_not_break_the_fit():
    cases = [case(0, (1,), (1, 0, 0, 0, 0)), *(case(n, (0,), (0.9, 0.1, 0, 0, 0)) for n in range(1, 9))]
    found = fit_temperature(cases)
    assert found.value > 1
    assert np.isfinite(found.log_loss).all()
