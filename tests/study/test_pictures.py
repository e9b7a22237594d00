import csv
import json

from tests.report.svg import words

from fibrolens.evaluate.predicted import Predicted
from fibrolens.report.captions import CAPTIONS
from fibrolens.report.inner import places
from fibrolens.study.pictures import typical


def case(name: str, stage: int, own: float) -> Predicted:
    chances = [(1 - own) / 4] * 5
    chances[stage] = own
    return Predicted(name, name, 0, (stage,), tuple(chances))


def test_typical_scans_are_the_middle_ones_of_f0_and_f4_right_or_wrong():
    cases = [case(f"a{k}", 0, k / 10) for k in range(6)] + [case("b", 4, 0.9), case("c", 2, 0.9)]
    assert [c.scan_id for c in typical(cases)] == ["a2", "a3", "b"]
    assert [c.scan_id for c in typical([case("c", 2, 0.9)])] == []


def test_every_figure_of_the_report_is_drawn_as_png_and_svg(finished_study):
    """Of a study without rivals and of one seed all but theirs, which its report then does not miss."""
    drawn = {path.name for path in (finished_study / "figures").iterdir()}
    absent = {"rivals", "seeds"}
    names = [caption.name for caption in CAPTIONS if caption.name not in absent]
    assert drawn == {f"{name}.{ending}" for name in names for ending in ("png", "svg")}
    page = (finished_study / "report.html").read_text()
    assert not any(f"figures/{name}.png" in page for name in absent)


def test_the_scheme_claims_an_inner_split_of_the_folds_that_had_one(finished_study):
    scans = json.loads((finished_study / "evaluation.json").read_text())["training"]["inner_scans"]
    text = words(finished_study / "figures" / "fig2_scheme.svg")
    assert (places(scans) or "too few for an inner split") in text


def test_the_points_of_every_curve_are_kept(finished_study):
    with (finished_study / "tables" / "roc_points.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["curve"] for row in rows} == {"F>=1", "F>=2", "F>=3", "F4", "micro", "macro"}
