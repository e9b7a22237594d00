import numpy as np
import pytest

from fibrolens.evaluate.map_quality import NOT_BOTH, map_quality


def test_shares_staged_wrongly_by_whether_the_map_shows_its_pattern():
    wrong = np.array([True, False, False, False, True, True, False, True])
    agrees = [True, True, True, True, False, False, False, None]
    found = map_quality(wrong, agrees, np.arange(8))
    assert (found["agrees"]["count"], found["agrees"]["of"]) == (1, 4)
    assert (found["disagrees"]["count"], found["disagrees"]["of"]) == (2, 3)
    assert found["difference"]["value"] == pytest.approx(2 / 3 - 1 / 4)
    assert found["not_judged"] == 1


def test_the_interval_is_newcombes_of_a_published_example():
    # 56 of 70 against 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, example a, method 10).
    wrong = np.r_[np.ones(48), np.zeros(32), np.ones(56), np.zeros(14)].astype(bool)
    agrees = [True] * 80 + [False] * 70
    low, high = map_quality(wrong, agrees, np.arange(150))["difference"]["interval"]
    assert low == pytest.approx(0.0524, abs=1e-4)
    assert high == pytest.approx(0.3339, abs=1e-4)


@pytest.mark.parametrize("agrees", [[True, True], [False, False], [None, None]])
def test_without_both_kinds_of_map_there_is_no_difference(agrees):
    found = map_quality(np.array([True, False]), agrees, np.arange(2))
    assert found["difference"] == {"value": None, "interval": None, "reason": NOT_BOTH}
