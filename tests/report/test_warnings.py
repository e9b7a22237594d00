import csv

import pytest

from fibrolens.report.warnings import study_warnings
from fibrolens.result import REGIONS


def quality(evaluated):
    with (evaluated / "quality.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_doubtful_scans_are_named_the_first_of_many_only(evaluation, evaluated):
    found = "\n".join(study_warnings(evaluation, quality(evaluated), None))
    assert "11 of 48 scans seem not to show the whole liver: s37, s38" in found
    assert "and 3 more (quality.csv)" in found
    assert "1 of 48 scans seem not to be in the portal venous phase: s3." in found
    assert "do not resemble the training data" in found
    assert "In 6 of 48 scans the organs were found by a network" in found


def test_thin_classes_sets_and_missing_cuts_are_told(evaluation):
    found = study_warnings(evaluation, None, None)
    assert any(text.startswith("Stages with fewer than 10 scans: F1 (6), F2 (6), F3 (6)") for text in found)
    assert any("F2 or F3 (1)" in text for text in found)
    (called,) = (text for text in found if "called at 0.5" in text)
    assert called.endswith("called at 0.5 in fold 0, 1, 2, 3, 4 (there are no predictions of the fold's inner split).")


def test_each_reason_for_a_cut_at_a_half_stands_with_its_own_folds(evaluation):
    reasons = {0: "no such split", 1: None, 2: "no case", 3: "no such split", 4: None}
    cuts = [{"fold": fold, "cut": 0.5} | ({"reason": why} if why else {}) for fold, why in reasons.items()]
    threshold = evaluation["thresholds"]["F4"] | {"operating_point": {"cuts": cuts}}
    changed = evaluation | {"thresholds": dict.fromkeys(evaluation["thresholds"], threshold)}
    found = [text.split(": ")[1] for text in study_warnings(changed, None, None) if "called at" in text]
    assert found == ["called at 0.5 in fold 0, 3 (no such split).", "called at 0.5 in fold 2 (no case)."]


def test_maps_that_are_zero_everywhere_are_told(evaluation):
    """A map of zeros has no mean in any region; a patient without a spleen lacks that one alone."""
    known = {f"{region}_mean": "1.0" for region in REGIONS}
    zero = dict.fromkeys(known, "")
    looked = [
        {"scan_id": "a", **known},
        {"scan_id": "b", **zero},
        {"scan_id": "c", **known, "spleen_mean": ""},
        *({"scan_id": f"d{n}", **zero} for n in range(9)),
    ]
    (found,) = (text for text in study_warnings(evaluation, None, looked) if "zero everywhere" in text)
    assert found.startswith("The location maps of 10 of 12 scans are zero everywhere")
    assert found.endswith(": b, d0, d1, d2, d3, d4, d5, d6 and 2 more (attention.csv).")
    assert study_warnings(evaluation, None, looked[:1]) == study_warnings(evaluation, None, None)


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ("simulated CT only (1580 patients)", True),
        ("Simulated CT", True),
        ("90 CTs of one hospital", False),
        ("", False),
    ],
)
def test_a_start_from_simulated_ct_is_told_with_its_card(evaluation, known, told):
    changed = evaluation | {"training": evaluation["training"] | {"initial_trained_on": known}}
    found = [text for text in study_warnings(changed, None, None) if "simulated CT" in text]
    assert [f"(their card: {known})" in text for text in found] == [True] * told


def test_a_side_without_a_scan_is_told_to_have_no_auc(evaluation):
    nothing = evaluation["thresholds"]["F4"] | {"positives": 0, "negatives": 9, "thin": True}
    changed = evaluation | {"thresholds": evaluation["thresholds"] | {"F4": nothing}, "without_controls": None}
    told = "Cirrhosis (F4), all scans: thin (0 with against 9 without); there is no AUC."
    assert told in study_warnings(changed, None, None)


def test_an_undoubted_study_of_many_has_none(evaluation):
    threshold = evaluation["thresholds"]["F>=2"] | {"thin": False, "operating_point": None}
    thresholds = dict.fromkeys(evaluation["thresholds"], threshold)
    changed = {"thresholds": thresholds, "stages": {"F0": 20, "F4": 20}, "without_controls": None, "training": {}}
    assert study_warnings(changed, [], []) == []


def test_stages_whose_sets_surely_hold_less_than_claimed_are_told(evaluation):
    assert not any("stage sets" in text for text in study_warnings(evaluation, None, None))
    short = {"count": 10, "of": 18, "value": 0.56, "interval": [0.34, 0.75]}
    claims = []
    for row in evaluation["conformal"]["claims"]:
        stages = row["per_stage"] | {"F3": row["per_stage"]["F3"] | {"coverage": short}}
        claims.append(row | {"per_stage": stages})
    changed = evaluation | {"conformal": evaluation["conformal"] | {"claims": claims}}
    (told,) = (text for text in study_warnings(changed, None, None) if "stage sets" in text)
    assert "90% of the scans hold it less often in F3 (10 of 18);" in told


def test_groups_that_differ_after_adjustment_are_told(evaluation):
    def apart(p):
        return {"difference": {"value": -0.2, "interval": [-0.3, -0.1], "p_value": p, "p_adjusted": p}}

    groups = [
        {"name": "women", "thresholds": {"F4": apart(0.01), "F>=2": apart(0.06)}},
        {"name": "men", "thresholds": {"F4": {"difference": {"p_value": None}}}},
    ]
    changed = evaluation | {"subgroups": {"groupings": {"Sex": {"groups": groups, "unknown": 0}}}}
    (told,) = (text for text in study_warnings(changed, None, None) if text.startswith("Sex"))
    assert told == "Sex, women: the AUC of F4 differs by -0.20 from that of the other scans (adjusted p = 0.010)."


def test_probabilities_that_are_too_extreme_or_too_timid_are_told(evaluation):
    def slopes(name, value, interval):
        found = {**evaluation["calibration"]["before"]}
        found[name] = found[name] | {"slope": {"value": value, "interval": interval}}
        calibration = evaluation["calibration"] | {"before": found}
        calibration["after"] = calibration["after"] | {name: {"slope": {"value": 0.93, "interval": [0.8, 1.1]}}}
        return [
            text for text in study_warnings(evaluation | {"calibration": calibration}, None, None) if "slope" in text
        ]

    before = [text for text in study_warnings(evaluation, None, None) if "slope" in text]
    found = set(slopes("F4", 0.5, [0.3, 0.72])) - set(before)
    told = "the probabilities are too extreme (slope 0.50 [0.30, 0.72], after temperature scaling 0.93); 1 is right."
    assert f"Cirrhosis (F4): {told}" in found
    assert any("too timid" in text for text in slopes("F4", 1.9, [1.2, 2.6]))
    assert not any("Cirrhosis" in text for text in slopes("F4", 1.1, [0.8, 1.4]))
    assert not any("Cirrhosis" in text for text in slopes("F4", None, None))
