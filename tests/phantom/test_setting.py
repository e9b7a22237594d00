import numpy as np
import pytest

from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.setting import ARMS, PHASES, SHORTCUT_AGREEMENT, Setting, has_trait
from fibrolens.phantom.severity import SIGNS


def patients(setting, stage, n=300):
    return [sample_patient(np.random.default_rng([stage, k]), stage, setting=setting) for k in range(n)]


def test_in_arm_all_every_sign_follows_the_stage():
    assert Setting().sign_stages(3, hidden=1) == dict.fromkeys(SIGNS, 3)


@pytest.mark.parametrize("arm", ["surface", "spleen", "texture", "lobes"])
def test_in_a_signs_arm_only_that_sign_follows_the_stage(arm):
    stages = Setting(arm=arm).sign_stages(4, hidden=2)
    assert stages[arm] == 4
    assert {stage for sign, stage in stages.items() if sign != arm} == {0}


def test_in_arm_none_the_signs_follow_a_stage_that_the_label_does_not_know():
    assert Setting(arm="none").sign_stages(4, hidden=1) == dict.fromkeys(SIGNS, 1)
    low, high = ([p.spleen_volume_ml for p in patients(Setting(arm="none"), stage)] for stage in (0, 4))
    assert np.mean(np.asarray(high)[:, None] > np.asarray(low)[None]) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize(("arm", "followed"), [("all", 3), ("spleen", 0), ("none", 1), ("shortcut:kvp", 1)])
def test_blood_values_tell_no_more_than_the_signs(arm, followed):
    assert Setting(arm=arm).disease_stage(3, hidden=1) == followed


def test_the_trait_of_a_shortcut_agrees_with_significant_fibrosis_in_nine_of_ten():
    rng = np.random.default_rng(0)
    assert np.mean([has_trait(rng, 3) for _ in range(2000)]) == pytest.approx(SHORTCUT_AGREEMENT, abs=0.02)
    assert np.mean([has_trait(rng, 1) for _ in range(2000)]) == pytest.approx(1 - SHORTCUT_AGREEMENT, abs=0.02)


@pytest.mark.parametrize(
    ("trait", "attribute"), [("spacing", "slice_mm"), ("table", "table"), ("kvp", "kvp"), ("site", "vendor")]
)
def test_a_shortcut_ties_its_own_trait_and_no_other(trait, attribute):
    setting = Setting(arm=f"shortcut:{trait}")
    low, high = patients(setting, 0, 120), patients(setting, 4, 120)

    def common(group, name):
        values = [getattr(p.scan, name) for p in group]
        return max(set(values), key=values.count)

    assert common(low, attribute) != common(high, attribute)
    for other in {"slice_mm", "table", "kvp", "vendor"} - {attribute, "table" if trait == "site" else attribute}:
        shares = [np.mean([getattr(p.scan, other) == common(low, other) for p in group]) for group in (low, high)]
        assert shares[0] == pytest.approx(shares[1], abs=0.2)


def test_a_plain_cohorts_age_sex_and_scan_do_not_depend_on_the_stage():
    low, high = ([(p.age, p.sex == "M", p.scan.noise_hu, p.body.arms_down) for p in patients(None, s)] for s in (0, 4))
    difference = np.mean(low, 0) - np.mean(high, 0)
    assert np.abs(difference / (np.std(low, 0) + 1e-9)).max() < 0.25


def test_the_papers_confounding_brings_arms_lines_and_age_with_the_stage():
    setting = Setting(confounded=True)
    controls, cirrhotic = patients(setting, 0), patients(setting, 4)
    assert np.mean([p.body.arms_down for p in controls]) > 0.4 > np.mean([p.body.arms_down for p in cirrhotic])
    assert np.mean([p.body.lines for p in controls]) > 0.4 > np.mean([p.body.lines for p in cirrhotic])
    assert np.mean([p.scan.delay for p in controls]) < np.mean([p.scan.delay for p in cirrhotic])
    assert np.median([p.age for p in controls]) == pytest.approx(63, abs=3)
    assert np.median([p.age for p in patients(setting, 3)]) == pytest.approx(48, abs=3)


@pytest.mark.parametrize("name", ["splenectomy", "metal", "partial"])
def test_conditions_come_as_often_as_asked(name):
    assert not any(getattr(p, name) for p in patients(None, 2, 40))
    assert all(getattr(p, name) for p in patients(Setting(**{name: 1.0}), 2, 40))


def test_after_splenectomy_there_is_no_spleen_volume():
    assert {p.spleen_volume_ml for p in patients(Setting(splenectomy=1.0), 4, 10)} == {0.0}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"arm": "heart"}, "arm must be one of all, none"),
        ({"phase": "late"}, "phase must be one of native"),
        ({"metal": 1.5}, "metal must be between 0 and 1"),
        ({"arm": "shortcut:site", "confounded": True}, "leave one of them out"),
    ],
)
def test_impossible_settings_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Setting(**options)


def test_arms_and_phases_are_those_of_the_command_line():
    assert ARMS[:6] == ("all", "none", "surface", "spleen", "texture", "lobes")
    assert PHASES == ("native", "arterial", "portal", "delayed")
