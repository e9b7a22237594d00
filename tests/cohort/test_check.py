from pathlib import Path

import pytest
from tests.cohort_files import write_scans, write_table

from fibrolens.cohort.check import check_cohort, check_values
from fibrolens.errors import CohortError
from fibrolens.progress import Silent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_scans(tmp_path, 3)
    return tmp_path


def scan(number: int, **cells: str) -> dict[str, str]:
    return {"patient_id": f"p{number}", "scan_id": f"s{number}", "image": f"ct{number}.nii.gz", "stage": "F3", **cells}


def problems(path: Path) -> list[str]:
    with pytest.raises(CohortError) as caught:
        check_cohort(path)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_a_sound_cohort_is_given_back(folder):
    rows = check_cohort(write_table(folder, [scan(0, age="61", liver_mask="liver.nii.gz"), scan(1, own="anything")]))
    assert [row.scan_id for row in rows] == ["s0", "s1"]


def test_cells_rows_and_files_are_told_together_by_line(folder):
    table = write_table(
        folder,
        [
            scan(0, age="61,5", spleen_mask="gone.nii.gz"),
            scan(1, patient_id="p0", stage="3", sex="M"),
            scan(2, sex="X"),
        ],
    )
    (folder / "ct1.nii.gz").write_bytes(b"nothing")
    assert [line.split(";")[0].split(",")[0] for line in problems(table)] == [
        "line 2: age must be a number (years)",
        "line 2: spleen_mask gone.nii.gz does not exist",
        "line 3: image ct1.nii.gz: ct1.nii.gz cannot be read as NIfTI",
        "line 3: stage must be one of F0",
        "line 4: sex must be one of M",
    ]


def test_the_same_image_twice_is_one_problem(folder):
    assert problems(write_table(folder, [scan(0), scan(1, image="ct0.nii.gz")])) == [
        "line 3: image ct0.nii.gz stands in line 2 already"
    ]


def test_files_of_excluded_rows_are_not_opened(folder):
    (folder / "ct1.nii.gz").write_bytes(b"nothing")
    copy = scan(2, image="ct0.nii.gz", exclude="the same scan as s0")
    assert len(check_cohort(write_table(folder, [scan(0), scan(1, exclude="CT damaged"), copy]))) == 3


def test_values_are_checked_without_the_scans(folder):
    (folder / "ct0.nii.gz").write_bytes(b"nothing")
    assert len(check_values(write_table(folder, [scan(0)]))) == 1
    with pytest.raises(CohortError, match="line 2: bmi is 5, not within"):
        check_values(write_table(folder, [scan(0, bmi="5")]))


def test_progress_counts_every_row(folder):
    told = []

    class Counting(Silent):
        def advance(self, n: int = 1, note: str = "") -> None:
            told.append((n, note))

    def progress(total: int, label: str) -> Counting:
        told.append((total, label))
        return Counting()

    check_cohort(write_table(folder, [scan(0), scan(1, exclude="too young")]), progress)
    assert told == [(2, "reading scans"), (1, "s0"), (1, "s1")]
