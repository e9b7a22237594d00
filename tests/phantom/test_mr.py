import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fibrolens.phantom.cohort import CohortOptions
from fibrolens.phantom.mr import FIELD_STRENGTHS, PIXEL_MM, STRONG_UPTAKE, UPTAKE
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.roster import Roster, Twin
from fibrolens.phantom.setting import Setting

MR = "mr-hbp"


def drawn(stage, n=300, **setting):
    roster = Roster((stage,) * n, 3, Setting(modality=MR, **setting))
    return [patient.mr for patient in roster]


def test_an_mr_patient_is_the_ct_patient_with_an_mr():
    for seed in range(5):
        ct, mr = (sample_patient(np.random.default_rng(seed), 3, setting=Setting(modality=m)) for m in ("ct", MR))
        assert ct.mr is None
        assert mr.mr is not None
        different = {name for name in vars(ct) if getattr(ct, name) != getattr(mr, name)}
        assert different == {"mr"}


@pytest.mark.parametrize("stage", range(5))
@pytest.mark.parametrize(("strong", "table"), [(False, UPTAKE), (True, STRONG_UPTAKE)])
def test_uptake_has_the_declared_mean_and_spread_per_stage(stage, strong, table):
    uptake = [scan.uptake for scan in drawn(stage, strong=strong)]
    mean, sd = table[stage]
    assert np.mean(uptake) == pytest.approx(mean, abs=4 * sd / 300**0.5)
    assert np.std(uptake) == pytest.approx(sd, rel=0.15)


def test_uptake_goes_with_the_other_signs_within_a_stage():
    patients = list(Roster((4,) * 400, 5, Setting(modality=MR)))
    together = np.corrcoef([p.mr.uptake for p in patients], [p.severity for p in patients])[0, 1]
    assert together == pytest.approx(-(0.5**0.5), abs=0.1)


@pytest.mark.parametrize(("arm", "told"), [("all", True), ("uptake", True), ("none", False), ("spleen", False)])
def test_uptake_follows_the_stage_in_its_own_arm_and_where_all_signs_do(arm, told):
    roster = Roster((0,) * 300 + (4,) * 300, 3, Setting(modality=MR, arm=arm))
    auc = roc_auc_score([patient.stage == 0 for patient in roster], [patient.mr.uptake for patient in roster])
    assert (auc > 0.8) == told
    assert told or auc == pytest.approx(0.5, abs=0.1)


def test_in_the_uptakes_own_arm_every_other_sign_is_that_of_f0():
    volumes = [patient.spleen_volume_ml for patient in Roster((4,) * 200, 5, Setting(modality=MR, arm="uptake"))]
    assert np.mean(volumes) == pytest.approx(215, abs=20)


def test_liver_and_bile_shine_with_the_uptake_and_nothing_else_does():
    scans = drawn(0, 200) + drawn(4, 200)
    uptake = [scan.uptake for scan in scans]
    goes_with = {
        name: np.corrcoef(uptake, [getattr(scan.signal, name) for scan in scans])[0, 1]
        for name in vars(scans[0].signal)
    }
    assert min(goes_with["liver"], goes_with["bile"]) > 0.7
    assert max(abs(value) for name, value in goes_with.items() if name not in ("liver", "bile")) < 0.2


def test_scanner_and_units_know_nothing_of_the_stage():
    low, high = drawn(0), drawn(4)
    for name in ("field_strength", "pixel_mm", "noise", "coil", "scale", "psf_mm"):
        values = [[getattr(scan, name) for scan in scans] for scans in (low, high)]
        assert abs(np.mean(values[0]) - np.mean(values[1])) < 0.2 * np.std(values[0])
    assert {scan.field_strength for scan in low} == set(FIELD_STRENGTHS)
    assert all(PIXEL_MM[0] <= scan.pixel_mm <= PIXEL_MM[1] for scan in low)


def test_a_twin_of_another_uptake_is_the_same_patient_and_scan_otherwise():
    roster = Roster((4, 4), 1, Setting(modality=MR))
    patient, twin = roster.patient(1), roster.patient(1, Twin("uptake", 0))
    different = {name for name in vars(patient) if getattr(patient, name) != getattr(twin, name)}
    assert different == {"scan_id", "mr"}
    assert {n for n in vars(patient.mr) if getattr(patient.mr, n) != getattr(twin.mr, n)} == {"uptake", "signal"}
    assert twin.mr.uptake > patient.mr.uptake


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"modality": "pet"}, "modality must be one of ct, mr-hbp"),
        ({"modality": MR, "arm": "shortcut:kvp"}, "are of CT scanners"),
        ({"modality": MR, "confounded": True}, "are of CT scanners"),
        ({"modality": MR, "phase": "native"}, "are of CT scanners"),
        ({"arm": "uptake"}, "arm must be one of all, none"),
    ],
)
def test_what_belongs_to_the_other_modality_is_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Setting(**options)


@pytest.mark.parametrize(
    ("modality", "options", "sentence"),
    [
        (MR, {"format": "dicom"}, "MR is written as NIfTI alone"),
        (MR, {"twins": (Twin("enhancement", 0),)}, "a twin of enhancement does not show"),
        ("ct", {"twins": (Twin("uptake", 0),)}, "a twin of uptake does not show"),
    ],
)
def test_what_a_modality_cannot_show_is_refused(modality, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        CohortOptions(setting=Setting(modality=modality), **options)
