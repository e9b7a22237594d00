import csv

from fibrolens.report.warnings import study_warnings


def quality(evaluated):
    with (evaluated / "quality.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_doubtful_scans_are_named_the_first_of_many_only(evaluation, evaluated):
    found = "\n".join(study_warnings(evaluation, quality(evaluated)))
    assert "11 of 48 scans seem not to show the whole liver: s37, s38" in found
    assert "and 3 more (quality.csv)" in found
    assert "1 of 48 scans seem not to be in the portal venous phase: s3." in found
    assert "do not resemble the training data" in found
    assert "In 5 of 48 scans the organs were found by a network" in found


def test_thin_classes_sets_and_missing_cuts_are_told(evaluation):
    found = study_warnings(evaluation, None)
    assert any(text.startswith("Stages with fewer than 10 scans: F1 (6), F2 (6), F3 (6)") for text in found)
    assert any("F2 or F3 (1)" in text for text in found)
    assert sum("called at 0.5" in text for text in found) == 1
    assert any("in fold 0, 1, 2, 3, 4" in text for text in found)


def test_a_side_without_a_scan_is_told_to_have_no_auc(evaluation):
    nothing = evaluation["thresholds"]["F4"] | {"positives": 0, "negatives": 9, "thin": True}
    changed = evaluation | {"thresholds": evaluation["thresholds"] | {"F4": nothing}, "without_controls": None}
    assert "Cirrhosis (F4), all scans: thin (0 with against 9 without); there is no AUC." in study_warnings(
        changed, None
    )


def test_an_undoubted_study_of_many_has_none(evaluation):
    threshold = evaluation["thresholds"]["F>=2"] | {"thin": False, "operating_point": None}
    thresholds = dict.fromkeys(evaluation["thresholds"], threshold)
    changed = {"thresholds": thresholds, "stages": {"F0": 20, "F4": 20}, "without_controls": None}
    assert study_warnings(changed, []) == []
