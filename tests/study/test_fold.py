from dataclasses import replace

import numpy as np

from fibrolens.cohort.table import read_cohort
from fibrolens.progress import silent
from fibrolens.staging.predict import Prediction
from fibrolens.study.fold import FoldJob, run_fold, scaled_maps
from fibrolens.study.prepare import PrepareJob, prepare_scan, run_prepare
from fibrolens.study.tables import read_table


def test_maps_of_every_layer_have_mean_one_over_the_covered_body(toy_cohort, toy_plan):
    scan = prepare_scan(read_cohort(toy_cohort)[0], toy_plan.grid)
    generator = np.random.default_rng(0)
    raw = {layer: generator.random((1, 8, 24, 24)).astype(np.float32) for layer in ("conv3", "conv4")}
    coverage = np.array([0, 1, 1, 1, 1, 1, 1, 0], np.float32)
    prediction = Prediction(np.full(5, 0.2), np.zeros((1, 5), np.float32), (0,), raw, coverage, np.zeros(3, np.float32))
    maps = scaled_maps(prediction, scan)
    inside = scan.body & (coverage > 0)[:, None, None]
    assert [round(float(maps[name][inside].mean()), 5) for name in ("conv3", "conv4", "mean")] == [1.0, 1.0, 1.0]


def test_a_fold_tests_stage_sets_but_does_not_train_on_them(toy_cohort, toy_plan, tmp_path):
    rows = read_cohort(toy_cohort)[:4]
    undecided = replace(rows[3], stages=(2, 3))
    for row in rows:
        run_prepare(PrepareJob(row, toy_plan.grid, tmp_path), silent())
    job = FoldJob(0, tmp_path / "with", (*rows[:2], undecided), (rows[2], undecided), tmp_path, toy_plan, None)
    run_fold(job, silent())
    run_fold(replace(job, folder=tmp_path / "without", train=rows[:2]), silent())
    weights = [(tmp_path / name / "weights.safetensors").read_bytes() for name in ("with", "without")]
    assert weights[0] == weights[1]
    assert [row["stage"] for row in read_table(tmp_path / "with" / "predictions.csv")] == ["F0", "F2|F3"]
