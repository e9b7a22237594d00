import json

import pytest
from tests.cohort_files import cohort_row

from fibrolens.cohort.criteria import Criteria, Missing, read_criteria, select
from fibrolens.errors import CohortError, InputError

PAPER = Criteria()
FULL = {
    "reference": "histology", "age": "50", "phase": "portal venous", "extrahepatic_abnormality": "no",
    "liver_disease_history": "", "ct_date": "2015-01-15", "histology_date": "2015-02-15", "exclude": "",
}  # fmt: skip
CONTROL = {**FULL, "reference": "imaging_negative", "histology_date": ""}


def verdict(criteria: Criteria = PAPER, stage: str = "F0", **cells: str) -> str:
    """Why a row with these cells, and otherwise sound ones, is left out; ``in`` where it is not."""
    excluded = select([cohort_row(0, stage, **{**FULL, **cells})], criteria).excluded
    return f"{excluded[0].criterion}: {excluded[0].reason}" if excluded else "in"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, "in"),
        ({"exclude": "splenectomy"}, "exclude: splenectomy"),
        ({"age": "16"}, "in"),
        ({"age": "15.9"}, "age: age below 16 years"),
        ({"phase": "portal"}, "in"),
        ({"phase": "arterial"}, "phase: arterial phase, not portal venous"),
        ({"extrahepatic_abnormality": "No"}, "in"),
        ({"extrahepatic_abnormality": "ascites"}, "extrahepatic_abnormality: relevant extrahepatic abnormality"),
        ({"reference": "", "histology_date": ""}, "histology: no histology"),
        ({"reference": "", "histology_date": "", "specimen": "biopsy"}, "in"),
        ({"modality": "MR"}, "modality: MR, not CT"),
        ({"modality": ""}, "in"),
        ({"liver_disease_history": "HCV"}, "in"),
        ({**CONTROL}, "in"),
        ({**CONTROL, "liver_disease_history": "no"}, "in"),
        ({**CONTROL, "liver_disease_history": "HCV"}, "liver_disease_history: history of liver disease"),
        ({**CONTROL, "age": "12"}, "age: age below 16 years"),
        ({**CONTROL, "phase": "native"}, "phase: native phase, not portal venous"),
    ],
)
def test_the_paper_s_criteria(cells, expected):
    assert verdict(**cells) == expected


@pytest.mark.parametrize(
    ("ct", "histology", "included"),
    [
        ("2015-01-15", "2015-07-14", True),
        ("2015-01-15", "2015-07-15", False),
        ("2015-07-14", "2015-01-15", True),
        ("2015-07-15", "2015-01-15", False),
        ("2015-08-31", "2016-02-28", True),
        ("2015-08-31", "2016-02-29", False),
        ("2015-07-31", "2016-01-30", True),
        ("2015-01-15", "2015-01-15", True),
    ],
)
def test_ct_and_histology_are_less_than_six_calendar_months_apart_in_either_order(ct, histology, included):
    found = verdict(ct_date=ct, histology_date=histology)
    assert found == ("in" if included else "interval: CT and histology 6 months apart or more")


def test_the_first_criterion_that_is_not_met_is_the_reason_and_the_row_s_own_words_are_kept():
    rows = [cohort_row(0, **{**FULL, "age": "9", "phase": "native"}), cohort_row(1, **{**FULL, "age": "15"})]
    selection = select(rows, PAPER)
    assert [(out.criterion, out.detail) for out in selection.excluded] == [("age", "9 years"), ("age", "15 years")]
    assert selection.included == ()


def test_each_criterion_can_be_changed_or_switched_off():
    assert verdict(Criteria(min_age_years=18.0), age="17") == "age: age below 18 years"
    assert verdict(Criteria(min_age_years=0.0), age="3") == "in"
    assert verdict(Criteria(phases=("portal venous", "delayed")), phase="delayed") == "in"
    assert verdict(Criteria(phases=()), phase="native") == "in"
    assert verdict(Criteria(no_extrahepatic_abnormality=False), extrahepatic_abnormality="ascites") == "in"
    assert verdict(Criteria(needs_histology=False), reference="", histology_date="") == "in"
    assert verdict(Criteria(interval_months=12), histology_date="2015-12-01") == "in"
    assert verdict(Criteria(interval_months=0), histology_date="2019-12-01") == "in"
    assert verdict(Criteria(modalities=()), modality="MR") == "in"
    history = {**CONTROL, "liver_disease_history": "HCV"}
    assert verdict(Criteria(no_liver_disease_history=False), **history) == "in"


def test_an_empty_cell_is_kept_and_counted_or_left_out_as_the_policy_says():
    rows = [cohort_row(0, **{**FULL, "age": "", "ct_date": ""}), cohort_row(1, **FULL)]
    flow = select(rows, PAPER).flow
    assert [(entry.criterion, entry.checked, entry.unknown.scans) for entry in flow.unsettled] == [
        ("age", True, 1),
        ("interval", True, 1),
    ]
    (out,) = select(rows, Criteria(missing=Missing(age="exclude"))).excluded
    assert (out.row.scan_id, out.criterion, out.reason) == ("s0", "age", "age not given")


