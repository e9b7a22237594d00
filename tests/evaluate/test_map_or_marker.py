import json

import numpy as np
import pytest

from fibrolens.evaluate.map_or_marker import GROUPS, map_or_marker
from fibrolens.evaluate.predicted import Predicted

N = 80
RNG = np.random.default_rng(0)
SPLEEN = RNG.lognormal(6, 0.5, N)
AGE = RNG.integers(20, 80, N)


def cases(score):
    """Predictions whose expected stage rises with `score`."""
    p = 1 / (1 + np.exp(-(score - np.mean(score)) / np.std(score)))
    return [
        Predicted(f"s{k}", f"p{k}", k % 5, (4,) if SPLEEN[k] > 400 else (0,), (1 - q, 0.0, 0.0, 0.0, float(q)))
        for k, q in enumerate(p)
    ]


def measured(**more):
    rows = {}
    for k in range(N):
        rows[f"s{k}"] = {"spleen_volume_ml": f"{SPLEEN[k]:.1f}", "age": str(AGE[k]), "sex": "MF"[k % 2], "lsn": ""}
        rows[f"s{k}"] |= {name: str(values[k]) for name, values in more.items()}
    return rows


def looked(score, rows=None):
    return map_or_marker(cases(score), measured() if rows is None else rows, np.random.default_rng(0), 200)


def test_a_network_that_reads_the_spleen_s_size_is_found_to_be_that():
    found = looked(np.log(SPLEEN))
    assert found["groups"]["spleen size"]["network"]["share"] == pytest.approx(1.0, abs=0.02)
    assert found["groups"]["age and sex"]["network"]["share"] == pytest.approx(0.0, abs=0.03)
    assert found["network"]["r2"] == pytest.approx(1.0, abs=0.01)
    assert found["stage"]["r2"] < 0.9
    json.dumps(found, allow_nan=False)


def test_a_network_that_reads_something_else_is_not():
    found = looked(RNG.standard_normal(N))
    assert found["groups"]["spleen size"]["network"]["share"] < 0.15
    assert found["network"]["out_of_fold"] < 0.15


def test_what_is_hardly_known_or_never_differs_is_left_out_with_the_reason():
    found = looked(SPLEEN, measured(liver_hu=["100"] * N, platelets=["150"] * 30 + [""] * 50))
    assert found["unused"]["lsn"] == "known of 0 of 80 scans"
    assert found["unused"]["platelets"] == "known of 30 of 80 scans"
    assert found["unused"]["liver_hu"] == "the same in all scans"
    assert set(found["groups"]) == {"spleen size", "age and sex"}
    assert found["groups"]["age and sex"]["columns"] == {"age": N, "sex": N}


def test_unknown_values_are_counted_and_weaken_their_group():
    some = [f"{v:.1f}" if k % 3 else "" for k, v in enumerate(SPLEEN)]
    full, gaps = looked(np.log(SPLEEN)), looked(np.log(SPLEEN), measured(spleen_volume_ml=some))
    assert gaps["groups"]["spleen size"]["columns"]["spleen_volume_ml"] == 53
    parts = [found["groups"]["spleen size"]["network"]["share"] for found in (full, gaps)]
    assert parts[1] < parts[0] - 0.1


def test_too_few_scans_give_a_reason_and_no_figure():
    few = {key: row for key, row in measured().items() if key in {f"s{k}" for k in range(9)}}
    found = looked(SPLEEN, few)
    assert found["reason"] == "3 columns need at least 11 scans; there are 9"
    assert found["network"] is None
    assert (found["scans"], found["left_out"]) == (9, N - 9)
    assert looked(SPLEEN, {})["reason"] == "nothing was measured"


def test_no_column_stands_in_two_groups():
    columns = [name for names in GROUPS.values() for name in names]
    assert len(columns) == len(set(columns))
