from dataclasses import replace

import numpy as np
import pytest

from fibrolens.audit.null import SHOWN, map_means, null_bands_of, pattern_counts
from fibrolens.audit.subjects import Shown
from fibrolens.explain.attention import NAMES
from fibrolens.plan import NetworkPlan
from fibrolens.staging.data import StagingCase
from fibrolens.staging.network import fast, new_network
from fibrolens.staging.plans import small_plan
from fibrolens.staging.predict import StagingModel
from fibrolens.study.prepare import PreparedScan
from fibrolens.volume import Geometry, Volume

SHAPE = (32, 128, 128)


def scan(seed):
    image = np.random.default_rng(seed).integers(0, 255, SHAPE).astype(np.uint8)
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:28, 30:80, 20:70] = 1
    labels[8:20, 60:90, 90:110] = 2
    body = np.ones(SHAPE, bool)
    depth = np.where(labels == 1, 20.0, 0.0).astype(np.float32)
    depth[4:28, 30:33, 20:70] = 5.0
    case = StagingCase(f"P{seed}", f"P{seed}", (0,), image, 4, 27)
    return Shown(PreparedScan(case, Volume(labels, Geometry(SHAPE, (5.0, 3.0, 3.0))), body, depth))


def model(seed=0):
    tiny = NetworkPlan(channels=(2, 2, 4, 4), pools=((2, 2, 2), (2, 2, 2), (1, 2, 2)), pooled=(1, 2, 2), hidden=8)
    plan = replace(small_plan(), network=tiny)
    return StagingModel(plan, fast(new_network(plan.network, seed).eval()), {}, "")


@pytest.fixture(scope="module")
def bands():
    ticks = []
    found = null_bands_of(model(), [scan(0), scan(1)], 2, 5, (model(1), model(2)), lambda: ticks.append(1))
    return found, len(ticks)


def test_every_kind_of_map_has_a_band_per_region(bands):
    found, ticks = bands
    assert ticks == 2 * 2 + 2 * 2
    assert [(one.method, one.layer) for one in found] == [(one.method, one.layer) for one in SHOWN]
    for one in found:
        assert {band.region for band in one.bands} == set(NAMES)
        assert (one.networks, one.scans, one.seeds) == (2, 2, 2)
        assert all(band.low <= band.median <= band.high and band.seed_sd >= 0 for band in one.bands)


def test_the_same_seed_gives_the_same_bands(bands):
    assert null_bands_of(model(), [scan(0), scan(1)], 2, 5, (model(1), model(2))) == bands[0]


def test_patterns_are_counted_by_kind_of_map_and_predicted_stage():
    rows = [map_means(model(), scan(0)), map_means(model(), scan(1))]
    counts = pattern_counts(rows)
    for one in SHOWN:
        own = [c for c in counts if (c.method, c.layer) == (one.method, one.layer)]
        assert sum(c.count for c in own) == 2
        assert {c.predicted for c in own} == {f"F{predicted}" for predicted, _ in rows}
