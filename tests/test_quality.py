"""The gate before staging."""

from itertools import product

import numpy as np
import pytest

from fibrolens.errors import CoverageError, GeometryError, InputError, PhaseError
from fibrolens.quality import OrganHU, assess, contrast_phase, liver_coverage, require_ct
from fibrolens.volume import Geometry, Volume

GRID = Geometry((20, 24, 24), (10.0, 8.0, 8.0))


def ct(
    liver: float = 105, spleen: float = 112, aorta: float = 150, modality: str = "CT"
) -> tuple[Volume, Volume, Volume]:
    """A block of each organ in water: the CT, its labels and its aorta."""
    hu = np.zeros(GRID.shape, np.int16)
    hu[:, :2], hu[:, -1, -1] = -1000, 900
    labels = np.zeros(GRID.shape, np.uint8)
    labels[4:16, 4:14, 2:12] = 1
    labels[8:14, 14:20, 16:22] = 2
    vessel = np.zeros(GRID.shape, np.uint8)
    vessel[:, 18:20, 11:13] = 1
    hu[labels == 1], hu[labels == 2], hu[vessel == 1] = liver, spleen, aorta
    scan = Volume(hu, GRID, "scan", (("modality", modality),))
    return scan, scan.with_array(labels), scan.with_array(vessel)


def test_portal_venous_scan_of_the_whole_liver_is_acceptable():
    quality = assess(*ct())
    assert quality.acceptable
    assert (quality.phase, quality.liver_coverage) == ("portal", "complete")
    assert quality.organ_hu == OrganHU(105.0, 112.0, 150.0)


def test_steatotic_liver_of_67_hu_in_portal_phase_passes():
    assert assess(*ct(liver=67)).acceptable


@pytest.mark.parametrize(
    ("liver", "spleen", "aorta", "phase"),
    [
        (45.0, 33.0, 42.0, "native"),
        (58.0, 48.0, 45.0, "native"),
        (65.0, 120.0, 290.0, "arterial"),
        (70.0, 110.0, 235.0, "arterial"),
        (112.0, 119.0, 178.0, "portal"),
        (95.0, 105.0, 128.0, "portal"),
        (92.0, 96.0, 100.0, "delayed"),
    ],
)
def test_phase_is_read_from_blood_and_spleen(liver, spleen, aorta, phase):
    assert contrast_phase(OrganHU(liver, spleen, aorta)) == phase


def test_missing_spleen_leaves_the_phase_to_the_aorta():
    assert contrast_phase(OrganHU(100.0, None, 150.0)) == "portal"
    assert contrast_phase(OrganHU(50.0, None, 40.0)) == "native"


def test_phase_without_aorta_and_spleen_is_unknown_and_refused():
    scan, labels, aorta = ct()
    quality = assess(
        scan, labels.with_array(np.where(labels.array == 2, 0, labels.array)), aorta.with_array(aorta.array * 0)
    )
    assert quality.phase == "unknown"
    assert [type(e) for e in quality.errors] == [PhaseError]


def test_other_phase_is_refused_with_the_measured_values():
    (error,) = assess(*ct(45, 33, 42)).errors
    assert isinstance(error, PhaseError)
    assert "native" in str(error)
    assert "aorta 42 HU" in str(error)


@pytest.mark.parametrize("edge", ["top", "bottom"])
def test_liver_cut_at_either_end_of_the_scan_is_incomplete(edge):
    scan, labels, aorta = ct()
    cut = labels.array.copy()
    cut[(slice(12, 20) if edge == "top" else slice(0, 8))] = cut[6]
    (error,) = assess(scan, labels.with_array(cut), aorta).errors
    assert isinstance(error, CoverageError)


def test_coverage_follows_the_body_axis_in_any_storage_order():
    labels = ct()[1]
    for order, flips in product([(1, 0, 2), (2, 1, 0)], [1, -1]):
        directions = tuple(tuple(flips * v for v in GRID.direction[a]) for a in order)
        geometry = Geometry(
            tuple(GRID.shape[a] for a in order), tuple(GRID.spacing[a] for a in order), (0.0, 0.0, 0.0), directions
        )
        turned = Volume(labels.array.transpose(order), geometry)
        assert liver_coverage(turned, turned.array == 1) == "complete"
        beheaded = np.take(turned.array, range(10, 20), axis=order.index(0))
        smaller = Volume(beheaded, Geometry(beheaded.shape, geometry.spacing, (0.0, 0.0, 0.0), directions))
        assert liver_coverage(smaller, smaller.array == 1) == "incomplete"


def test_no_liver_is_a_single_error():
    scan, labels, aorta = ct()
    quality = assess(scan, labels.with_array(labels.array * 0), aorta)
    assert quality.liver_coverage == "none"
    assert len(quality.errors) == 1


def test_labels_on_another_grid_are_refused():
    scan, labels, aorta = ct()
    elsewhere = Volume(labels.array, Geometry(GRID.shape, GRID.spacing, (5.0, 0.0, 0.0)), "mask")
    with pytest.raises(GeometryError, match="mask"):
        assess(scan, elsewhere, aorta)


def test_modality_other_than_ct_is_refused():
    with pytest.raises(InputError, match="is MR, not CT"):
        require_ct(ct(modality="MR")[0])


def test_values_that_are_not_hounsfield_units_are_refused():
    scan = ct()[0]
    with pytest.raises(InputError, match="not Hounsfield units"):
        require_ct(scan.with_array(np.clip(scan.array, 0, 255)))


def test_single_slice_is_refused():
    scan = ct()[0]
    with pytest.raises(InputError, match="single slice"):
        require_ct(Volume(scan.array[:1], Geometry((1, 24, 24), GRID.spacing), "scan"))
