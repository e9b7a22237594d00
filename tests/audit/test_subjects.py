import numpy as np

from fibrolens.audit.subjects import draw, open_bench
from fibrolens.evaluate.predicted import Predicted


def case(number, patient, stage):
    chances = tuple(0.6 if k == stage else 0.1 for k in range(5))
    return Predicted(f"s{number}", f"p{patient}", 0, (stage,), chances)


def test_a_patient_gives_one_scan_and_any_first_few_hold_every_stage_alike():
    cases = [case(n, n // 2, 0 if n < 60 else 4) for n in range(80)]
    chosen = draw(cases, 10, np.random.default_rng(0))
    assert len({one.patient_id for one in chosen}) == 10
    for first in (4, 10):
        assert sum(one.predicted == 0 for one in chosen[:first]) == first / 2


def test_a_rare_stage_is_taken_whole():
    cases = [case(n, n, 0 if n < 30 else 2) for n in range(32)]
    chosen = draw(cases, 20, np.random.default_rng(1))
    assert sum(one.predicted == 2 for one in chosen) == 2
    assert len(chosen) == 20


def test_the_same_seed_draws_the_same_sample(finished_study, tmp_path):
    first, second = (open_bench(finished_study, None, tmp_path, 6, 2, 3) for _ in range(2))
    assert first.subjects == second.subjects
    assert not {one.row.patient_id for one in first.subjects} & {row.patient_id for row in first.learners}
    assert all(one.fold in range(first.folds) for one in first.subjects)
