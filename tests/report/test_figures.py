import numpy as np
import pytest
from matplotlib.image import imread
from tests.report.svg import words

from fibrolens.evaluate.attention import compare_stages
from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.study import curves, evaluate_predictions
from fibrolens.report.figures import MapExample, attention_boxplot, map_figure, roc_figure
from fibrolens.volume import Geometry, Volume


def cases(stages):
    generator = np.random.default_rng(0)
    for n, stage in enumerate(stages):
        raw = generator.random(5) + 0.5 * np.eye(5)[stage]
        yield Predicted(f"s{n}", f"p{n}", n % 5, (stage,), tuple((raw / raw.sum()).tolist()))


def test_the_roc_figure_names_every_curve_its_interval_its_counts_and_the_intended_use(tmp_path):
    predicted = list(cases([0, 1, 2, 3, 4] * 8))
    evaluation = evaluate_predictions(predicted, np.random.default_rng(0), 50)
    roc_figure(curves(predicted, (1, 2, 3, 4)), evaluation, tmp_path / "roc")
    text = words(tmp_path / "roc.svg")
    low, high = evaluation["averages"]["macro"]["bootstrap"]
    for part in ("F≥2: ", "F4: ", "(8 / 32, thin)", "micro: ", f"[{low:.2f}, {high:.2f}] (40 scans)", "Research use"):
        assert part in text
    assert "F≥1" not in text  # the paper has no such curve; its points are in the table
    assert imread(tmp_path / "roc.png").shape[1] == 2055


def test_a_cohort_of_one_stage_still_gives_figures(tmp_path):
    predicted = list(cases([0, 0, 0]))
    roc_figure([], evaluate_predictions(predicted, np.random.default_rng(0), 50), tmp_path / "roc")
    assert "not measurable" in words(tmp_path / "roc.svg")
    attention_boxplot(
        [1.0, 1.1, float("nan")],
        {"true stage": ["F0"] * 3},
        {"true stage": compare_stages(["F0"], [1.0])},
        tmp_path / "a",
    )
    assert "no test" in words(tmp_path / "a.svg")
    assert "n = 2" in words(tmp_path / "a.svg")


def test_the_box_plot_names_scale_groups_test_and_effect(tmp_path):
    stages = ["F0"] * 8 + ["F4"] * 8
    values = [0.5 + 0.1 * k for k in range(8)] + [1.2 + 0.1 * k for k in range(8)]
    by = {"predicted stage": stages, "true stage": stages}
    tests = {name: compare_stages(s, values) for name, s in by.items()}
    attention_boxplot(values, by, tests, tmp_path / "attention")
    text = words(tmp_path / "attention.svg")
    for part in (
        "Predicted stage",
        "True stage",
        "even share",
        "p &lt; 0.001",
        "P(F4 &gt; F0) = 0.98 [0.79, 1.00]",
        "n = 8",
    ):
        assert part in text


@pytest.mark.parametrize("with_labels", [True, False])
def test_the_map_figure_has_a_row_per_scan_and_the_same_bytes_each_time(tmp_path, with_labels):
    shape = (12, 32, 32)
    grid = Geometry(shape, (5.0, 10.0, 10.0))
    hu = np.full(shape, -1000, np.int16)
    hu[:, 4:28, 4:28] = 60
    labels = np.zeros(shape, np.uint8)
    labels[2:10, 8:20, 6:16] = 1
    heat = Volume((labels + 0.5).astype(np.float32), grid)
    example = MapExample("F0, predicted F0", Volume(hu, grid), heat, Volume(labels, grid) if with_labels else None)
    for name in ("one", "again"):
        map_figure([example] * 2, tmp_path / name, slices=2)
    map_figure([example], tmp_path / "short", slices=2)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "again.svg").read_bytes()
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "again.png").read_bytes()
    assert imread(tmp_path / "one.png").shape[0] > imread(tmp_path / "short.png").shape[0] + 300
    assert "1 = even share" in words(tmp_path / "one.svg")
