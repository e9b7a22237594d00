import numpy as np
import pytest

from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.setting import Setting


def mean_hu(phase, tissue, n=200):
    setting = Setting(phase=phase)
    found = [sample_patient(np.random.default_rng(k), 0, setting=setting) for k in range(n)]
    return np.mean([getattr(p.enhancement, tissue) for p in found if not p.steatosis])


def test_the_healthy_liver_has_the_published_mean_and_spread():
    livers = [
        p.enhancement.liver for k in range(600) if not (p := sample_patient(np.random.default_rng(k), 0)).steatosis
    ]
    assert np.mean(livers) == pytest.approx(104.5, abs=3)
    assert np.std(livers) == pytest.approx(18, abs=3)


def test_a_fatty_liver_is_darker_by_the_published_amount():
    livers = {True: [], False: []}
    for k in range(900):
        patient = sample_patient(np.random.default_rng(k), 0)
        livers[patient.steatosis].append(patient.enhancement.liver)
    assert np.mean(livers[True]) == pytest.approx(67, abs=6)


def test_a_cirrhotic_liver_takes_up_less_contrast():
    uptake = [
        np.mean([sample_patient(np.random.default_rng([s, k]), s).parenchymal_enhancement for k in range(200)])
        for s in (0, 4)
    ]
    assert 0.10 < 1 - uptake[1] / uptake[0] < 0.20


def test_without_contrast_vessels_are_no_brighter_than_the_liver():
    assert mean_hu("native", "aorta") < mean_hu("native", "liver")
    assert mean_hu("native", "portal_vein") == pytest.approx(40, abs=4)


def test_the_aorta_leads_in_the_arterial_phase_and_has_faded_in_the_delayed_one():
    aorta = {phase: mean_hu(phase, "aorta") for phase in ("arterial", "portal", "delayed")}
    assert aorta["arterial"] > 250 > aorta["portal"] > aorta["delayed"]
    assert mean_hu("arterial", "portal_vein") < 100 < mean_hu("portal", "portal_vein")


def test_low_tube_voltage_brightens_iodine():
    at = {80: [], 140: []}
    for k in range(200):
        patient = sample_patient(np.random.default_rng(k), k % 5, setting=Setting(arm="shortcut:kvp"))
        at[patient.scan.kvp].append(patient.enhancement.aorta)
    assert np.mean(at[80]) > 1.3 * np.mean(at[140])
