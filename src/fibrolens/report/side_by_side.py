"""The figures of a study beside those of the paper, each with what differs and why it can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fibrolens.csvfile import Cell
from fibrolens.explain.recipe import RECOMMENDED
from fibrolens.report import paper
from fibrolens.report.attention import PATTERNS, PREDICTED
from fibrolens.report.paper import Reported
from fibrolens.report.tables import THRESHOLDS, Table

COUNTS = "Another cohort: every figure below depends on how frequent the stages are."
AUC = (
    "Other patients and scanners, and a network whose sizes, training and augmentation the paper does not give. Ours "
    "pools the out-of-fold scores of all folds (interval: DeLong); the paper does not say how its folds and interval "
    "were made."
)
CALLS = (
    "Ours calls each fold's scans at that fold's cut (from its inner split, or 0.5; interval: Wilson); the paper "
    "gives neither cut nor counts. Its three figures do not follow from its counts as one pool, so they may be means "
    "of folds."
)
ATTENTION = (
    "The paper does not say how its maps are scaled; ours are divided by their mean inside the body. Another network "
    "looks elsewhere: compare the direction, F4 above F0, rather than the size."
)
PATTERN = (
    "Ours is a rule on mean weights, the paper's a reading by three radiologists, who may see a pattern where the rule "
    "sees a mixed map. Maps are grouped by predicted stage."
)
OTHER_MAP = (
    "Layer integrated gradients at conv2, of the stage against the far end of the scale, not the paper's Grad-CAM."
)
LETTERS = "abcdefgh"
MASKS = "A study measures the stages, not its masks; how well the segmentation does stands in its model's card."


@dataclass(frozen=True)
class Compared:
    """One figure of the paper beside ours, with intervals where there are any; None is not known."""

    what: str
    unit: str
    paper: Reported
    ours: float | None
    ends: Sequence[float] | None
    why: str
    digits: int

    @property
    def difference(self) -> float | None:
        """Ours less the paper's."""
        return None if self.ours is None else self.ours - self.paper.value

    @property
    def inside(self) -> str | None:
        """Whether the paper's value lies between our ends; None without them."""
        if self.ends is None:
            return None
        return "yes" if self.ends[0] <= self.paper.value <= self.ends[1] else "no"


def compared(evaluation: Mapping[str, Any], layer: str) -> tuple[Compared, ...]:
    """Every figure that the paper gives, in its order.

    Args:
        evaluation: content of ``evaluation.json``.
        layer: whose maps stand beside the paper's.
    """
    return (
        *_counts(evaluation),
        *_performance(evaluation["thresholds"]),
        *_attention(evaluation["attention"]["layers"][layer]["regions"]["liver"][PREDICTED]["stages"]),
        *_patterns(evaluation["patterns"]["layers"][layer][PREDICTED]),
        *_recommended(evaluation),
        Compared("Liver masks, Dice", "", Reported(paper.DICE), None, None, MASKS, 2),
        Compared("Liver masks, pixel accuracy", "", Reported(paper.PIXEL_ACCURACY), None, None, MASKS, 2),
    )


def exact(rows: Sequence[Compared]) -> Table:
    """The comparison for a CSV file."""
    columns = (
        *("figure", "unit", "paper", "paper_low", "paper_high", "ours", "ours_low", "ours_high", "difference"),
        *("paper_in_our_range", "what_differs_and_why_it_can"),
    )
    cells: list[tuple[Cell, ...]] = []
    for row in rows:
        low, high = row.ends or (None, None)
        theirs = (row.paper.value, row.paper.low, row.paper.high)
        cells.append((row.what, row.unit, *theirs, row.ours, low, high, row.difference, row.inside, row.why))
    return Table("side_by_side", "Beside the paper", columns, tuple(cells))


