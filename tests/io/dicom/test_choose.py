"""Which series of a study is read."""

import time
from pathlib import Path

import pytest
from tests.dicom_files import STUDY_UID
from tests.study_files import PORTAL_THICK, STUDY, Scan, write_scan, write_study

from fibrolens.errors import GeometryError, InputError, PhaseError, SeriesError
from fibrolens.io import read_volume
from fibrolens.io.dicom.choose import SeriesChoice

NAMELESS = {"SeriesDescription": "Abdomen"}
TIMELESS = {"AcquisitionTime": None, "ContrastBolusStartTime": None}
NATIVE, ARTERIAL = STUDY[1], STUDY[4]
PHASES = (NATIVE, ARTERIAL, PORTAL_THICK)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


def chosen(folder: Path, **how: object) -> str:
    return read_volume(folder, how=SeriesChoice(**how)).get("series_uid").rpartition(".")[2]


def by_number(selection):
    return {row.number: row for row in selection.rows}


def test_of_a_whole_study_the_portal_venous_soft_tissue_axial_slices_are_read(study):
    ct = read_volume(study)
    assert ct.get("series_uid") == PORTAL_THICK.uid
    assert ct.geometry.shape[0] == 60


def test_every_other_series_has_the_reason_why_it_was_not(study):
    selection = read_volume(study).get("selection")
    assert {number: row.verdict for number, row in by_number(selection).items()} == {
        6: "chosen",
        1: "not chosen: a localizer",
        2: "not chosen: native by name",
        3: "not chosen: places, times or reports the scan",
        4: "not chosen: places, times or reports the scan",
        5: "not chosen: arterial by name",
        7: "not chosen: same acquisition, slices of 1 mm",
        8: "not chosen: same acquisition, sharp kernel",
        9: "not chosen: coronal, not axial",
        10: "not chosen: a projection",
        501: "not chosen: a screen save",
    }
    assert selection.warning is None


def test_the_table_tells_what_was_found(study):
    row = read_volume(study).get("selection").chosen
    assert (row.orientation, row.thickness_mm, row.coverage_mm, row.kernel) == ("axial", 3.0, 180.0, "soft")
    assert (row.phase, row.phase_source, row.images) == ("portal", "name", 60)


def test_without_names_the_time_since_the_injection_tells_the_phase(tmp_path):
    folder = write_study(tmp_path, PHASES, **NAMELESS)
    selection = read_volume(folder).get("selection")
    assert (selection.chosen.uid, selection.chosen.phase_source) == (PORTAL_THICK.uid, "contrast timing")
    assert by_number(selection)[5].verdict == "not chosen: arterial by contrast timing"


def test_without_names_and_times_the_organs_tell_the_phase(tmp_path):
    folder = write_study(tmp_path, PHASES, **NAMELESS, **TIMELESS)
    measured = []

    def measure(ct):
        measured.append(ct.get("series_uid"))
        return {NATIVE.uid: "native", ARTERIAL.uid: "arterial", PORTAL_THICK.uid: "portal"}[measured[-1]]

    ct = read_volume(folder, how=SeriesChoice(measure=measure))
    assert ct.get("series_uid") == PORTAL_THICK.uid
    assert ct.get("selection").chosen.phase_source == "organ HU"
    assert measured[-1] == PORTAL_THICK.uid


def test_without_names_times_and_a_measure_nothing_is_guessed(tmp_path):
    folder = write_study(tmp_path, PHASES, **NAMELESS, **TIMELESS)
    with pytest.raises(SeriesError, match="more than one of them may be") as error:
        read_volume(folder)
    assert all(scan.uid in str(error.value) for scan in PHASES)
    assert "--series UID" in str(error.value)


def test_what_names_or_times_tell_is_not_measured(study):
    def measure(ct):
        raise AssertionError("measured")

    assert chosen(study, measure=measure) == "6"


def test_a_scout_does_not_make_a_choice_of_the_only_ct(tmp_path):
    folder = write_study(tmp_path, (STUDY[0], Scan(2, "Abdomen", tags=TIMELESS)))
    assert chosen(folder) == "2"