def test_a_row_that_another_criterion_excludes_is_not_kept_although_unknown():
    flow = select([cohort_row(0, **{**FULL, "age": "", "phase": "native"})], PAPER).flow
    assert flow.unsettled == ()


def test_a_column_that_is_absent_excludes_nobody_and_is_told():
    rows = [cohort_row(0), cohort_row(1, "F0")]
    selection = select(rows, Criteria(missing=Missing(age="exclude", histology="exclude")))
    assert len(selection.included) == 2
    assert [(entry.criterion, entry.checked) for entry in selection.flow.unsettled] == [
        ("age", False),
        ("phase", False),
        ("extrahepatic_abnormality", False),
        ("histology", False),
        ("interval", False),
    ]


def test_only_what_applies_to_somebody_is_told_as_not_checked():
    flow = select([cohort_row(0, "F0", reference="imaging_negative", age="50")], PAPER).flow
    assert [entry.criterion for entry in flow.unsettled] == [
        "phase",
        "extrahepatic_abnormality",
        "liver_disease_history",
    ]


def test_counts_are_of_scans_and_of_patients_and_controls_stand_apart():
    rows = [
        cohort_row(0, "F4", "p1", **FULL),
        cohort_row(1, "F4", "p1", **{**FULL, "phase": "native"}),
        cohort_row(2, "F3", "p2", **{**FULL, "phase": "native"}),
        cohort_row(3, "F2|F3", "p3", **FULL),
        cohort_row(4, "F0", "p4", **CONTROL),
        cohort_row(5, "F0", "p5", **{**CONTROL, "exclude": "liver injury"}),
    ]
    flow = select(rows, PAPER).flow
    histology, controls = flow.arms
    assert str(flow.found) == "6 scans of 5 patients"
    assert (str(histology.found), str(histology.excluded)) == ("4 scans of 3 patients", "2 scans of 2 patients")
    assert str(histology.included) == "2 scans of 2 patients"
    assert [(reason.text, str(reason.count)) for reason in controls.reasons] == [
        ("liver injury", "1 scan of 1 patient")
    ]
    assert {entry.stage: entry.count.scans for entry in flow.stages} == {
        "F0": 1, "F1": 0, "F2": 0, "F3": 0, "F4": 1, "F2|F3": 1,
    }  # fmt: skip


def test_reasons_stand_in_the_order_of_the_criteria_the_most_frequent_first():
    cells = [{"phase": "native"}, {"exclude": "b"}, {"exclude": "a"}, {"exclude": "a"}, {"age": "3"}]
    rows = [cohort_row(n, **{**FULL, **cell}) for n, cell in enumerate(cells)]
    reasons = select(rows, PAPER).flow.arms[0].reasons
    assert [(reason.criterion, reason.text) for reason in reasons] == [
        ("exclude", "a"),
        ("exclude", "b"),
        ("age", "age below 16 years"),
        ("phase", "native phase, not portal venous"),
    ]


def test_no_rows_are_an_empty_study():
    assert select([], PAPER).flow.found.scans == 0


def test_a_cell_that_is_no_value_names_its_line():
    with pytest.raises(CohortError, match=r"Line 2: .*'old' is no plain number; run fibrolens cohort check"):
        verdict(age="old")


def test_a_file_changes_what_it_names_and_keeps_the_rest(tmp_path):
    path = tmp_path / "criteria.json"
    path.write_text(json.dumps({"min_age_years": 18, "phases": ["delayed"], "missing": {"age": "exclude"}}))
    assert read_criteria(path) == Criteria(min_age_years=18.0, phases=("delayed",), missing=Missing(age="exclude"))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"min_age": 18}', "criteria.json has unknown keys: min_age. The keys are modalities, min_age_years"),
        ('{"missing": {"bmi": "include"}}', "unknown keys: bmi.*under missing: age, phase"),
        ('{"missing": {"age": "drop"}}', "must be one of include, exclude"),
        ('{"phases": "portal venous"}', "phases must be a list"),
        (
            '{"phases": ["late"]}',
            "phases may hold native, arterial, portal venous, delayed, hepatobiliary; it holds 'late'",
        ),
        ('{"interval_months": -1}', "interval_months 0 to 1200"),
        ("[]", "must be an object"),
        ("{", "is no JSON"),
    ],
)
def test_a_file_with_anything_else_is_refused(tmp_path, content, sentence):
    path = tmp_path / "criteria.json"
    path.write_text(content)
    with pytest.raises(InputError, match=sentence):
        read_criteria(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_criteria(tmp_path / "gone.json")
