import csv
import json
from pathlib import Path

import pytest
from tests.cohort_files import write_table

from fibrolens.cohort.criteria import Criteria
from fibrolens.cohort.flow import Flow
from fibrolens.cohort_flow import write_flow
from fibrolens.errors import CohortError, UsageError

FILES = ["excluded.csv", "flow.csv", "flow.json", "flow.png", "flow.svg", "manifest.json", "table1.csv"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "ct.nii.gz").touch()
    (tmp_path / "ct2.nii.gz").touch()
    return write_table(
        tmp_path,
        [
            {"patient_id": "p1", "scan_id": "s1", "image": "ct.nii.gz", "stage": "F3", "age": "15", "exclude": ""},
            {"patient_id": "p2", "scan_id": "s2", "image": "ct2.nii.gz", "stage": "F2|F3", "age": "61"},
            {"patient_id": "p3", "scan_id": "s3", "image": "", "stage": "", "age": "70", "exclude": "no CT"},
        ],
    )


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_tables_and_pictures_of_who_is_in_the_study(table, tmp_path):
    out = tmp_path / "flow"
    selection = write_flow(table, out, Criteria())
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert [row.scan_id for row in selection.included] == ["s2"]
    assert Flow.from_dict(json.loads((out / "flow.json").read_text())) == selection.flow
    assert [list(row.values()) for row in read(out / "excluded.csv")] == [
        ["2", "s1", "p1", "age", "age below 16 years", "15 years"],
        ["4", "s3", "p3", "exclude", "no CT", ""],
    ]
    first = read(out / "table1.csv")[0]
    assert (first["variable"], first["total"], first["F3"], first["sets"]) == ("Scans", "1", "0", "1")
    assert {row["reason"] for row in read(out / "flow.csv")} > {"age below 16 years", "no CT"}


def test_the_same_again_is_left_alone_and_another_one_needs_leave(table, tmp_path):
    out = tmp_path / "flow"
    write_flow(table, out, Criteria())
    before = (out / "manifest.json").stat().st_mtime_ns
    write_flow(table, out, Criteria())
    assert (out / "manifest.json").stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="--overwrite"):
        write_flow(table, out, Criteria(min_age_years=12.0))
    assert len(write_flow(table, out, Criteria(min_age_years=12.0), overwrite=True).included) == 2
    assert len(read(out / "excluded.csv")) == 1


def test_a_table_with_problems_leaves_nothing(table, tmp_path):
    table.write_text(table.read_text().replace("61", "161"))
    with pytest.raises(CohortError, match="line 3: age is 161"):
        write_flow(table, tmp_path / "flow", Criteria())
    assert not (tmp_path / "flow").exists()
