from pathlib import Path

import numpy as np
import pytest
from tests.dicom_files import ct_array, ct_series, enhanced_ct, save, with_tags

from fibrolens.errors import GeometryError, SeriesError
from fibrolens.io import read_volume


def test_enhanced_multi_frame_reads_like_the_classic_series(tmp_path: Path):
    hu = ct_array()
    enhanced_ct(hu, order=[2, 0, 4, 1, 3]).save_as(tmp_path / "ct.dcm")
    ct = read_volume(tmp_path / "ct.dcm")
    classic = read_volume(save(ct_series(hu), tmp_path / "classic"))
    np.testing.assert_array_equal(ct.array, hu)
    assert ct.geometry.same_grid(classic.geometry)
    assert (ct.get("slice_thickness_mm"), ct.get("files")) == (5.0, 1)


def test_gap_between_enhanced_frames_is_found(tmp_path: Path):
    enhanced_ct(ct_array(), order=[0, 1, 3, 4]).save_as(tmp_path / "ct.dcm")
    with pytest.raises(SeriesError, match="missing between 2 and 3"):
        read_volume(tmp_path / "ct.dcm")


@pytest.mark.parametrize(
    "keyword",
    ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "RescaleSlope", "RescaleIntercept"],
)
def test_missing_tag_is_named_with_its_slice(tmp_path: Path, keyword):
    series = ct_series(ct_array())
    with_tags(series[2], **{keyword: None})
    with pytest.raises(SeriesError, match=f'Series 4 "Abdomen PV" .*slice 3 lacks {keyword}'):
        read_volume(save(series, tmp_path / "series"))


def test_malformed_tag_counts_as_missing(tmp_path: Path):
    series = ct_series(ct_array(), PixelSpacing=[0.8])
    with pytest.raises(SeriesError, match="lacks PixelSpacing"):
        read_volume(save(series, tmp_path / "series"))


def test_zero_spacing_is_refused(tmp_path: Path):
    with pytest.raises(GeometryError, match="Abdomen PV"):
        read_volume(save(ct_series(ct_array(), PixelSpacing=[0, 0]), tmp_path / "series"))


def test_missing_image_size_is_refused(tmp_path: Path):
    with pytest.raises(SeriesError, match="no image size"):
        read_volume(save(ct_series(ct_array(), Rows=None), tmp_path / "series"))


def test_eight_bit_pictures_are_refused(tmp_path: Path):
    series = ct_series(ct_array(), BitsAllocated=8, BitsStored=8, HighBit=7)
    with pytest.raises(SeriesError, match="only 8 bits"):
        read_volume(save(series, tmp_path / "series"))


def test_colour_pictures_are_refused(tmp_path: Path):
    series = ct_series(ct_array(), SamplesPerPixel=3, PhotometricInterpretation="RGB")
    with pytest.raises(SeriesError, match="colour picture"):
        read_volume(save(series, tmp_path / "series"))


def test_dual_energy_quantities_are_no_hounsfield_units(tmp_path: Path):
    with pytest.raises(SeriesError, match="holds Z_EFF, not Hounsfield units"):
        read_volume(save(ct_series(ct_array(), RescaleType="Z_EFF"), tmp_path / "series"))
