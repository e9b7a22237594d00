from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.report.svg import words

from fibrolens.plan import GridPlan, NetworkPlan, Plan
from fibrolens.report.figures import MapExample
from fibrolens.report.scheme import network_stages, scheme_figure
from fibrolens.staging.network import new_network
from fibrolens.volume import Geometry, Volume

PLAN = Plan(
    grid=GridPlan(spacing_mm=(5.0, 3.0, 3.0), in_plane=(127, 127)),
    network=NetworkPlan((8, 16, 32, 64), stride=(2, 2, 2), pools=((1, 2, 2), (2, 1, 1), (1, 2, 2))),
)


def test_sizes_follow_stride_and_pools_as_in_the_network():
    found = {stage.name: (stage.channels, *stage.size) for stage in network_stages(PLAN)}
    network = new_network(PLAN.network, 0).eval()
    x = torch.zeros(1, 1, 32, 127, 127)
    for number in (1, 2, 3, 4):
        x = getattr(network, f"conv{number}")(x)
        assert found[f"Conv {number}"] == tuple(x.shape[1:])
        if number < 4:
            x = getattr(network, f"pool{number}")(x)
            assert found[f"Pool {number}"] == tuple(x.shape[1:])


def test_the_scheme_says_what_the_plan_decides(tmp_path):
    scheme_figure(PLAN, 7, tmp_path / "scheme")
    text = words(tmp_path / "scheme.svg")
    for part in ("7-fold", "-125, 225", "5 × 3 × 3 mm", "slab of 32 × 127 × 127", "stride 2×2×2", "128 units", "P(F4)"):
        assert part in text


@pytest.mark.parametrize(
    ("scans", "told"),
    [
        ((3, 3, 3), "in every fold an inner split"),
        ((3, 0, 3), "in every fold but 1 an inner split"),
        ((0, 0, 0), "too few for an inner split"),
        ((), None),
    ],
)
def test_an_inner_split_is_drawn_where_there_is_one(tmp_path, scans, told):
    scheme_figure(PLAN, 3, tmp_path / "scheme", inner_scans=scans)
    text = words(tmp_path / "scheme.svg")
    assert told is None or told in text
    assert ("inner split" in text) == bool(scans)


def test_what_an_inner_split_is_for_follows_the_plan(tmp_path):
    for check_every, told in ((20, "for early stopping and for the cuts"), (0, "is kept away, for the cuts")):
        training = replace(PLAN.training, check_every=check_every)
        scheme_figure(replace(PLAN, training=training), 3, tmp_path / "scheme", inner_scans=(3, 3, 3))
        assert told in words(tmp_path / "scheme.svg")


def test_with_a_scan_it_shows_what_was_predicted_and_has_the_same_bytes_each_time(tmp_path):
    shape = (6, 20, 20)
    grid = Geometry(shape, (5.0, 15.0, 15.0))
    hu = Volume(np.full(shape, 50, np.int16), grid)
    example = MapExample("F4, predicted F3", hu, hu.with_array(np.ones(shape, np.float32)), None)
    for name in ("one", "again"):
        scheme_figure(replace(PLAN), 5, tmp_path / name, example)
    assert "here: F4, predicted F3" in words(tmp_path / "one.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "again.svg").read_bytes()
