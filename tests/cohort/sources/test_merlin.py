"""Merlin."""

import pytest
from tests.source_files import put_ct, put_table

from fibrolens.cohort.sources.base import Given
from fibrolens.cohort.sources.merlin import read
from fibrolens.errors import InputError

FINDINGS = [
    {"study id": "AC1", "cirrhosis": 1, "ascites": -1},
    {"study id": "AC2", "cirrhosis": 0, "ascites": 1},
    {"study id": "AC3", "cirrhosis": -1, "ascites": 0},
]


def test_mentioned_denied_and_not_mentioned(tmp_path):
    put_table(tmp_path / "zero_shot_findings_disease_cls.csv", FINDINGS)
    image = put_ct(tmp_path / "merlin_data" / "AC1.nii.gz")
    cases = read(Given(tmp_path)).cases
    assert [case.stages for case in cases] == [(4,), (0, 1, 2, 3), ()]
    assert [case.exclude for case in cases] == ["", "no image found", "cirrhosis not mentioned in the report"]
    assert cases[0].image == image
    assert not cases[0].values.get("reference")


def test_patients_and_phases_are_taken_where_tables_have_them(tmp_path):
    rows = [row | {"patient_id": "P"} for row in FINDINGS]
    meta = [{"study id": "AC1", "phase": "Portal-venous"}, {"study id": "AC2", "phase": "other"}]
    tables = (put_table(tmp_path / "a.csv", rows), put_table(tmp_path / "b.csv", meta))
    reading = read(Given(None, tables))
    assert {case.patient_id for case in reading.cases} == {"merlin_P"}
    assert [case.values["phase"] for case in reading.cases] == ["portal venous", "", ""]
    assert reading.notes == ()
    assert read(Given(None, (put_table(tmp_path / "c.csv", FINDINGS),))).notes


def test_a_table_without_cirrhosis_or_with_other_labels_is_refused(tmp_path):
    without = put_table(tmp_path / "a.csv", [{"study id": "AC1", "ascites": 1}])
    with pytest.raises(InputError, match="has no column cirrhosis"):
        read(Given(None, (without,)))
    other = put_table(
        tmp_path / "b.csv", [{"study id": "AC1", "cirrhosis": "yes"}, {"study id": "AC2", "cirrhosis": 2}]
    )
    with pytest.raises(InputError, match="study AC2 has cirrhosis '2', which is none of 1, 0 and -1"):
        read(Given(None, (other,)))
