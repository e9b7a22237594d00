import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fibrolens.evaluate.areas import area
from fibrolens.evaluate.intervals import delong
from fibrolens.evaluate.threshold import Question


def asked(positive, score):
    count = len(positive)
    return Question(np.array(positive, bool), np.array(score, float), np.arange(count), np.zeros(count, int))


def test_an_auc_has_its_interval_and_counts():
    generator = np.random.default_rng(0)
    positive = generator.random(60) < 0.4
    score = generator.random(60) + 0.3 * positive
    found = area(asked(positive, score))
    assert found["value"] == pytest.approx(roc_auc_score(positive, score), abs=1e-12)
    known = delong(positive, score)
    assert found["interval"] == [known.low, known.high]
    assert (found["positives"], found["negatives"], found["thin"]) == (positive.sum(), (~positive).sum(), False)


def test_what_is_not_known_has_a_reason():
    alone = area(asked([True, True], [0.2, 0.3]))
    assert (alone["value"], alone["interval"], alone["thin"]) == (None, None, True)
    assert "one side" in alone["reason"]
    apart = area(asked([True, True, False, False], [0.8, 0.9, 0.1, 0.2]))
    assert (apart["value"], apart["interval"]) == (1.0, None)
    assert "overlap" in apart["reason"]
