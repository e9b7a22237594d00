"""Identity of the objects: the same for the same result, another for another."""

from dataclasses import replace

import pytest
from pydicom import dcmread
from tests.dicom_objects import MAKER, MASKS, map_of, opened, organs_of, oriented_series, written

from fibrolens.io.dicom.objects.maker import NUMBERS, plain
from fibrolens.io.dicom.objects.parametric_map import MapWords, parametric_map
from fibrolens.io.dicom.objects.segmentation import segmentation
from fibrolens.io.dicom.read import quiet_pydicom

#: What may differ between two equal runs.
CLOCK = ("InstanceCreationDate", "InstanceCreationTime", "ContentDate", "ContentTime", "ContributionDateTime")


@pytest.fixture
def source(tmp_path):
    return opened(oriented_series(tmp_path / "ct"))


def content_of(data):
    """Every element but those that tell the time, sequences opened."""
    return [
        [content_of(item) for item in element.value] if element.VR == "SQ" else (element.keyword, element.value)
        for element in data
        if element.keyword not in CLOCK
    ]


def test_uids_name_the_result():
    assert MAKER.uid("map", "instance") == replace(MAKER).uid("map", "instance")
    others = [
        MAKER.uid("map", "series"),
        MAKER.uid("seg", "instance"),
        replace(MAKER, key="other").uid("map", "instance"),
    ]
    assert len({MAKER.uid("map", "instance"), *others}) == 4
    assert len(MAKER.uid("map", "instance")) <= 64


def test_two_equal_runs_differ_in_their_times_alone(source, tmp_path):
    ct, opened_source = source
    with quiet_pydicom():
        makers = (
            lambda: segmentation(opened_source, organs_of(ct).array, MASKS, MAKER),
            lambda: parametric_map(opened_source, map_of(ct).array, MapWords("F1", "gradcam", "conv4", "mean1"), MAKER),
        )
        for make in makers:
            files = [written(make(), tmp_path / name) for name in ("one.dcm", "other.dcm")]
            one, other = map(dcmread, files)
            assert content_of(one) == content_of(other)
            assert one.file_meta == other.file_meta
            assert len({file.stat().st_size for file in files}) == 1


@pytest.mark.parametrize(("of_source", "number"), [(4, 492), (None, 9092), (0, 9092), (2_000_000_000, 9092)])
def test_series_numbers_stand_behind_that_of_the_source(source, of_source, number):
    _, opened_source = source
    identity = MAKER.identity("map", replace(opened_source, number=of_source), "words")
    assert identity["series_number"] == number
    assert len({MAKER.identity(kind, opened_source, "")["series_instance_uid"] for kind in NUMBERS}) == len(NUMBERS)


def test_text_is_ascii_of_the_length_that_fits():
    assert plain("Müller ±2 cm³, ≥ 3 × x\\y\nz") == "Muller +/-2 cm3, >= 3 x x/y z"
    assert plain("日本") == ""
    assert len(plain("x" * 100)) == 64
