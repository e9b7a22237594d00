from pathlib import Path

import pytest

from fibrolens.cohort.splits import check_splits, make_splits, read_splits, write_splits
from fibrolens.cohort.table import CohortRow
from fibrolens.errors import CohortError


def row(number: int, stage: int, patient: str | None = None) -> CohortRow:
    return CohortRow(number + 2, patient or f"p{number}", f"s{number}", Path("x"), (stage,), None, None, {})


@pytest.fixture
def rows():
    scans = [row(n, (0, 0, 0, 4, 4)[n % 5]) for n in range(50)]
    return [*scans, row(50, 4, "p3"), row(51, 2)]


def test_every_scan_is_tested_once_and_a_patient_s_scans_together(rows):
    splits = make_splits(rows, seed=0)
    assert sorted(s for fold in splits for s in fold) == sorted(r.scan_id for r in rows)
    assert [("s3" in fold) == ("s50" in fold) for fold in splits] == [True] * 5


def test_folds_have_the_cohort_s_mix_of_stages(rows):
    stage = {r.scan_id: r.stages[0] for r in rows}
    assert [sum(stage[s] == 0 for s in fold) for fold in make_splits(rows, seed=0)] == [6] * 5


def test_the_seed_decides_the_folds(rows):
    assert make_splits(rows, seed=1) == make_splits(rows, seed=1)
    assert make_splits(rows, seed=1) != make_splits(rows, seed=2)


def test_splits_survive_their_file(rows, tmp_path):
    splits = make_splits(rows, seed=0)
    write_splits(splits, tmp_path / "splits.json")
    assert read_splits(rows, tmp_path / "splits.json") == splits


def test_a_leaking_split_is_refused(rows):
    splits = [list(fold) for fold in make_splits(rows, seed=0)]
    home = next(fold for fold in splits if "s50" in fold)
    away = next(fold for fold in splits if "s50" not in fold)
    home.remove("s50")
    away.append("s50")
    with pytest.raises(CohortError, match="leak: patient p3"):
        check_splits(rows, splits)


def test_folds_of_another_cohort_are_refused(rows):
    splits = make_splits(rows, seed=0)
    with pytest.raises(CohortError, match="partition"):
        check_splits(rows[:-1], splits)
    with pytest.raises(CohortError, match="at least 5 patients"):
        make_splits(rows[:4], seed=0)


def test_a_broken_file_is_refused(rows, tmp_path):
    (tmp_path / "splits.json").write_text("[]")
    with pytest.raises(CohortError, match="not a list of folds"):
        read_splits(rows, tmp_path / "splits.json")
