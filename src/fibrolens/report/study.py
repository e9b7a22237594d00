"""``report.html`` and ``tables/`` of a study, from the files of its folder alone."""

from __future__ import annotations

import base64
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.aside import write_whole
from fibrolens.cohort.flow import Flow
from fibrolens.cohort.rules import Criteria
from fibrolens.errors import UsageError
from fibrolens.explain.recipe import RECOMMENDED
from fibrolens.plan import Plan, from_plain
from fibrolens.report import (
    conformal,
    findings,
    map_or_marker,
    probabilities,
    rivals,
    seeds,
    shortcuts,
    side_by_side,
    subgroups,
    tables,
)
from fibrolens.report.captions import CAPTIONS, Caption
from fibrolens.report.drawing import PRINT_DPI
from fibrolens.report.methods import methods
from fibrolens.report.page import render_page
from fibrolens.report.paper import CITATION
from fibrolens.report.tables import Table
from fibrolens.report.warnings import study_warnings
from fibrolens.result import INTENDED_USE

REPORT, TABLES, FIGURES = "report.html", "tables", "figures"
#: The layer whose maps stand beside the paper's.
SHOWN = "mean"
Rows = Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class StudyFiles:
    """What the folder of a study holds; None where a file is absent, as in the folder of an older version.

    Args:
        study: content of ``plan.json``.
        evaluation: content of ``evaluation.json``.
        flow: ``flow.json``.
        table1: ``tables/table1.csv``.
        markers: rows of ``markers.csv``.
        quality: rows of ``quality.csv``.
        looked: rows of ``attention.csv``, of the layer that is shown.
        figures: PNG of each caption's figure.
    """

    study: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    flow: Flow | None
    table1: Table | None
    markers: Rows | None
    quality: Rows | None
    looked: Rows | None
    figures: Mapping[str, bytes]

    @classmethod
    def read(cls, out: Path) -> StudyFiles:
        """Read the folder `out`.

        Raises:
            UsageError: it has no plan or no evaluation.
        """
        flow, looked = out / "flow.json", _rows(out / "attention.csv")
        pictures = {caption.name: out / FIGURES / f"{caption.name}.png" for caption in CAPTIONS}
        return cls(
            _json(out / "plan.json"),
            _json(out / "evaluation.json"),
            Flow.from_dict(_json(flow)) if flow.is_file() else None,
            _table1(out / TABLES / "table1.csv"),
            _rows(out / "markers.csv"),
            _rows(out / "quality.csv"),
            None if looked is None else [row for row in looked if row["layer"] == SHOWN],
            {name: path.read_bytes() for name, path in pictures.items() if path.is_file()},
        )

    @property
    def plan(self) -> Plan:
        """Grid, slabs, network and training."""
        return from_plain(Plan, self.study.get("staging", self.study), "plan.json")

    @property
    def criteria(self) -> Criteria | None:
        """Who is in the study."""
        return from_plain(Criteria, self.study["criteria"], "criteria") if "criteria" in self.study else None

    @property
    def missing(self) -> list[str]:
        """What the report cannot show, in words."""
        optional = {
            "who was left out (flow.json)": self.flow,
            "Table 1 (tables/table1.csv)": self.table1,
            "the markers (markers.csv)": self.markers,
            "the quality of the scans (quality.csv)": self.quality,
            "the attention of each map (attention.csv)": self.looked,
            "how the CTs were made (acquisition.csv)": self.evaluation.get("shortcuts"),
        }
        absent = {name for name in ("rivals", "seeds") if name not in self.evaluation}
        if RECOMMENDED.name not in self.evaluation["attention"]["layers"]:
            absent |= {"maps_recommended", "regions_recommended"}
        wanted = [c for c in CAPTIONS if c.name not in absent]
        figures = [f"{c.number} (figures/{c.name}.png)" for c in wanted if c.name not in self.figures]
        return [name for name, content in optional.items() if content is None] + figures


def write_report(out: Path) -> None:
    """Write ``tables/*.csv`` and ``report.html`` of a study whose figures are drawn.

    Args:
        out: folder of the study. ``tables/table1.csv`` and ``tables/roc_points.csv`` are left as they are.

    Raises:
        UsageError: the study has not been evaluated.
        OSError: the folder cannot be written.
    """
    files = StudyFiles.read(out)
    (out / TABLES).mkdir(exist_ok=True)
    for table in _exact(files):
        table.write(out / TABLES)
    page = render_study(files)
    write_whole(out / REPORT, page)


