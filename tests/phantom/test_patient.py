from dataclasses import replace

import numpy as np
import pytest

from fibrolens.phantom.patient import sample_patient


def test_the_same_generator_state_gives_the_same_patient():
    assert sample_patient(np.random.default_rng(3), 4) == sample_patient(np.random.default_rng(3), 4)


def test_nuisances_do_not_depend_on_the_stage():
    patients = {s: [sample_patient(np.random.default_rng([s, k]), s) for k in range(300)] for s in (0, 4)}
    for value in ("age", "liver_volume_ml", "steatosis"):
        healthy, cirrhotic = ([float(getattr(p, value)) for p in patients[s]] for s in (0, 4))
        error = np.hypot(np.std(healthy), np.std(cirrhotic)) / 300**0.5
        assert abs(np.mean(healthy) - np.mean(cirrhotic)) < 4 * error
    assert np.mean([p.steatosis for p in patients[0]]) == pytest.approx(0.13, abs=0.07)


def test_portal_venous_enhancement_lies_where_the_literature_has_it():
    clear = [p for k in range(300) if not (p := sample_patient(np.random.default_rng(k), 0)).steatosis]
    assert np.mean([p.enhancement.liver for p in clear]) == pytest.approx(105, abs=4)
    assert np.mean([p.enhancement.spleen for p in clear]) == pytest.approx(112, abs=4)
    assert 130 < np.mean([p.enhancement.aorta for p in clear]) < 160
    assert 150 < np.mean([p.enhancement.portal_vein for p in clear]) < 180


def test_healthy_caudate_and_segment_iv_have_their_part_of_the_liver():
    lobes = np.array([sample_patient(np.random.default_rng(k), 0).lobes_ml for k in range(300)])
    _, fourth, _, caudate = (lobes / lobes.sum(1, keepdims=True)).T
    assert 0.02 < caudate.mean() < 0.03
    assert 0.15 < fourth.mean() < 0.17
    assert fourth.std() / fourth.mean() == pytest.approx(0.18, abs=0.03)


def test_lobe_volumes_add_up_to_liver_volume_and_lsvr(patient):
    right, fourth, lateral, caudate = patient.lobes_ml
    assert right + fourth + lateral + caudate == pytest.approx(patient.liver_volume_ml)
    assert (lateral + caudate) / (right + fourth) == pytest.approx(patient.lsvr)
    assert caudate / (lateral + caudate) == pytest.approx(patient.caudate_share)
    assert fourth / (right + fourth) == pytest.approx(patient.segment_iv_share)


def test_with_the_lsvr_the_caudate_gains_and_segment_iv_loses(patient):
    shrunken = replace(patient, lsvr=2 * patient.lsvr)
    assert shrunken.caudate_share > patient.caudate_share
    assert shrunken.segment_iv_share < patient.segment_iv_share


def test_lobe_shares_tell_nothing_of_the_stage_but_the_lsvr(patient):
    cirrhotic = replace(patient, stage=4, disease_stage=4, severity=4.5, spleen_volume_ml=900.0)
    assert cirrhotic.lobes_ml == patient.lobes_ml


def test_each_subject_of_a_rendering_has_its_own_stream(patient):
    assert patient.rng("liver").random() == patient.rng("liver").random()
    assert patient.rng("liver").random() != patient.rng("spleen").random()
