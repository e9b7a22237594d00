"""DICOM segmentations onto the grid of a CT."""

from dataclasses import replace

import numpy as np
import pytest
from pydicom import dcmread
from tests.dicom_segmentation import LIVER, MASS, OTHER, SPLEEN, Part, save_segmentation

from fibrolens.errors import GeometryError, InputError, SeriesError
from fibrolens.io import read_labels, read_volume
from fibrolens.io.dicom.segmentation import read_segmentation
from fibrolens.volume import Geometry, Volume

SHAPE = (6, 7, 9)  # 63 pixels a frame: frames of one bit a pixel do not begin at a byte


@pytest.fixture
def ct():
    return Volume(np.zeros(SHAPE, np.int16), Geometry(SHAPE, (2.5, 0.8, 0.7), (-10.0, -20.0, 30.0)), "the ct")


def blob(*where):
    mask = np.zeros(SHAPE, bool)
    mask[tuple(slice(*side) for side in where)] = True
    return mask


LIVER_MASK = blob((1, 5), (1, 6), (0, 4)) ^ blob((2, 3), (2, 3), (1, 2))
SPLEEN_MASK = blob((2, 4), (3, 7), (6, 9))
BOTH = (Part(LIVER_MASK, "a", LIVER), Part(SPLEEN_MASK, "b", SPLEEN))


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
@pytest.mark.parametrize("keep_empty", [False, True])
def test_frames_go_where_they_say_whatever_their_order(tmp_path, ct, kind, keep_empty):
    path = save_segmentation(tmp_path / "seg.dcm", ct, BOTH, kind, keep_empty=keep_empty)
    found = read_segmentation(path, ct)
    assert sorted(found) == ["liver", "spleen"]
    np.testing.assert_array_equal(found["liver"], LIVER_MASK)
    np.testing.assert_array_equal(found["spleen"], SPLEEN_MASK)


def turned(ct, axes, flips):
    """The grid of `ct` with its axes swapped and flipped."""
    affine = ct.geometry.affine[:, [*axes, 3]]
    shape = tuple(SHAPE[a] for a in axes)
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
        affine[:3, axis] *= -1
    return Volume(np.zeros(shape, np.int16), Geometry.from_affine(shape, affine))


@pytest.mark.parametrize(
    ("axes", "flips"), [((0, 1, 2), (0, 1)), ((1, 0, 2), ()), ((2, 0, 1), (0, 2)), ((0, 2, 1), (1,))]
)
def test_frames_of_another_orientation_are_turned(tmp_path, ct, axes, flips):
    grid = turned(ct, axes, flips)
    parts = [replace(part, mask=np.flip(part.mask.transpose(axes), flips)) for part in BOTH]
    found = read_segmentation(save_segmentation(tmp_path / "seg.dcm", grid, parts), ct)
    np.testing.assert_array_equal(found["liver"], LIVER_MASK)
    np.testing.assert_array_equal(found["spleen"], SPLEEN_MASK)


def test_fractions_are_inside_from_one_half_on(tmp_path, ct):
    fractions = np.where(LIVER_MASK, 0.5, 0.495)
    path = save_segmentation(tmp_path / "seg.dcm", ct, [Part(fractions, "liver", LIVER)], "FRACTIONAL")
    np.testing.assert_array_equal(read_segmentation(path, ct)["liver"], LIVER_MASK)