def render_study(files: StudyFiles) -> str:
    """The report as one HTML page that loads nothing from elsewhere."""
    evaluation = files.evaluation
    return render_page(
        "study.html.j2",
        evaluation=evaluation,
        figures=[found for caption in CAPTIONS if (found := _figure(caption, files)) is not None],
        tables=list(_printed(files)),
        alarms=shortcuts.alarms(evaluation),
        warnings=study_warnings(evaluation, files.quality, files.looked),
        missing=files.missing,
        methods=methods(files.plan, files.study, evaluation, files.flow, files.criteria),
        headline=tables.headline(evaluation),
        decisions=list(_decisions(files.study)),
        version=__version__,
        citation=CITATION,
        intended_use=INTENDED_USE,
    )


def _exact(files: StudyFiles) -> Iterator[Table]:
    """The tables that become CSV files."""
    evaluation = files.evaluation
    yield from _table2(evaluation)
    yield tables.performance(evaluation)
    yield tables.per_fold(evaluation)
    yield tables.confusion(evaluation)
    yield findings.attention(evaluation)
    yield findings.attention_tests(evaluation)
    yield findings.patterns(evaluation)
    yield side_by_side.exact(side_by_side.compared(evaluation, SHOWN))
    if "map_quality_control" in evaluation:
        yield findings.map_quality(evaluation)
    if files.flow is not None:
        yield findings.exclusions(files.flow)
    if files.markers is not None:
        yield findings.markers(files.markers)[0]
    if files.quality is not None:
        yield findings.quality(files.quality)
    yield from probabilities.exact(evaluation)
    if "conformal" in evaluation:
        yield from (conformal.coverage(evaluation), conformal.deferral(evaluation), subgroups.exact(evaluation))
    if "seeds" in evaluation:
        yield from (seeds.exact(evaluation["seeds"]), seeds.scans(evaluation["seeds"]))
    if "rivals" in evaluation:
        yield rivals.exact(evaluation)
    if "shortcuts" in evaluation:
        yield from shortcuts.exact(evaluation)
    if "map_or_marker" in evaluation:
        yield map_or_marker.exact(evaluation)


def _printed(files: StudyFiles) -> Iterator[Table]:
    """The tables of the page, the paper's first."""
    evaluation = files.evaluation
    if files.table1 is not None:
        yield files.table1
    yield from _table2(evaluation)
    yield side_by_side.printed(side_by_side.compared(evaluation, SHOWN))
    if files.flow is not None:
        yield findings.exclusions(files.flow)
    if files.quality is not None:
        yield findings.quality(files.quality)
    yield tables.per_fold(evaluation)
    if "seeds" in evaluation:
        yield seeds.printed(evaluation["seeds"])
    yield tables.confusion(evaluation)
    yield from _maps_printed(evaluation)
    if files.markers is not None:
        yield findings.markers(files.markers)[1]
    if "rivals" in evaluation:
        yield rivals.printed(evaluation)
    if "map_or_marker" in evaluation:
        yield map_or_marker.printed(evaluation)
    if "shortcuts" in evaluation:
        yield from shortcuts.printed(evaluation)
    yield from probabilities.printed(evaluation)
    if "conformal" in evaluation:
        yield conformal.coverage_printed(evaluation)
        yield conformal.deferral_printed(evaluation)
        yield subgroups.printed(evaluation)


def _maps_printed(evaluation: Mapping[str, Any]) -> Iterator[Table]:
    """Attention and patterns of the map that stands beside the paper's, and of the recommended one."""
    for kind in (SHOWN, RECOMMENDED.name):
        if kind in evaluation["attention"]["layers"]:
            yield findings.attention_printed(evaluation, kind)
            yield findings.patterns_printed(evaluation, kind)
    if "map_quality_control" in evaluation:
        yield findings.map_quality(evaluation)


def _table2(evaluation: Mapping[str, Any]) -> Iterator[Table]:
    yield tables.table2(evaluation, "table2", "Table 2. Performance in staging liver fibrosis, all scans")
    if evaluation.get("without_controls") is not None:
        title = "Table 2, without the imaging-negative controls"
        yield tables.table2(evaluation["without_controls"], "table2_without_controls", title)


def _figure(caption: Caption, files: StudyFiles) -> dict[str, str] | None:
    """What the page needs of a figure; None where it was not drawn."""
    picture = files.figures.get(caption.name)
    if picture is None:
        return None
    # Bytes 16 to 19 of a PNG hold its width in pixels.
    millimetres = int.from_bytes(picture[16:20]) / PRINT_DPI * 25.4
    encoded = base64.b64encode(picture).decode("ascii")
    return vars(caption) | {"png": encoded, "width": f"{millimetres:.0f}mm"}


def _decisions(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Every value of ``plan.json`` with its place."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _decisions(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", json.dumps(value, ensure_ascii=False)


def _table1(path: Path) -> Table | None:
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as stream:
        header, *rows = list(csv.reader(stream))
    title = "Table 1. Demographics of the study population"
    return Table("table1", title, tuple(header), tuple(tuple(row) for row in rows))


def _rows(path: Path) -> Rows | None:
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise UsageError(f"{path} is missing; a report needs a study that was evaluated.") from None
