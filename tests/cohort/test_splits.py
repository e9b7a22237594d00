from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fibrolens.cohort.splits import check_splits, make_splits, read_splits, strata, write_splits
from fibrolens.cohort.table import CohortRow
from fibrolens.errors import CohortError


def row(number: int, stage: int, patient: str | None = None, site: str | None = None) -> CohortRow:
    values = {} if site is None else {"site": site}
    return CohortRow(number + 2, patient or f"p{number}", f"s{number}", Path("x"), (stage,), None, None, values)


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


def test_folds_have_the_cohort_s_mix_of_sites_within_a_stage():
    rows = [row(n, 4 * (n % 2), site="AAB"[n % 3]) for n in range(90)]
    by_scan = {r.scan_id: (r.stages[0], r.values["site"]) for r in rows}
    for fold in make_splits(rows, seed=0):
        places = [by_scan[scan] for scan in fold]
        assert [places.count((stage, site)) for stage in (0, 4) for site in "AB"] == [6, 3, 6, 3]


def test_one_site_or_none_leaves_the_folds_as_they_are(rows):
    plain = make_splits(rows, seed=0)
    assert make_splits([replace(r, values={"site": "A"}) for r in rows], seed=0) == plain
    assert make_splits([replace(r, values={"site": ""}) for r in rows], seed=0) == plain


def test_rare_sites_of_a_stage_are_shared_out_together():
    numbers = iter(range(100))

    def scans(stage: int, **sites: int) -> list[CohortRow]:
        return [row(next(numbers), stage, site=site) for site, count in sites.items() for _ in range(count)]

    cohort = [*scans(0, a=9, b=5, c=2, d=1), *scans(1, a=2, b=3), *scans(4, a=6, b=3, c=3)]
    found = dict(zip(((r.stages[0], r.values["site"]) for r in cohort), strata(cohort), strict=True))
    assert found == {
        (0, "a"): "F0 at a", (0, "b"): "F0 at b", (0, "c"): "F0 at a", (0, "d"): "F0 at a",
        (1, "a"): "F1", (1, "b"): "F1",
        (4, "a"): "F4 at a", (4, "b"): "F4", (4, "c"): "F4",
    }  # fmt: skip


def scans_of(stages):
    return [row(number, stage) for number, stage in enumerate(stages)]


@pytest.mark.parametrize("each", [4, 3])
def test_a_cohort_whose_stages_are_all_rare_is_shared_out_by_neighbouring_stages(each):
    """As in the inner split of 25 patients, five of each stage."""
    cohort = scans_of([stage for stage in range(5) for _ in range(each)])
    stage = {r.scan_id: r.stages[0] for r in cohort}
    for fold in make_splits(cohort, seed=0):
        assert len(fold) == each
        assert {stage[scan] >= 2 for scan in fold} == {False, True}, "early and late stages in every fold"


def test_rare_stages_stand_with_the_next_ones_and_a_set_between_its_own():
    cohort = [*scans_of([0] * 4 + [1] + [2] + [3] * 2 + [4]), replace(row(50, 2), stages=(2, 3))]
    found = dict(zip((r.stage_name for r in cohort), strata(cohort), strict=True))
    late = "F2, F2|F3, F3, F4"
    assert found == {"F0": "F0, F1", "F1": "F0, F1", "F2": late, "F2|F3": late, "F3": late, "F4": late}
    assert strata([*cohort, row(60, 0)])[0] == "F0", "one stage that reaches every fold leaves all as they are"


@pytest.mark.parametrize("seed", range(60))
def test_any_small_cohort_is_shared_out_or_refused_in_words(seed):
    """5 to 30 patients of any mix, some with several scans, some with sets, one or more sites."""
    generator = np.random.default_rng(seed)
    patients, sites = int(generator.integers(5, 31)), int(generator.integers(1, 4))
    chances = generator.dirichlet(np.full(5, 0.5))
    cohort = []
    for patient in range(patients):
        for _ in range(int(generator.choice((1, 1, 1, 2, 5)))):
            allowed = tuple(sorted(set(generator.choice(5, int(generator.integers(1, 3)), p=chances).tolist())))
            one = row(len(cohort), 0, f"p{patient}", "abc"[generator.integers(sites)])
            cohort.append(replace(one, stages=allowed))
    for folds in (5, 7):
        if patients < folds:
            with pytest.raises(CohortError, match="at least 7 patients"):
                make_splits(cohort, seed, folds)
        else:
            assert [bool(fold) for fold in make_splits(cohort, seed, folds)] == [True] * folds


def test_where_stages_would_leave_a_fold_empty_patients_alone_are_shared_out():
    """Two patients have nearly all scans; scikit-learn gives one fold none for the sake of the stages."""
    owners = ["a", "b", "c", "c", "d", "d", "d", "e", "e", "e", "e", "e", "e", "e", "e"]
    stages = [(0,), (3,), (0, 4), (4,), (0,), (0,), (0,), (0,), (0,), (1, 4), (0,), (0,), (1,), (0,), (0, 4)]
    cohort = [replace(row(n, 0, owner), stages=own) for n, (owner, own) in enumerate(zip(owners, stages, strict=True))]
    patient = {r.scan_id: r.patient_id for r in cohort}
    alone = [{patient[scan] for scan in fold} for fold in make_splits(cohort, seed=3351)]
    assert sorted(alone, key=min) == [{"a"}, {"b"}, {"c"}, {"d"}, {"e"}]


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