def test_a_study_of_other_phases_is_refused_with_the_reasons(tmp_path):
    with pytest.raises(PhaseError, match="none is a portal-venous scan") as error:
        read_volume(write_study(tmp_path, (STUDY[0], NATIVE, ARTERIAL)))
    assert "native by name" in str(error.value)
    assert "arterial by name" in str(error.value)
    assert chosen(tmp_path, any_phase=True) == "5"


def test_a_study_of_pictures_is_refused(tmp_path):
    with pytest.raises(SeriesError, match="none is an axial scan of the abdomen"):
        read_volume(write_study(tmp_path, (STUDY[0], STUDY[3], STUDY[8])))


def test_the_series_that_is_asked_for_is_read_whatever_speaks_against_it(study):
    ct = read_volume(study, NATIVE.uid)
    assert ct.get("series_uid") == NATIVE.uid
    assert ct.get("selection") is None


def test_a_table_is_told_also_where_nothing_is_chosen_or_nothing_is_to_choose(tmp_path, study):
    told = []
    folder = write_study(tmp_path / "two", (NATIVE, ARTERIAL))
    with pytest.raises(PhaseError):
        read_volume(folder, how=SeriesChoice(explain=told.append))
    read_volume(folder / "2", how=SeriesChoice(explain=told.append))
    read_volume(study, how=SeriesChoice(NATIVE.uid, explain=told.append))
    assert [table.chosen and table.chosen.verdict for table in told] == [
        None,
        "chosen: the only CT series",
        "chosen: asked for by --series",
    ]


def test_a_single_ct_series_is_left_to_the_quality_gate(tmp_path):
    ct = read_volume(write_study(tmp_path, (ARTERIAL,)))
    assert ct.get("series_uid") == ARTERIAL.uid
    assert ct.get("selection") is None


def test_studies_are_not_mixed_and_named_without_a_patient(tmp_path):
    write_scan(PORTAL_THICK, tmp_path)
    write_scan(NATIVE, tmp_path, StudyInstanceUID="1.2.3.4")
    with pytest.raises(SeriesError, match="CT of 2 studies") as error:
        read_volume(tmp_path)
    assert "1.2.3.4" in str(error.value)
    assert STUDY_UID in str(error.value)
    assert read_volume(tmp_path, NATIVE.uid).get("series_uid") == NATIVE.uid


def test_patients_are_not_mixed_and_not_named(tmp_path):
    write_scan(PORTAL_THICK, tmp_path)
    write_scan(NATIVE, tmp_path, PatientID="SECRET-3")
    with pytest.raises(SeriesError, match="CT of 2 patients") as error:
        read_volume(tmp_path)
    assert "SECRET" not in str(error.value)


def test_a_series_that_cannot_be_read_gives_way_to_one_that_can(tmp_path):
    write_study(tmp_path, (PORTAL_THICK, Scan(7, "Abd pv 5.0 Br40", tags={"ConvolutionKernel": "Br40d"})))
    (tmp_path / "6" / "image_20").unlink()
    selection = read_volume(tmp_path).get("selection")
    assert selection.chosen.number == 7
    assert by_number(selection)[6].verdict.startswith("not chosen: cannot be read: has gaps")
    with pytest.raises(InputError, match="gaps"):
        read_volume(tmp_path, PORTAL_THICK.uid)


def test_a_candidate_that_fails_while_it_is_measured_gives_way(tmp_path):
    folder = write_study(tmp_path, PHASES, **NAMELESS, **TIMELESS)

    def measure(ct):
        if ct.get("series_uid") == PORTAL_THICK.uid:
            raise GeometryError("a broken file; copy it again.")
        return "portal"

    selection = read_volume(folder, how=SeriesChoice(measure=measure)).get("selection")
    assert selection.chosen.uid == ARTERIAL.uid
    assert by_number(selection)[6].verdict == "not chosen: cannot be read: a broken file"


def test_headers_alone_are_read_until_a_series_is_chosen(tmp_path, monkeypatch):
    """Pixels are read of the chosen series only: a study of thousands of files takes little more than headers."""
    folder = write_study(tmp_path)
    read = []
    monkeypatch.setattr("fibrolens.io.dicom.read.read_pixels", lambda frames, name: read.append(len(frames)) or 1 / 0)
    started = time.perf_counter()
    with pytest.raises(ZeroDivisionError):
        read_volume(folder)
    assert read == [60]
    assert time.perf_counter() - started < 20
