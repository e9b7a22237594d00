"""Maps of networks without training, and which of a study's maps are shown."""

from dataclasses import replace

import numpy as np
import pytest
from tests.readers.conftest import toy_stages

from fibrolens.errors import InputError
from fibrolens.explain.patterns import PATTERNS
from fibrolens.io import read_volume
from fibrolens.readers import maps
from fibrolens.readers.folder import PICTURES, open_set
from fibrolens.readers.item import Item
from fibrolens.readers.items import Wanted
from fibrolens.readers.maps import Control, PictureJob, control
from fibrolens.readers.prepare import prepare
from fibrolens.study.folder import Study
from fibrolens.study.prepare import prepare_scan
from fibrolens.study.steps import Running


@pytest.fixture(scope="module")
def looked(finished_study):
    """A scan on the network grid, its job, and the item of a control."""
    study = Study.open(finished_study)
    row, plan = study.rows[0], study.plan.staging
    ct = read_volume(row.image)
    scan = prepare_scan(row, ct, study.segmentations.labels(row, ct), plan.grid)
    item = Item("abc234", "control", None, row.scan_id, row.patient_id, 0, "F0", "F4", 7)
    return scan, PictureJob(row, plan, row.image, study.segmentations, (item,), finished_study, 2.0), item


def test_a_control_depends_on_its_seed_alone_and_lies_on_the_scale_mean1(looked):
    scan, job, item = looked
    found, again, other = (control(scan, job, one) for one in (item, item, replace(item, seed=8)))
    assert np.array_equal(found.array, again.array)
    assert not np.array_equal(found.array, other.array)
    assert found.pattern in PATTERNS
    assert found.array.min() >= 0
    # On this scan a window covers every slice that shows liver.
    first, last = scan.case.liver_first, scan.case.liver_last
    inside = scan.body.copy()
    inside[:first] = inside[last + 1 :] = False
    assert found.array[inside].mean() == pytest.approx(1.0, rel=0.05)


def test_a_network_whose_map_is_blank_is_passed_over(looked, monkeypatch):
    tried = []

    def blank_at_first(_scan, _job, _item, seed):
        tried.append(seed)
        return Control(np.full((2, 2, 2), float(len(tried) > 2)), "mixed", seed)

    monkeypatch.setattr(maps, "_control", blank_at_first)
    assert control(*looked).seed == 9
    assert tried == [7, 8, 9]


def test_the_recommended_maps_can_be_shown(finished_study, tmp_path):
    wanted = Wanted(("A",), toy_stages(finished_study)[:1], per_stage=1, controls=1.0, repeats=0.0, maps="recommended")
    store = prepare(Study.open(finished_study), tmp_path / "set", wanted, Running(1))
    assert store.about()["layer"] == "contrast conv2"
    assert sorted(item.kind for item in open_set(tmp_path / "set").items()) == ["control", "map"]
    assert len(list((tmp_path / "set" / PICTURES).iterdir())) == 2


def test_a_study_without_maps_says_how_they_are_made(finished_study, tmp_path, monkeypatch):
    monkeypatch.setattr("fibrolens.readers.prepare.FOLDS", "nowhere")
    with pytest.raises(InputError, match="fibrolens explain"):
        prepare(Study.open(finished_study), tmp_path / "set", Wanted(("A",), toy_stages(finished_study)), Running(1))
    assert not (tmp_path / "set").exists()