@pytest.mark.parametrize(
    ("label", "code", "region", "organ"),
    [
        ("x", LIVER, None, "liver"),
        ("x", ("T-62000", "SRT", "Liver"), None, "liver"),
        ("x", ("T-C3000", "SRT", "Spleen"), None, "spleen"),
        ("Liver", SPLEEN, None, "spleen"),  # the code decides
        ("liver_segment_4", OTHER, None, "liver"),
        ("Liver tumor 2", OTHER, None, "liver"),
        ("Hepatic veins", OTHER, None, "liver"),
        ("tumor", MASS, LIVER, "liver"),
        ("SPLEEN", OTHER, None, "spleen"),
        ("Portal vein and splenic vein", OTHER, None, None),
        ("Spleen vein", OTHER, None, None),
        ("hepatic artery", OTHER, None, None),
        ("Segment_1", OTHER, None, None),
        ("gallbladder", OTHER, None, None),
    ],
)
def test_segments_are_known_by_code_region_or_label(tmp_path, ct, label, code, region, organ):
    path = save_segmentation(tmp_path / "seg.dcm", ct, [Part(LIVER_MASK, label, code, region)])
    if organ is None:
        with pytest.raises(InputError, match=f"neither|no segment that is the liver or the spleen.*{label}"):
            read_segmentation(path, ct)
    else:
        assert list(read_segmentation(path, ct)) == [organ]


@pytest.mark.parametrize("code", [MASS, OTHER])
def test_a_mass_without_a_site_is_liver_where_it_touches_the_liver(tmp_path, ct, code):
    inside, apart = blob((2, 3), (2, 3), (1, 2)), blob((2, 4), (3, 5), (7, 8))
    parts = [Part(LIVER_MASK, "liver", LIVER), Part(inside | apart, "Mass", code)]
    found = read_segmentation(save_segmentation(tmp_path / "seg.dcm", ct, parts), ct)
    np.testing.assert_array_equal(found["liver"], LIVER_MASK | inside)


def test_a_mass_of_another_organ_is_not_liver(tmp_path, ct):
    parts = [
        Part(LIVER_MASK, "liver", LIVER),
        Part(blob((2, 3), (2, 3), (1, 2)), "x", MASS, ("64033007", "SCT", "Kidney")),
    ]
    found = read_segmentation(save_segmentation(tmp_path / "seg.dcm", ct, parts), ct)
    np.testing.assert_array_equal(found["liver"], LIVER_MASK)


@pytest.mark.parametrize(
    "geometry",
    [
        Geometry(SHAPE, (2.5, 0.8, 0.75), (-10.0, -20.0, 30.0)),
        Geometry(SHAPE, (2.5, 0.8, 0.7), (-10.0, -20.0, 31.0)),
        Geometry(SHAPE, (2.5, 0.8, 0.7), (-10.0, -20.4, 30.0)),
        Geometry(SHAPE, (2.5, 0.8, 0.7), (-10.0, -20.0, 40.0)),  # beyond the CT's last slice
    ],
)
def test_another_grid_is_refused_naming_both(tmp_path, ct, geometry):
    path = save_segmentation(tmp_path / "seg.dcm", replace(ct, geometry=geometry), BOTH)
    with pytest.raises(
        GeometryError, match=r"seg\.dcm \(9x7x4 voxels of .*2.50 mm\) is not on the grid of the ct \(9x7x6"
    ):
        read_segmentation(path, ct)


def test_a_file_without_positions_or_pixels_is_refused(tmp_path, ct):
    path = save_segmentation(tmp_path / "seg.dcm", ct, BOTH)
    file = dcmread(path)
    del file.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    file.save_as(tmp_path / "bare.dcm")
    with pytest.raises(SeriesError, match="lacks PixelSpacing"):
        read_segmentation(tmp_path / "bare.dcm", ct)
    (tmp_path / "cut.dcm").write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SeriesError, match="damaged"):
        read_segmentation(tmp_path / "cut.dcm", ct)


def test_a_ct_is_no_segmentation(tmp_path, ct):
    (tmp_path / "notes.txt").write_text("liver")
    with pytest.raises(InputError, match="0 DICOM segmentations"):
        read_segmentation(tmp_path / "notes.txt", ct)


def test_real_segmentation_equals_the_nrrd_that_it_was_made_from(shared_data):
    ct = read_volume(shared_data / "dcmqi" / "ct-3slice")
    found = read_segmentation(shared_data / "dcmqi" / "liver.dcm", ct)
    assert list(found) == ["liver"]
    np.testing.assert_array_equal(found["liver"], read_labels(shared_data / "dcmqi" / "liver_seg.nrrd", ct).array > 0)
