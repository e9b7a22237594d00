"""SEG of liver and spleen: right way up, valid, and only of organs that exist."""

import highdicom as hd
import numpy as np
import pytest
from tests.dicom_objects import (
    MAKER,
    MASKS,
    ORIENTATIONS,
    array_at,
    centroid_mm,
    complaints,
    opened,
    organs_of,
    oriented_series,
    written,
)

from fibrolens.io.dicom.objects.segmentation import segmentation
from fibrolens.io.dicom.read import quiet_pydicom
from fibrolens.io.dicom.segmentation import read_segmentation


def segmented(source, labels, masks=MASKS):
    with quiet_pydicom():
        return segmentation(source, labels.array, masks, MAKER)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_organs_lie_where_they_did(tmp_path, orientation):
    ct, source = opened(oriented_series(tmp_path / "ct", orientation))
    labels = organs_of(ct)
    path = written(segmented(source, labels), tmp_path / "seg.dcm")
    assert complaints(path) == []
    read = hd.seg.segread(path)
    for number in (1, 2):
        volume = read.get_volume(segment_numbers=[number], combine_segments=True, relabel=True)
        inside = np.argwhere(volume.array == 1)
        centre = (volume.affine @ np.r_[inside.mean(axis=0), 1])[:3]
        assert centre == pytest.approx(centroid_mm(labels, number), abs=0.01)
        assert (np.nan_to_num(array_at(volume, ct)) == (labels.array == number)).all()


def test_segments_are_coded_and_name_what_made_them(tmp_path):
    ct, source = opened(oriented_series(tmp_path / "ct"))
    masks = MASKS | {"spleen": {"kind": "file", "name": "Doe_Jane.nii.gz", "sha256": "c" * 64}}
    liver, spleen = segmented(source, organs_of(ct), masks).SegmentSequence
    codes = [item.SegmentedPropertyTypeCodeSequence[0] for item in (liver, spleen)]
    assert [(c.CodeValue, c.CodingSchemeDesignator) for c in codes] == [("10200004", "SCT"), ("78961009", "SCT")]
    made_by = liver.SegmentationAlgorithmIdentificationSequence[0]
    assert (liver.SegmentAlgorithmType, made_by.AlgorithmName, made_by.AlgorithmVersion) == (
        "AUTOMATIC",
        "toy",
        "0.1.0",
    )
    assert made_by.AlgorithmParameters == f"sha256={'b' * 64}"
    assert spleen.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert "Doe" not in str(spleen)


@pytest.mark.parametrize(("present", "names"), [((1,), ["Liver"]), ((2,), ["Spleen"]), ((), None)])
def test_only_organs_that_exist(tmp_path, present, names):
    ct, source = opened(oriented_series(tmp_path / "ct"))
    labels = organs_of(ct)
    labels = labels.with_array(np.where(np.isin(labels.array, present), labels.array, 0).astype(np.uint8))
    found = segmented(source, labels)
    if names is None:
        assert found is None
        return
    assert [(item.SegmentNumber, item.SegmentLabel) for item in found.SegmentSequence] == [(1, names[0])]
    assert complaints(written(found, tmp_path / "seg.dcm")) == []


def test_it_points_to_the_slices_that_it_was_made_from(tmp_path):
    ct, source = opened(oriented_series(tmp_path / "ct"))
    seg = segmented(source, organs_of(ct))
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == ct.get("series_uid")
    named = {item.ReferencedSOPInstanceUID for item in seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert named == {header.SOPInstanceUID for header in source.slices}
    own = seg.PerFrameFunctionalGroupsSequence[0]
    place = own.PlanePositionSequence[0].ImagePositionPatient
    (shown,) = own.DerivationImageSequence[0].SourceImageSequence
    (slice_,) = [h for h in source.slices if h.SOPInstanceUID == shown.ReferencedSOPInstanceUID]
    assert place == slice_.ImagePositionPatient


def test_our_own_reader_takes_it_as_masks(tmp_path):
    ct, source = opened(oriented_series(tmp_path / "ct"))
    labels = organs_of(ct)
    masks = read_segmentation(written(segmented(source, labels), tmp_path / "seg.dcm"), ct)
    assert (masks["liver"] == (labels.array == 1)).all()
    assert (masks["spleen"] == (labels.array == 2)).all()


@pytest.mark.parametrize("kind", [np.uint8, np.int16])
def test_other_labels_and_other_types_of_array_make_the_same_segments(tmp_path, kind):
    ct, source = opened(oriented_series(tmp_path / "ct"))
    labels = organs_of(ct)
    more = labels.array.astype(kind)
    more[0, 0, 0] = 7
    before = labels.array.copy()
    usual, other = (segmented(source, one).PixelData for one in (labels, ct.with_array(more)))
    assert usual == other
    assert (labels.array == before).all()
