import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fibrolens.errors import ModelError
from fibrolens.plan import GridPlan, NetworkPlan, Plan, SegmentationPlan, SlabPlan, TrainingPlan, read_plan, write_plan


@pytest.mark.parametrize(
    "plan",
    [
        Plan(),
        Plan(
            grid=GridPlan(spacing_mm=(2.0, 1.0, 1.0)),
            slab=SlabPlan(16, 4),
            training=TrainingPlan(seed=7, frozen=("conv1",)),
        ),
        SegmentationPlan(steps=10),
    ],
)
def test_written_plan_reads_back_equal(tmp_path: Path, plan: Any):
    write_plan(plan, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json", type(plan)) == plan


def test_equal_plans_are_equal_files(tmp_path: Path):
    write_plan(Plan(), tmp_path / "a.json")
    write_plan(replace(Plan()), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_what_the_paper_states_is_the_default():
    plan = Plan()
    assert plan.grid.window_hu == (-125.0, 225.0)
    assert plan.slab.slices == 32
    assert (len(plan.network.channels), plan.network.kernel, len(plan.network.pools)) == (4, (5, 5, 5), 3)


def test_a_plan_of_before_strides_and_signs_still_loads(tmp_path: Path):
    write_plan(Plan(), tmp_path / "plan.json")
    content = json.loads((tmp_path / "plan.json").read_text())
    del content["network"]["stride"], content["network"]["normalise"]
    for key in ("signs_weight", "averaging", "frozen"):
        del content["training"][key]
    (tmp_path / "plan.json").write_text(json.dumps(content))
    assert read_plan(tmp_path / "plan.json", Plan) == Plan()


def refused(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    """The default plan with `change` merged in is refused because of `why`."""
    write_plan(Plan(), tmp_path / "plan.json")
    content = json.loads((tmp_path / "plan.json").read_text())
    for key, value in change.items():
        content[key] = content[key] | value if isinstance(value, dict) else value
    (tmp_path / "plan.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match=why):
        read_plan(tmp_path / "plan.json", Plan)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"grid": {"colour": 1}}, "plan.json: grid has unknown keys: colour"),
        ({"slab": {"slices": "many"}}, "slab: slices must be int; it is 'many'"),
        ({"slab": {"slices": True}}, "slab: slices must be int; it is True"),
        ({"grid": {"spacing_mm": 5}}, "grid: spacing_mm must be a list"),
        ({"grid": {"spacing_mm": [5, 1]}}, "grid: spacing_mm must have 3 entries; it has 2"),
        ({"grid": {"window_hu": [225, -125]}}, "window_hu must be a lower and a higher value"),
        ({"slab": {"stride": 99}}, "stride must be between 1 and slices"),
        ({"network": {"kernel": [4, 5, 5]}}, "kernel must be odd"),
        ({"network": {"stride": [0, 1, 1]}}, "stride must be from 1 to 4096"),
        ({"training": {"frozen": ["conv9"]}}, "frozen must be one of conv1, .*; it is 'conv9'"),
        ({"training": {"averaging": 1.0}}, r"averaging must be in \[0, 1\)"),
        ({"training": {"signs_weight": -1.0}}, "signs_weight must be at least 0"),
        (
            {"region": "head"},
            "region must be one of upper_abdomen, liver_only, liver_spleen, no_liver, no_spleen; it is 'head'",
        ),
        ({"training": []}, "training must be an object"),
        ({"schema_version": 99}, "has schema 99; this version reads 1"),
    ],
)
def test_plan_that_cannot_be_followed_names_the_key(tmp_path: Path, change, why):
    refused(tmp_path, change, why)


def test_whole_numbers_serve_as_decimals(tmp_path: Path):
    (tmp_path / "plan.json").write_text('{"grid": {"spacing_mm": [5, 1, 1]}}')
    plan = read_plan(tmp_path / "plan.json", Plan)
    assert plan.grid.spacing_mm == (5.0, 1.0, 1.0)
    assert all(isinstance(s, float) for s in plan.grid.spacing_mm)
    assert plan.network == NetworkPlan()


@pytest.mark.parametrize("content", [None, "not json", "\x00\x01"])
def test_missing_or_damaged_plan_is_named(tmp_path: Path, content):
    if content is not None:
        (tmp_path / "plan.json").write_text(content)
    with pytest.raises(ModelError, match=r"plan\.json cannot be read as JSON"):
        read_plan(tmp_path / "plan.json", Plan)


def test_plan_of_another_kind_is_refused(tmp_path: Path):
    write_plan(SegmentationPlan(), tmp_path / "plan.json")
    with pytest.raises(ModelError, match="unknown keys"):
        read_plan(tmp_path / "plan.json", Plan)


def test_a_grid_without_an_intensity_is_one_of_ct(tmp_path):
    """Plans were written before there was another."""
    write_plan(Plan(), tmp_path / "plan.json")
    content = json.loads((tmp_path / "plan.json").read_text())
    for name in ("intensity", "mr_percentiles"):
        del content["grid"][name]
    (tmp_path / "plan.json").write_text(json.dumps(content))
    grid = read_plan(tmp_path / "plan.json", Plan).grid
    assert grid == GridPlan()
    assert (grid.intensity, grid.outside) == ("hu", -1000.0)


def test_outside_an_mr_there_is_no_signal():
    assert GridPlan(intensity="mr").outside == 0.0


def test_percentiles_of_an_mr_must_rise(tmp_path):
    refused(tmp_path, {"grid": {"mr_percentiles": [99.0, 1.0]}}, "mr_percentiles must be a lower and a higher")
