"""RSNA 2023 abdominal trauma."""

import pytest
from tests.source_files import put_table

from fibrolens.cohort.sources.base import Given
from fibrolens.cohort.sources.rsna2023 import read
from fibrolens.errors import InputError


def person(number: int, any_injury: int = 0, liver: int = 1, spleen: int = 1) -> dict[str, object]:
    return {
        "patient_id": number, "bowel_healthy": 1, "bowel_injury": 0, "liver_healthy": liver, "liver_low": 1 - liver,
        "spleen_healthy": spleen, "any_injury": any_injury,
    }  # fmt: skip


def scan(patient: int, series: int, hu: object, incomplete: int = 0) -> dict[str, object]:
    return {"patient_id": patient, "series_id": series, "aortic_hu": hu, "incomplete_organ": incomplete}


def put_set(root, people, scans):
    put_table(root / "train.csv", people)
    put_table(root / "train_series_meta.csv", scans)
    for entry in scans:
        (root / "train_images" / str(entry["patient_id"]) / str(entry["series_id"])).mkdir(parents=True)
    return root


def test_the_lower_aorta_is_the_portal_venous_series(tmp_path):
    put_set(tmp_path, [person(1)], [scan(1, 10, 310.5), scan(1, 11, 146.0)])
    (case,) = read(Given(tmp_path)).cases
    assert case.image == tmp_path / "train_images" / "1" / "11"
    assert (case.stages, case.values["reference"], case.values["phase"]) == ((0,), "imaging_negative", "portal venous")


@pytest.mark.parametrize("scans", [[scan(1, 10, 146.0)], [scan(1, 10, 146.0), scan(1, 11, 146.0)]])
def test_one_series_or_two_alike_do_not_tell_the_phase(tmp_path, scans):
    put_set(tmp_path, [person(1)], scans)
    (case,) = read(Given(tmp_path)).cases
    assert (case.values["series_id"], case.values["phase"], case.exclude) == ("10", "", "")


def test_an_incomplete_portal_series_is_not_replaced_by_the_arterial_one(tmp_path):
    put_set(tmp_path, [person(1)], [scan(1, 10, 310.5), scan(1, 11, 146.0, incomplete=1)])
    assert read(Given(tmp_path)).cases[0].exclude == "organ incomplete in the portal venous series"


def test_only_the_uninjured_are_controls(tmp_path):
    people = [person(1, any_injury=1), person(2, liver=0), person(3, spleen=0), person(4)]
    put_set(tmp_path, people, [scan(n, n * 10, 150.0) for n in (1, 2, 3)])
    cases = read(Given(tmp_path)).cases
    assert [case.exclude for case in cases] == ["injury", "injury", "injury", "no CT series"]
    assert [case.stages for case in cases] == [(), (), (), (0,)]


def test_other_files_are_refused(tmp_path):
    put_set(tmp_path, [person(1)], [scan(1, 10, "high")])
    with pytest.raises(InputError, match="series 10 has the aortic_hu 'high', which is no number"):
        read(Given(tmp_path))
    (tmp_path / "train_series_meta.csv").unlink()
    with pytest.raises(InputError, match="No RSNA 2023 table of series"):
        read(Given(tmp_path))
