"""The recipe tells the numbers of the plan."""

import json
from dataclasses import replace

from tests.segment.cascades import SMALL

from fibrolens.export.recipe import segmentation_recipe, slab_shape, staging_recipe
from fibrolens.plan import GridPlan, Plan, SlabPlan
from fibrolens.staging.plans import small_plan


def test_what_goes_in_and_where_a_map_lies():
    told = staging_recipe(small_plan())
    assert told["input"]["shape"] == [32, 128, 128]
    assert told["input"]["intensity"] == {
        "kind": "hu", "zero_at_hu": -125.0, "one_at_hu": 225.0, "air_hu": -1000.0, "beyond": "clipped",
    }  # fmt: skip
    assert told["maps"]["layers"]["conv4"] == {"cell": [4, 8, 8], "shift": [0.5, 0.5, 0.5]}
    assert json.loads(json.dumps(told)) == told


def test_an_mr_is_scaled_by_its_own_percentiles():
    plan = replace(Plan(), grid=GridPlan(intensity="mr"))
    assert staging_recipe(plan)["input"]["intensity"]["one_at_percentile"] == 99.5


def test_a_patch_is_smaller_than_the_plane():
    plan = Plan(grid=GridPlan(spacing_mm=(5.0, 3.0, 1.5)), slab=SlabPlan(3, 3), patch_mm=96.0, sections=3)
    assert slab_shape(plan) == (3, 32, 64)


def test_both_v_nets_are_described():
    told = segmentation_recipe(SMALL)
    assert told["channels"][0] == "-125 to 225 HU as 0 to 1, clipped"
    assert told["coarse"]["least_size"] == [10, 20, 20]
    assert "liver, spleen" in told["fine"]["further_channels"]
    assert json.loads(json.dumps(told)) == told
