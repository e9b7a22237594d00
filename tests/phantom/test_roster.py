from datetime import date

import pytest

from fibrolens.phantom.roster import Roster, Twin
from fibrolens.phantom.setting import Setting
from fibrolens.phantom.severity import paper_stages

PLAIN = Setting()


@pytest.fixture(scope="module")
def paper():
    return Roster(tuple(paper_stages(252)), 3, PLAIN)


@pytest.fixture(scope="module")
def patients(paper):
    return list(paper)


def scans_of(patients):
    found = {}
    for patient in patients:
        found.setdefault(patient.patient_id, []).append(patient)
    return found


def test_a_patient_does_not_depend_on_the_others():
    assert Roster((0, 4, 2), 9, PLAIN).patient(2) == Roster((1, 1, 2), 9, PLAIN).patient(2)


def test_as_many_scans_of_each_stage_as_asked_for(patients):
    assert [patient.stage for patient in patients] == paper_stages(252)


def test_two_of_the_papers_252_scans_are_of_patients_scanned_before(paper, patients):
    twice = [scans for scans in scans_of(patients).values() if len(scans) > 1]
    assert [len(scans) for scans in twice] == [2, 2]
    assert len({patient.scan_id for patient in patients}) == 252
    assert [patient.scan_id for patient in patients] == [paper.scan_id(k) for k in range(252)]


def test_second_scan_shows_the_same_person_later_with_another_liver(patients):
    for scans in scans_of(patients).values():
        if len(scans) == 1:
            assert scans[0].scan_id == scans[0].patient_id
            continue
        first, second = sorted(scans, key=lambda scan: scan.record.ct_date)
        assert (first.stage, first.record.specimen) == (4, "transplantation")
        assert second.scan_id == f"{first.scan_id}-2"
        assert (second.sex, second.body.scale, second.body.fat_mm) == (first.sex, first.body.scale, first.body.fat_mm)
        days = (date.fromisoformat(second.record.ct_date) - date.fromisoformat(first.record.ct_date)).days
        assert days >= 365
        assert second.age - first.age == round(days / 365.25)
        assert second.liver_volume_ml != first.liver_volume_ml
        assert second.stage > 0
        assert second.record.reference == "histology"


def test_small_cohorts_have_every_patient_once():
    assert not Roster((4,) * 62, 0, PLAIN).first_of


def test_cohorts_without_cirrhosis_have_every_patient_once():
    assert not Roster((1,) * 252, 0, PLAIN).first_of


def test_a_twin_differs_in_its_sign_alone(paper):
    for k in (0, *paper.first_of):
        patient, twin = paper.patient(k), paper.patient(k, Twin("spleen", 2))
        differing = {name for name in vars(patient) if getattr(patient, name) != getattr(twin, name)}
        assert differing == {"scan_id", "spleen_volume_ml"}
        assert twin.scan_id == f"{patient.scan_id}_twin-spleen-F2"


def test_a_hidden_stage_is_drawn_in_the_cohorts_own_mix():
    hidden = Roster((0,) * 30, 0, Setting(arm="none", strong=True))
    assert hidden.patient(7) == Roster((0,) * 30, 0, Setting(arm="all", strong=True)).patient(7)


@pytest.mark.parametrize(
    ("stages", "seed", "sentence"),
    [((), 0, "at least one patient"), ((5,), 0, "stage must be 0 to 4"), ((0,), -1, "seed must be 0 or more")],
)
def test_impossible_rosters_are_refused(stages, seed, sentence):
    with pytest.raises(ValueError, match=sentence):
        Roster(stages, seed, PLAIN)


@pytest.mark.parametrize(
    ("sign", "stage", "sentence"), [("nose", 0, "sign of a twin"), ("spleen", 5, "stage of a twin")]
)
def test_impossible_twins_are_refused(sign, stage, sentence):
    with pytest.raises(ValueError, match=sentence):
        Twin(sign, stage)


def test_seeds_of_the_shipped_weights_are_refused():
    with pytest.raises(ValueError, match="belong to the shipped weights"):
        Roster((0,), 1_000_000, Setting())
