"""Collections of the Imaging Data Commons."""

import pytest
from tests.source_files import index_row, put_series, put_table, series

from fibrolens.cohort.sources.base import NO_IMAGE, Given
from fibrolens.cohort.sources.idc import gather, how, image_of, is_own_segmentation, masks_on
from fibrolens.cohort.sources.tabular import read_table
from fibrolens.errors import InputError


def index(folder, *rows):
    return read_table(put_table(folder / "index.csv", rows))


def test_the_index_is_joined_with_what_is_downloaded(tmp_path):
    place = put_series(tmp_path / "here", "1.9", slices=3, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    table = index(tmp_path, index_row("P", "1.9", "PV Abd", instanceCount="3"), index_row("P", "1.8", "Arterial"))
    found = gather(Given(tmp_path / "here"), table, "tcga_lihc")["P"]
    assert [(one.uid, one.folder) for one in found] == [("1.9", place), ("1.8", None)]
    assert found[0].thickness_mm == 5.0
    assert image_of(found[0]) == (place, "")
    assert image_of(found[1]) == (None, NO_IMAGE)
    assert image_of(None) == (None, NO_IMAGE)


def test_a_download_that_broke_off_is_no_image(tmp_path):
    put_series(tmp_path / "here", "1.9", slices=3)
    table = index(tmp_path, index_row("P", "1.9", "PV Abd", instanceCount="60"))
    (one,) = gather(Given(tmp_path / "here"), table, "tcga_lihc")["P"]
    assert image_of(one) == (None, "image only partly downloaded")


def test_without_an_index_the_headers_tell(tmp_path):
    put_series(tmp_path, "1.9", PatientID="P", SeriesDescription="PV Abd")
    (one,) = gather(Given(tmp_path), None, "tcga_lihc")["P"]
    assert one.description == "PV Abd"


def test_the_index_of_another_collection_is_refused(tmp_path):
    with pytest.raises(InputError, match="lists no series of hcc_tace_seg"):
        gather(Given(), index(tmp_path, index_row("P", "1.9", "PV Abd")), "hcc_tace_seg")


def test_only_the_segmentation_of_the_collection_itself_is_a_mask(tmp_path):
    (tmp_path / "seg.dcm").write_bytes(b"")
    own = series("2", "Segmentation", modality="SEG", folder=tmp_path, refers_to="1")
    later = series("3", "AIMI liver-tumor AI segmentation", modality="SEG", folder=tmp_path, refers_to="1")
    ct = series("1", "PV Abd")
    assert masks_on(ct, [ct, later, own]) == {"liver": tmp_path / "seg.dcm"}
    assert masks_on(series("9", "PV Abd"), [own]) == {}
    assert not is_own_segmentation(series("4", "Segmentation", modality="SEG", annotation="bamf_aimi_annotations"))


def test_the_official_client_is_named():
    assert how("tcga_lihc", "and a table")[:2] == (
        "pip install idc-index",
        "idc download tcga_lihc --download-dir DIR",
    )