def printed(rows: Sequence[Compared]) -> Table:
    """The comparison as it is printed; what differs and why it can stands below, by letter."""
    reasons = list(dict.fromkeys(row.why for row in rows))
    cells: list[tuple[Cell, ...]] = []
    for row in rows:
        ends = None if row.paper.low is None or row.paper.high is None else (row.paper.low, row.paper.high)
        difference = None if row.difference is None else _signed(row.difference, row.digits)
        ours = "not measured" if row.ours is None else _with_ends(row.ours, row.ends, row.digits)
        title = f"{row.what} ({row.unit})" if row.unit else row.what
        letter = LETTERS[reasons.index(row.why)]
        cells.append((title, _with_ends(row.paper.value, ends, row.digits), ours, difference, row.inside, letter))
    columns = ("Figure", "Paper", "Ours", "Difference", "Paper in our range", "Why")
    notes = [f"Paper: {paper.CITATION}. In brackets, and our range: 95 % intervals; of attention: quartiles."]
    notes += [f"{LETTERS[number]}: {reason}" for number, reason in enumerate(reasons)]
    return Table("side_by_side", "Beside the paper", columns, tuple(cells), "\n".join(notes))


def _counts(evaluation: Mapping[str, Any]) -> Iterator[Compared]:
    yield Compared("Patients", "", Reported(float(paper.PATIENTS)), float(evaluation["patients"]), None, COUNTS, 0)
    for stage, count in paper.STAGE_COUNTS.items():
        ours = float(evaluation["stages"].get(stage, 0))
        yield Compared(f"Scans with {stage}", "", Reported(float(count)), ours, None, COUNTS, 0)


def _performance(thresholds: Mapping[str, Any]) -> Iterator[Compared]:
    for name, reported in paper.THRESHOLDS.items():
        auc = thresholds[name]["auc"] or {"value": None, "delong": None}
        yield Compared(f"AUC, {_lower(THRESHOLDS[name])}", "", reported.auc, auc["value"], auc["delong"], AUC, 2)
    for name, reported in paper.THRESHOLDS.items():
        for measure in ("specificity", "sensitivity", "accuracy"):
            found = (thresholds[name]["operating_point"] or {}).get(measure) or {"value": None, "interval": None}
            what = f"{measure.capitalize()}, {_lower(THRESHOLDS[name])}"
            value, ends = _percent(found["value"]), found["interval"] and [100 * end for end in found["interval"]]
            yield Compared(what, "%", getattr(reported, measure), value, ends, CALLS, 1)


def _attention(stages: Mapping[str, Any]) -> Iterator[Compared]:
    for stage, reported in paper.LIVER_ATTENTION.items():
        found = stages[stage]
        what = f"Attention in the liver, predicted {stage}, median"
        ends = None if found["median"] is None else (found["q1"], found["q3"])
        yield Compared(what, "", reported, found["median"], ends, ATTENTION, 2)


def _patterns(stages: Mapping[str, Any]) -> Iterator[Compared]:
    for stage, pattern, share in paper.PATTERNS:
        found = stages[stage][pattern]
        what = f"Maps of {stage} with the pattern “{PATTERNS[pattern][0]}”"
        ends = found["interval"] and [100 * end for end in found["interval"]]
        yield Compared(what, "%", Reported(share), _percent(found["value"]), ends, PATTERN, 1)


def _recommended(evaluation: Mapping[str, Any]) -> Iterator[Compared]:
    """The paper's figures of maps beside those of the recommended one, where a study has it."""
    layers = evaluation["attention"]["layers"]
    if RECOMMENDED.name in layers:
        stages = layers[RECOMMENDED.name]["regions"]["liver"][PREDICTED]["stages"]
        patterns = evaluation["patterns"]["layers"][RECOMMENDED.name][PREDICTED]
        for row in (*_attention(stages), *_patterns(patterns)):
            yield replace(row, what=f"{row.what}, recommended map", why=f"{OTHER_MAP} {row.why}")


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return text if float(text) else text[1:]


def _lower(title: str) -> str:
    return title[0].lower() + title[1:]


def _with_ends(value: float, ends: Sequence[float] | None, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text if ends is None else f"{text} [{ends[0]:.{digits}f}, {ends[1]:.{digits}f}]"
