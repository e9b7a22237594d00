import json

from tests.cohort_files import cohort_row

from fibrolens.cohort.criteria import Criteria, select
from fibrolens.cohort.flow import Count, Flow, arm_of, count_stages, counted

ROWS = (
    cohort_row(0, "F4", "p1", reference="histology", age="50"),
    cohort_row(1, "F4", "p1", reference="histology", age=""),
    cohort_row(2, "F2|F3", reference="histology", age="12"),
    cohort_row(3, "F0", reference="imaging_negative", age="40"),
)


def test_a_flow_survives_its_file():
    flow = select(ROWS, Criteria()).flow
    content = json.loads(json.dumps(flow.to_dict()))
    assert Flow.from_dict(content) == flow
    assert content["intended_use"] == "research use only"


def test_a_flow_as_a_table():
    lines = [tuple(line.values()) for line in select(ROWS, Criteria(no_extrahepatic_abnormality=False)).flow.table()]
    assert lines[:7] == [
        ("all", "found", "", "", 4, 3),
        ("histology", "found", "", "", 3, 2),
        ("histology", "excluded", "age", "age below 16 years", 1, 1),
        ("histology", "included", "", "", 2, 1),
        ("controls", "found", "", "", 1, 1),
        ("controls", "included", "", "", 1, 1),
        ("all", "included", "", "", 3, 2),
    ]
    assert ("F4", "included", "", "", 2, 1) in lines
    assert ("all", "unknown, kept", "age", "age of 16 years or more", 1, 1) in lines
    assert ("all", "not checked", "phase", "portal venous phase", 0, 0) in lines


def test_counts_read_as_a_person_says_them():
    assert str(Count.of(ROWS)) == "4 scans of 3 patients"
    assert (counted(1, "scan"), counted(1250, "scan")) == ("1 scan", "1,250 scans")


def test_sets_of_stages_follow_the_stages():
    assert [entry.stage for entry in count_stages(ROWS)] == ["F0", "F1", "F2", "F3", "F4", "F2|F3"]
    assert [arm_of(row) for row in ROWS] == ["histology", "histology", "histology", "controls"]
