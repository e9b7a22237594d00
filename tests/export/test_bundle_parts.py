"""What a bundle's configuration names: files by pairs, slabs, probabilities, results."""

import importlib
import json

import numpy as np
import pytest
import torch

from fibrolens.errors import CoverageError, GeometryError, InputError
from fibrolens.plan import GridPlan, Plan, SlabPlan

# What MONAI warns of while it is loaded is its own.
pytestmark = pytest.mark.filterwarnings("ignore")

PLAN = Plan(grid=GridPlan(spacing_mm=(5.0, 4.0, 4.0), in_plane=(16, 16)), slab=SlabPlan(4, 2))


@pytest.fixture(scope="module")
def parts(monai):
    return importlib.import_module("fibrolens.export.bundle_parts")


def image(array, spacing=(4.0, 4.0, 5.0)):
    """As MONAI reads it: channel, column, row, slice, with an affine to RAS."""
    monai_data = importlib.import_module("monai.data")
    affine = torch.diag(torch.tensor([-spacing[0], -spacing[1], spacing[2], 1.0], dtype=torch.float64))
    return monai_data.MetaTensor(array.float()[None], affine=affine, meta={"filename_or_obj": "/somewhere/P1.nii.gz"})


def scan(first=2, last=7):
    ct = torch.full((20, 18, 10), -1000.0)
    ct[4:16, 4:16] = torch.arange(10) * 10.0
    liver = torch.zeros(20, 18, 10)
    liver[6:10, 6:10, first : last + 1] = 1
    return {"image": image(ct), "labels": image(liver)}


def test_every_ct_goes_with_the_labels_of_its_name(parts, tmp_path):
    with pytest.raises(InputError, match="holds no images"):
        parts.scans(str(tmp_path))
    for name in ("images/P2.nii.gz", "images/P1.nii", "labels/P1.nii", "labels/P1_other.nii.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"has no labels/P2\.nii\.gz"):
        parts.scans(str(tmp_path))
    (tmp_path / "labels" / "P2.nii.gz").touch()
    first, second = parts.scans(str(tmp_path))
    assert first == {"image": str(tmp_path / "images/P1.nii"), "labels": str(tmp_path / "labels/P1.nii")}
    assert second["labels"].endswith("labels/P2.nii.gz")


def test_an_image_keeps_its_place_in_the_patient(parts):
    volume = parts.as_volume(scan()["image"])
    assert volume.array.shape == (10, 18, 20)
    assert volume.geometry.spacing == (5.0, 4.0, 4.0)
    assert volume.geometry.orientation == "LPS"
    assert volume.source == "P1.nii.gz"


def test_slabs_run_over_the_liver_and_the_labels_end_here(parts):
    told = parts.LiverSlabsd(["image", "labels"], PLAN)(scan())
    assert set(told) == {"image"}
    assert told["image"].shape == (2, 4, 16, 16)
    # Slices 2 to 5 and 4 to 7, whose Hounsfield units are ten times their number.
    expected = (np.array([20, 40]) + 125) / 350
    np.testing.assert_allclose(told["image"][:, 0, 8, 8], expected, atol=1e-6)


def test_a_ct_without_liver_or_on_another_grid_is_refused(parts):
    bad = scan()
    bad["labels"] = image(torch.zeros(20, 18, 10))
    with pytest.raises(CoverageError):
        parts.LiverSlabsd(["image", "labels"], PLAN)(bad)
    bad["labels"] = image(torch.ones(20, 18, 10), spacing=(4.0, 4.0, 6.0))
    with pytest.raises(GeometryError):
        parts.LiverSlabsd(["image", "labels"], PLAN)(bad)


def test_probabilities_are_the_mean_of_the_slabs_softmax(parts):
    logits = {0.0: [0.0, 0.0, 0.0, 0.0, 0.0], 1.0: [9.0, 0.0, 0.0, 0.0, 0.0]}

    def network(slab):
        return torch.tensor([logits[float(slab.max())]])

    slabs = torch.stack([torch.zeros(4, 8, 8), torch.ones(4, 8, 8)])[None]
    found = parts.SlabInferer()(slabs, network)
    assert found.shape == (1, 5)
    expected = torch.tensor(list(logits.values())).softmax(1).mean(0)
    torch.testing.assert_close(found[0], expected)


def test_a_stage_is_written_under_the_name_of_its_ct(parts, tmp_path):
    data = {"image": image(torch.zeros(2, 2, 2)), "pred": torch.tensor([0.0, 0.25, 0.0, 0.0, 0.75])}
    parts.SaveStaged(["pred"], "image", str(tmp_path / "eval"))(data)
    told = json.loads((tmp_path / "eval" / "P1.json").read_text())
    assert told["stage"]["predicted"] == "F4"
    assert told["stage"]["at_least"]["F2"] == 0.75
