import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fibrolens.evaluate.deferral import SHARES, deferral
from fibrolens.evaluate.predicted import Predicted


def case(number, stage, probabilities):
    return Predicted(f"s{number:03d}", f"p{number}", 0, (stage,), tuple(float(p) for p in probabilities))


@pytest.fixture(scope="module")
def cases():
    """Scans whose network is the surer the more it knows."""
    generator = np.random.default_rng(0)
    found = []
    for number in range(200):
        stage = int(generator.integers(5))
        raw = generator.random(5) + 3 * generator.random() * np.eye(5)[stage]
        found.append(case(number, stage, raw / raw.sum()))
    return found


def test_the_curve_is_that_of_the_surest_scans(cases):
    certainty = np.array([max(c.probabilities) for c in cases])
    for row in deferral(cases)["curve"]:
        kept = np.sort(certainty)[len(cases) * row["deferred"] // 100 :]
        stay = [c for c in cases if max(c.probabilities) >= kept[0]]
        assert row["kept"] == len(stay) == len(cases) * (100 - row["deferred"]) // 100
        assert row["least_certainty"] == kept[0]
        assert row["correct"]["count"] == sum(c.predicted in c.stages for c in stay)
        truth = [c.stages[0] >= 3 for c in stay]
        score = [sum(c.probabilities[3:]) for c in stay]
        assert row["auc"]["F>=3"]["value"] == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
        assert sum(row["stages"].values()) == len(cases) - len(stay)


def test_a_network_that_knows_its_errors_gains_by_deferring(cases):
    found = deferral(cases)
    shares = [row["correct"]["value"] for row in found["curve"]]
    assert shares[SHARES.index(50)] > shares[0] + 0.1
    right = [c.predicted in c.stages for c in cases]
    known = roc_auc_score(right, [max(c.probabilities) for c in cases])
    assert found["knows_errors"]["value"] == pytest.approx(known, abs=1e-12)
    assert found["knows_errors"]["interval"][0] > 0.5


def test_the_order_of_the_rows_does_not_matter_even_where_certainties_are_equal(cases):
    equal = [case(n, n % 5, (0.4, 0.15, 0.15, 0.15, 0.15)) for n in range(30)]
    for found in (cases, equal):
        assert deferral(found) == deferral(found[::-1])
    assert deferral(equal)["curve"][SHARES.index(50)]["stages"] == dict.fromkeys(("F0", "F1", "F2", "F3", "F4"), 3)


def test_a_label_of_several_stages_is_right_where_it_holds_the_predicted_one():
    label = Predicted("s", "p", 0, (2, 3), (0.1, 0.1, 0.2, 0.5, 0.1))
    row = deferral([label])["curve"][0]
    assert (row["correct"]["count"], row["kept"]) == (1, 1)


def test_what_cannot_be_known_is_null_with_a_reason_and_the_file_can_be_written():
    found = deferral([case(0, 0, (0.9, 0.1, 0, 0, 0)), case(1, 0, (0.8, 0.2, 0, 0, 0))])
    assert found["knows_errors"]["value"] is None
    assert found["knows_errors"]["reason"]
    assert found["curve"][0]["auc"]["F4"]["reason"]
    json.dumps(found, allow_nan=False)
    json.dumps(deferral([]), allow_nan=False)
