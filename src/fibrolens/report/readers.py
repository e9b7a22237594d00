"""The report of a reader study: one page, tables and figures."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.output import write_json
from fibrolens.report.captions import Caption
from fibrolens.report.drawing import PRINT_DPI
from fibrolens.report.page import render_page
from fibrolens.report.paper import CITATION
from fibrolens.report.readers_figures import agreement_figure, pattern_figure
from fibrolens.report.readers_tables import MAJORITY, WORDS, exact, printed
from fibrolens.report.tables import Table, ranged
from fibrolens.result import INTENDED_USE

READINGS, REPORT = "readings.json", "report.html"
PATTERNS = Caption(
    "patterns",
    "Fig. 1",
    "How often each pattern was read, by predicted stage: by the majority of the readers, by each reader, in controls, "
    "and in the paper.",
)
AGREEMENT = Caption("agreement", "Fig. 2", "Agreement between readers, with themselves, and with the computed pattern.")
#: Below so many controls their share says little.
FEW = 20


@dataclass(frozen=True)
class Example:
    """A picture for the page.

    Args:
        title: what it shows, and how it was read.
        png: the picture.
    """

    title: str
    png: bytes


def write_readers(found: Mapping[str, Any], rows: Table, examples: Sequence[Example], folder: Path) -> None:
    """Write ``readings.json``, ``tables``, ``figures`` and ``report.html``.

    Args:
        found: what `fibrolens.readers.analysis.analyse` found.
        rows: every item with its readings.
        examples: pictures for the page.
        folder: where to.
    """
    write_json(found, folder / READINGS)
    for name in ("tables", "figures"):
        (folder / name).mkdir()
    for table in exact(found, rows):
        table.write(folder / "tables")
    pattern_figure(found, folder / "figures" / PATTERNS.name)
    agreement_figure(found, folder / "figures" / AGREEMENT.name)
    (folder / REPORT).write_text(render(found, examples, folder / "figures"), encoding="utf-8")


def render(found: Mapping[str, Any], examples: Sequence[Example], figures: Path) -> str:
    """The page, which loads nothing from elsewhere.

    Args:
        found: content of ``readings.json``.
        examples: pictures.
        figures: folder of the figures.
    """
    return render_page(
        "readers.html.j2",
        found=found,
        brief=list(_brief(found)),
        warnings=list(warnings(found)),
        tables=list(printed(found)),
        figures=[_figure(caption, figures) for caption in (PATTERNS, AGREEMENT)],
        examples=[{"title": e.title, "png": base64.b64encode(e.png).decode("ascii")} for e in examples],
        version=__version__,
        citation=CITATION,
        intended_use=INTENDED_USE,
    )


def warnings(found: Mapping[str, Any]) -> Iterator[str]:
    """What a reader of the report must know before the figures."""
    if found["missing"]:
        told = ", ".join(f"{reader} {count}" for reader, count in found["missing"].items())
        total = sum(found["missing"].values())
        yield (
            f"{total} readings are missing ({told}); every figure is of what was read so far. Who still reads must not "
            "see this page: it breaks the blinding."
        )
    if len(found["readers"]) < 2:
        yield "One reader alone: there is no agreement between readers, and the majority is this reader."
    counts = found["set"]["counts"]
    if counts["control"] < FEW:
        yield f"{counts['control']} controls say little of how a map without meaning is read."
    if "simulated" in str(found["set"]["trained_on"]).lower():
        yield "The weights to begin with were trained on simulated CT."
    for stage, part in found["expected"].items():
        interval = part[MAJORITY]["difference"]["interval"]
        if interval is not None and interval[0] <= 0:
            yield (
                f"{stage}: “{WORDS[part['pattern']]}” is not shown to be read more often in the study's maps than in "
                "controls without training."
            )


def _brief(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """The paper's two patterns: what, here, in controls, in the paper."""
    paper = {(entry["stage"], entry["pattern"]): entry["percent"] for entry in found["paper"]}
    for stage, part in found["expected"].items():
        told = part[MAJORITY]
        shares = [ranged(told[kind]["value"], told[kind]["interval"], 100.0, 1) for kind in ("maps", "controls")]
        what = f"Maps of predicted {stage} read as “{WORDS[part['pattern']]}” (%)"
        yield what, shares[0], shares[1], f"{paper[stage, part['pattern']]:.1f}"


def _figure(caption: Caption, folder: Path) -> dict[str, str]:
    picture = (folder / f"{caption.name}.png").read_bytes()
    # Bytes 16 to 19 of a PNG hold its width in pixels.
    millimetres = int.from_bytes(picture[16:20]) / PRINT_DPI * 25.4
    return vars(caption) | {"png": base64.b64encode(picture).decode("ascii"), "width": f"{millimetres:.0f}mm"}
