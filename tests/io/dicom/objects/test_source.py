"""The source is opened again for its headers, and must be what was staged."""

import pytest
from tests.dicom_files import ct_array, ct_series, enhanced_ct, save
from tests.dicom_objects import oriented_series

from fibrolens.errors import InputError, SeriesError
from fibrolens.io import read_volume
from fibrolens.io.dicom.objects.source import open_source


def test_slices_are_in_the_order_of_the_volume(tmp_path):
    folder = oriented_series(tmp_path / "ct", "supine, head first in file order")
    ct = read_volume(folder)
    source = open_source(folder, ct)
    places = [tuple(header.ImagePositionPatient) for header in source.slices]
    assert places[0] == pytest.approx(ct.geometry.origin)
    assert len(places) == len(source.files) == ct.geometry.shape[0]
    assert source.number == 4


def test_the_series_that_was_read_is_found_among_others(tmp_path):
    save(ct_series(ct_array(), SeriesInstanceUID="1.2.3.9"), tmp_path / "ct" / "other")
    folder = oriented_series(tmp_path / "ct")
    ct = read_volume(folder, "1.2.826.0.1.3680043.8.498.11")
    assert open_source(folder, ct).study.SeriesInstanceUID == ct.get("series_uid")


def test_a_source_that_changed_is_refused(tmp_path):
    folder = oriented_series(tmp_path / "ct")
    ct = read_volume(folder)
    path = folder / "image_0"
    path.write_bytes(path.read_bytes().replace(b"Doe^Jane", b"Doe^Joan"))
    with pytest.raises(SeriesError, match="changed since it was read"):
        open_source(folder, ct)


def test_a_source_that_is_gone_is_refused(tmp_path):
    folder = oriented_series(tmp_path / "ct")
    ct = read_volume(folder)
    folder.rename(tmp_path / "moved")
    with pytest.raises(InputError, match="no longer there"):
        open_source(folder, ct)


def test_every_frame_of_several_enhanced_files_is_known(tmp_path):
    hu = ct_array(6)
    first, second = enhanced_ct(hu, [2, 0, 1]), enhanced_ct(hu, [5, 4, 3])
    second.SOPInstanceUID = second.file_meta.MediaStorageSOPInstanceUID = f"{first.SOPInstanceUID}.2"
    folder = save([first, second], tmp_path / "ct")
    source = open_source(folder, read_volume(folder))
    named = [source.frames[header.SOPInstanceUID] for header in source.slices]
    assert [frame.number for frame in named] == [2, 3, 1, 3, 2, 1]
    assert {frame.sop_instance for frame in named[:3]} == {first.SOPInstanceUID}
    assert len(source.files) == 2
