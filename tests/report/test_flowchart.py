"""The flowchart: its words, that none leaves its box, and that none lies over another."""

from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fibrolens.cohort.flow import Arm, Count, Flow, Reason, StageCount, Unsettled
from fibrolens.plan import STAGES
from fibrolens.report import flowchart as module
from fibrolens.report.flowchart import flowchart

LONG = "the scan was made elsewhere and the slices above the dome of the liver are missing from the archive " * 3
ONE_WORD = "liver_injury_or_other_morphologic_abnormality_of_the_liver_seen_by_the_radiologist_on_duty_$that$_night"


def arm(name: str, *reasons: tuple[str, int]) -> Arm:
    told = tuple(Reason("exclude", text, Count(n, n)) for text, n in reasons)
    scans = sum(n for _, n in reasons)
    return Arm(name, Count(1000 + scans, 990 + scans), Count(scans, scans), told, Count(1000, 990))


def flow(histology: Arm, controls: Arm, sets: tuple[str, ...] = (), unsettled: tuple[Unsettled, ...] = ()) -> Flow:
    stages = tuple(StageCount(name, Count(1200, 1100)) for name in (*STAGES, *sets))
    return Flow(Count(12345, 12000), (histology, controls), Count(2000, 1980), stages, unsettled)


FULL = flow(
    arm("histology", *((f"{n} {LONG}", n) for n in range(1, 13))),
    arm("controls", (ONE_WORD, 100)),
    ("F0|F1", "F1|F2|F3|F4"),
    (Unsettled("age", "age of 16 years or more", True, Count(3, 3)), Unsettled("phase", LONG, False, Count(0, 0))),
)
NOBODY_OUT = flow(arm("histology"), arm("controls"))
NO_CONTROLS = flow(arm("histology", (LONG, 3)), Arm("controls", Count(0, 0), Count(0, 0), (), Count(0, 0)))


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draws a flow and gives back its figure, without writing files."""

    def draw(content: Flow) -> Figure:
        figures = []
        monkeypatch.setattr(module, "save_both", lambda figure, stem, dpi: figures.append(figure))
        flowchart(content, tmp_path / "flow")
        FigureCanvasAgg(figures[0]).draw()
        return figures[0]

    return draw


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.axes[0].texts)


@pytest.mark.parametrize("content", [FULL, NOBODY_OUT, NO_CONTROLS], ids=["full", "nobody out", "no controls"])
def test_no_word_leaves_its_box_or_lies_over_another(drawn, content):
    figure = drawn(content)
    places = [text.get_window_extent() for text in figure.axes[0].texts]
    boxes = [patch.get_window_extent() for patch in figure.axes[0].patches if isinstance(patch, mpl.patches.Rectangle)]
    page = figure.bbox
    for place in places:
        assert page.x0 <= place.x0
        assert place.x1 <= page.x1
        assert page.y0 <= place.y0
        assert place.y1 <= page.y1
        for box in boxes:
            if box.overlaps(place):
                assert box.x0 <= place.x0
                assert place.x1 <= box.x1
    # Bullets stand closer to their line than any two lines to each other.
    assert not [pair for pair in combinations(places, 2) if pair[0].overlaps(pair[1])]


def test_counts_stand_in_the_boxes(drawn):
    told = words(drawn(FULL))
    for part in (
        "In the table: 12,345 scans of 12,000 patients",
        "With histology: 1,078 scans of 1,068 patients",
        "Controls: 1,100 scans of 1,090 patients",
        "Excluded: 100 scans of 100 patients",
        "In the study: 2,000 scans of 1,980 patients",
        "F1|F2|F3|F4 1,200 scans 1,100 patients",
        "Controls are imaging negative",
        "Unknown in the table, and kept: age of 16 years or more (3 scans of 3 patients)",
        "Not checked, for the table has no such column",
        "Research use only.",
    ):
        assert part in told


def test_many_reasons_are_summed_up_and_long_ones_cut(drawn):
    told = words(drawn(FULL))
    assert "4 other reasons (42 scans), listed in the tables" in told.replace("• ", "")
    assert "… (1 scan)" in told


def test_nobody_excluded_is_said(drawn):
    assert words(drawn(NOBODY_OUT)).count("Excluded: none") == 2


def test_without_controls_there_is_one_column_and_no_word_of_them(drawn):
    figure = drawn(NO_CONTROLS)
    assert "ontrols" not in words(figure)
    assert figure.get_figwidth() < drawn(FULL).get_figwidth()


def test_png_and_svg_are_the_same_bytes_each_time(tmp_path):
    for name in ("a", "b"):
        flowchart(NOBODY_OUT, tmp_path / name)
    for ending in ("png", "svg"):
        first, second = (Path(tmp_path / f"{name}.{ending}").read_bytes() for name in ("a", "b"))
        assert first == second
