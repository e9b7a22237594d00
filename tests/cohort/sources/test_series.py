"""Facts of a DICOM series."""

from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from tests.source_files import index_row, put_series, put_table, series

from fibrolens.cohort.sources.series import downloaded, indexed
from fibrolens.cohort.sources.tabular import read_table


def test_the_index_is_read_with_its_numbers_for_one_collection(tmp_path):
    rows = [index_row("P", "1.9", "PV Abd"), index_row("Q", "1.8", "PV Abd", collection_id="hcc_tace_seg")]
    found = indexed(read_table(put_table(tmp_path / "i.csv", rows)), "tcga_lihc")
    assert found == [series("1.9", "PV Abd", patient="P")]


def test_a_downloaded_series_is_known_by_its_header(tmp_path):
    place = put_series(
        tmp_path, "1.2.9", slices=3, PatientID="P", PatientAge="061Y", StudyDate="20010203", StudyDescription="ABD",
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
    )  # fmt: skip
    (tmp_path / "readme.txt").write_text("no image")
    (found,) = downloaded(tmp_path)
    assert (found.uid, found.images, found.folder) == ("1.2.9", 3, place)
    assert (found.patient, found.age, found.study_date) == ("P", 61.0, "2001-02-03")
    assert (found.thickness_mm, found.original_axial) == (5.0, True)


def test_derived_images_are_told_by_image_type(tmp_path):
    put_series(tmp_path, "1.2.9", ImageType=["DERIVED", "SECONDARY", "REFORMATTED"])
    assert downloaded(tmp_path)[0].original_axial is False


def test_a_segmentation_tells_which_series_it_lies_on(tmp_path):
    place = put_series(tmp_path, "1.2.9", slices=1, Modality="SEG")
    file = dcmread(place / "0.dcm")
    reference = Dataset()
    reference.SeriesInstanceUID = "1.2.7"
    file.ReferencedSeriesSequence = Sequence([reference])
    file.save_as(place / "0.dcm")
    assert downloaded(tmp_path)[0].refers_to == "1.2.7"


def test_a_folder_of_several_series_could_not_be_read_as_one_image(tmp_path):
    first, second = put_series(tmp_path, "1.2.8"), put_series(tmp_path, "1.2.9")
    for file in second.iterdir():
        file.rename(first / f"x{file.name}")
    (first / "no_dicom").write_bytes(b"nothing")
    assert downloaded(tmp_path) == []


def test_what_a_library_says_of_an_odd_header_is_not_passed_on(tmp_path, caplog, recwarn):
    place = put_series(tmp_path, "1.2.9", slices=1, SpecificCharacterSet="ISO_IR 100", StudyDescription="Abdömen")
    file = place / "0.dcm"
    file.write_bytes(file.read_bytes().replace(b"ISO_IR 100", b"JANE SMITH"))
    assert downloaded(tmp_path)[0].uid == "1.2.9"
    assert "SMITH" not in caplog.text + " ".join(str(warning.message) for warning in recwarn)
