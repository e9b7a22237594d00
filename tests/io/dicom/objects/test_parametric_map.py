"""The Parametric Map: every value at its place, a named scale without unit, and only slices that were covered."""

import highdicom as hd
import numpy as np
import pydicom
import pytest
from tests.dicom_files import ct_array, enhanced_ct, save
from tests.dicom_objects import (
    MAKER,
    ORIENTATIONS,
    array_at,
    complaints,
    map_of,
    opened,
    oriented_series,
    written,
)

from fibrolens.clock import without_times
from fibrolens.io.dicom.objects.parametric_map import MapWords, parametric_map
from fibrolens.io.dicom.read import quiet_pydicom
from fibrolens.transforms import Enlarged, Taps

WORDS = MapWords("F4", "gradcam", "conv4", "mean1")


def mapped(source, location_map, words=WORDS):
    with quiet_pydicom():
        return parametric_map(source, location_map.array, words, MAKER)


def stored(path, ct):
    """The map read back by highdicom and put on the CT's grid by geometry; NaN where no frame is."""
    return array_at(hd.imread(path).get_volume(), ct)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_values_lie_where_they_did(tmp_path, orientation):
    ct, source = opened(oriented_series(tmp_path / "ct", orientation))
    location_map = map_of(ct)
    path = written(mapped(source, location_map), tmp_path / "map.dcm")
    assert complaints(path) == []
    found = stored(path, ct)
    assert np.isnan(found[[0, -1]]).all()
    assert (found[1:-1] == location_map.array[1:-1]).all()


def test_slices_outside_coverage_hold_no_frame_and_those_inside_do_even_where_they_are_zero(tmp_path):
    ct, source = opened(oriented_series(tmp_path / "ct"))
    values = map_of(ct).array.copy()
    values[4] = 0
    data = mapped(source, ct.with_array(values))
    assert data.NumberOfFrames == len(values) - 2
    places = [tuple(f.PlanePositionSequence[0].ImagePositionPatient) for f in data.PerFrameFunctionalGroupsSequence]
    assert set(places) == {tuple(header.ImagePositionPatient) for header in source.slices[1:-1]}
    nothing = mapped(source, ct.with_array(np.zeros_like(values)))
    assert nothing.NumberOfFrames == len(values)


def test_it_says_what_it_shows_on_which_scale(tmp_path):
    _, source = opened(oriented_series(tmp_path / "ct"))
    ct, _ = opened(tmp_path / "ct")
    data = mapped(source, map_of(ct), MapWords("F1", "integrated", "conv3", "mean1"))
    assert data.SeriesDescription == "fibrolens location map F1 integrated conv3 mean1, research"
    assert (data.ContentQualification, data.BodyPartExamined, data.BitsAllocated) == ("RESEARCH", "ABDOMEN", 32)
    assert "Research use only" in data.ContentDescription
    mapping = data.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    (quantity,) = mapping.QuantityDefinitionSequence
    code = quantity.ConceptCodeSequence[0]
    assert (code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning) == ("130402", "DCM", "Class activation")
    unit = mapping.MeasurementUnitsCodeSequence[0]
    assert (unit.CodeValue, unit.CodingSchemeDesignator) == ("1", "UCUM")
    assert mapping.LUTLabel == "mean1"
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1.0, 0.0)
    assert mapping.DoubleFloatRealWorldValueLastValueMapped >= 1e38


def test_pixels_are_plain_floats_that_any_archive_takes(tmp_path):
    ct, source = opened(oriented_series(tmp_path / "ct"))
    data = pydicom.dcmread(written(mapped(source, map_of(ct)), tmp_path / "map.dcm"))
    assert data.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert "PixelData" not in data
    assert (data.Rows, data.Columns) == ct.array.shape[1:]
    assert np.frombuffer(data.FloatPixelData, "<f4").reshape(-1, *ct.array.shape[1:]).max() == map_of(ct).array.max()


@pytest.mark.parametrize("orientation", ["supine, feet first", "prone", "supine, head first in file order"])
def test_a_map_that_is_computed_where_it_is_cut_makes_the_same_object(tmp_path, orientation):
    ct, source = opened(oriented_series(tmp_path / "ct", orientation))
    small = np.random.default_rng(3).uniform(0.1, 9.0, (5, 4, 6)).astype(np.float32)
    small[[0, -1]] = 0
    places = [np.linspace(0, of - 1, to) for of, to in zip(small.shape, ct.array.shape, strict=True)]
    enlarged = Enlarged(small, tuple(Taps.at(at, of) for at, of in zip(places, small.shape, strict=True)))
    with quiet_pydicom(), without_times():
        for name, values in (("lean", enlarged), ("whole", enlarged.whole())):
            written(parametric_map(source, values, WORDS, MAKER), tmp_path / f"{name}.dcm")
    assert (tmp_path / "lean.dcm").read_bytes() == (tmp_path / "whole.dcm").read_bytes()


def test_the_headers_of_the_source_stay_as_they_were(tmp_path):
    ct, source = opened(oriented_series(tmp_path / "ct"))
    mapped(source, map_of(ct))
    assert {(header.Rows, header.Columns) for header in source.slices} == {ct.array.shape[1:]}


def test_frames_of_an_enhanced_ct_are_named_by_file_and_number(tmp_path):
    order = [3, 0, 4, 1, 5, 2]
    folder = save([enhanced_ct(ct_array(6), order)], tmp_path / "ct")
    ct, source = opened(folder)
    location_map = map_of(ct)
    path = written(mapped(source, location_map), tmp_path / "map.dcm")
    assert complaints(path) == []
    assert (stored(path, ct)[1:-1] == location_map.array[1:-1]).all()
    data = mapped(source, location_map)
    (named,) = data.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert named.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.2.1"
    for own in data.PerFrameFunctionalGroupsSequence:
        (shown,) = own.DerivationImageSequence[0].SourceImageSequence
        assert shown.ReferencedSOPInstanceUID == named.ReferencedSOPInstanceUID
        z = float(own.PlanePositionSequence[0].ImagePositionPatient[2])
        assert order[shown.ReferencedFrameNumber - 1] == pytest.approx((z - 30.0) / 2.0)
