import numpy as np
import pytest

from fibrolens.phantom.liver import LobeScale
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.scene import fit_patient


def test_a_larger_lsvr_grows_the_left_lobe_and_shrinks_the_right():
    patients = [sample_patient(np.random.default_rng(k), 4) for k in range(6)]
    by_ratio = sorted(patients, key=lambda p: p.lsvr)
    low, high = (fit_patient(p).lobes for p in (by_ratio[0], by_ratio[-1]))
    assert high.left / high.right > low.left / low.right


def test_the_fit_is_a_function_of_the_patient(patient):
    fit_patient.cache_clear()
    first = fit_patient(patient)
    fit_patient.cache_clear()
    assert fit_patient(patient) == first
    assert first.lobes != LobeScale()


def test_the_reach_holds_liver_and_spleen(patient):
    low, high = fit_patient(patient).organs_z
    assert 120 < high - low < 320
    assert high == pytest.approx(patient.body.offset_mm[2], abs=40)
