"""``report.html``, ``tables/`` and ``figures/`` of an audit, from the content of ``audit.json`` alone."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.aside import write_whole
from fibrolens.report import audit_figures, audit_limits, audit_study, audit_tables
from fibrolens.report.audit_words import STUDY_RUN, TRUTH_RUN, answers, missing
from fibrolens.report.drawing import PRINT_DPI
from fibrolens.report.page import render_page
from fibrolens.report.tables import Table
from fibrolens.result import INTENDED_USE

REPORT, TABLES, FIGURES = "report.html", "tables", "figures"
#: The figure of the known truth's patients, which `audit_examples.examples_figure` draws before the report is written.
EXAMPLES = "known_truth_examples"
Content = Mapping[str, Any]


@dataclass(frozen=True)
class Picture:
    """A figure of the page: the stem of its files, what is seen, and what draws it; None where it is drawn already."""

    name: str
    text: str
    draw: Callable[[Content, Path], Any] | None = None


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Args:
        title: its heading.
        asks: what it asks, in a few plain words.
        pictures: its figures; tables: as they are printed.
        gap: what was not run, and how it is; empty where all was.
    """

    title: str
    asks: str
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    gap: str = field(default="")


def write_audit_report(content: Content, out: Path) -> None:
    """Write ``figures/*``, ``tables/*.csv`` and ``report.html``.

    Args:
        content: of ``audit.json``, see `fibrolens.audit.run.audit_content`; every part of it may be None.
        out: folder of the audit; ``figures/known_truth_examples.png``, where it is there, is shown.

    Raises:
        OSError: the folder cannot be written.
    """
    for name in (TABLES, FIGURES):
        (out / name).mkdir(exist_ok=True)
    for table in exact_tables(content):
        table.write(out / TABLES)
    found = sections(content, (out / FIGURES / f"{EXAMPLES}.png").is_file())
    for picture in (one for section in found for one in section.pictures):
        if picture.draw is not None:
            picture.draw(content, out / FIGURES / picture.name)
    write_whole(out / REPORT, _render(content, found, out / FIGURES))


def exact_tables(content: Content) -> list[Table]:
    """The tables that become CSV files: those for which there are figures."""
    tables = [audit_tables.verdicts(content), audit_tables.findings(content), audit_tables.remaining(content)]
    if has(content, "known_truth"):
        tables.append(audit_tables.truth(content))
    if content["known_truth"] is not None:
        tables.append(audit_tables.networks(content))
    if content["twins"] is not None:
        tables.append(audit_tables.twins_of(content))
    if (content["study"] or {}).get("ablation"):
        tables.append(audit_study.ablation(content))
    if _retrained(content):
        tables.append(audit_study.retraining(content))
    if (content["study"] or {}).get("localisation"):
        tables.append(audit_study.localisation(content))
    return tables


def has(content: Content, check: str) -> bool:
    """Whether any map or control has figures of a check."""
    return any(found["checks"].get(check) is not None for found in audit_tables.everyone(content).values())


def sections(content: Content, examples: bool) -> list[Section]:
    """The parts of the page below the verdicts.

    Args:
        content: of ``audit.json``.
        examples: whether the figure of the known truth's patients was drawn.
    """
    return [_truth(content, examples), _cascade(content), _twins(content), _regions(content), _remaining(content)]


def _truth(content: Content, examples: bool) -> Section:
    title, asks = (
        "Known truth: does the map name the place of a disease that is known?",
        "Patients were simulated in whom one sign alone tells the stage: a nodular surface, a large spleen, a coarse "
        "texture, or a shift of the lobes. A network that stages them can only have used that sign, so a map that "
        "says the truth is densest where the sign lies; a shift of the lobes lies in the liver as a whole.",
    )
    if not has(content, "known_truth"):
        return Section(title, asks, gap=f"Not run. {TRUTH_RUN} trains such networks and tests every map on them.")
    tables = [audit_tables.truth_printed(content), audit_tables.denser_printed(content)]
    if content["known_truth"] is not None:
        tables.append(audit_tables.networks(content))
    text = "How often each map is densest where the sign was planted. Values: tables/known_truth.csv."
    pictures = [Picture("known_truth", text, audit_figures.truth_figure)]
    if examples:
        text = (
            "One patient of each arm: the CT with what was planted in blue, and maps over it. The maps of one patient "
            "prove nothing; the table does."
        )
        pictures.append(Picture(EXAMPLES, text))
    return Section(title, asks, tuple(pictures), tuple(tables))


def _cascade(content: Content) -> Section:
    title, asks = (
        "Random weights: does the map change when the network forgets?",
        "The weights of the network are replaced by random numbers, layer by layer from the last to the first. A map "
        "that stays the same shows the image and not the network. Guided backpropagation and the edges of the CT are "
        "known to do that; they are the controls, and must fail.",
    )
    everyone = audit_tables.everyone(content).values()
    if not any((found["checks"].get("randomisation") or {}).get("steps") for found in everyone):
        return Section(title, asks, gap=f"Not run. {STUDY_RUN} tests the networks of a study.")
    text = "Similarity of each map to itself while the network forgets, step by step; controls in orange squares."
    return Section(title, asks, (Picture("randomisation", text, audit_figures.cascade_figure),))


def _twins(content: Content) -> Section:
    title, asks = (
        "Simulated twins: what did each sign count for, and does the map say so?",
        "A simulated patient with F4 has four twins, each of them without one sign and otherwise the same. How far the "
        "probability of F4 falls is what that sign counted for in this patient; the map should be densest where the "
        "signs lie that counted most.",
    )
    if content["twins"] is None:
        return Section(title, asks, gap=f"Not run. {TRUTH_RUN} makes the twins.")
    text = "(a) What each sign counts for. (b) Rank correlation of the maps with it. Values: tables/twins.csv."
    picture = Picture("twins", text, audit_figures.twins_figure)
    return Section(title, asks, (picture,), (audit_tables.twins_of(content),))


def _regions(content: Content) -> Section:
    title, asks = (
        "Organ ablation and retraining: which organs does the network need?",
        "In the study's own scans a region is replaced by neutral tissue and the scan is staged again; a map should be "
        "dense where that costs the score most. Networks that were trained without a region say whether the rest "
        "carries the stage as well.",
    )
    study = content["study"]
    if study is None:
        return Section(title, asks, gap=f"Not run. {STUDY_RUN} does it with the scans of a study.")
    pictures, tables, gap = [], [], []
    if study.get("ablation"):
        text = (
            "(a) What the predicted stage loses with each region. (b) Rank correlation of the maps with it, per litre."
        )
        pictures.append(Picture("ablation", f"{text} Values: tables/ablation.csv.", audit_figures.ablation_figure))
        tables.append(audit_study.ablation_printed(content))
    else:
        gap.append("Organ ablation was not run.")
    if _retrained(content):
        tables.append(audit_study.retraining(content))
    else:
        gap.append(f"Retraining was not run: {(study.get('retraining') or {}).get('reason', 'no figures')}.")
    return Section(title, asks, tuple(pictures), tuple(tables), " ".join(gap))


def _remaining(content: Content) -> Section:
    title, asks = (
        "The remaining checks",
        "Do networks of another seed or design look at the same places? Does a little noise or a shift of the patient "
        "change the map? Does the score fall when the brightest places are removed first?",
    )
    if content["study"] is None:
        return Section(title, asks, gap=f"Not run. {STUDY_RUN} does these checks on the scans of a study.")
    tables = [audit_tables.remaining(content)]
    if content["study"].get("localisation"):
        tables += [audit_study.pointing_printed(content), audit_study.relevance_printed(content)]
    return Section(title, asks, (), tuple(tables))


def _retrained(content: Content) -> bool:
    return bool(((content["study"] or {}).get("retraining") or {}).get("networks"))


def _render(content: Content, found: list[Section], figures: Path) -> str:
    names = [picture.name for section in found for picture in section.pictures]
    return render_page(
        "audit.html.j2",
        content=content,
        answers=answers(content),
        missing=list(missing(content)),
        verdicts=audit_tables.verdict_rows(content),
        matrix=audit_tables.matrix(content),
        reasons=audit_tables.reasons(content),
        sections=found,
        pictures={name: _shown(figures / f"{name}.png", number) for number, name in enumerate(names, 1)},
        limits=audit_limits.limits(content),
        version=__version__,
        intended_use=INTENDED_USE,
    )


def _shown(path: Path, number: int) -> dict[str, str]:
    """Number, content and width of a figure."""
    picture = path.read_bytes()
    # Bytes 16 to 19 of a PNG hold its width in pixels.
    millimetres = int.from_bytes(picture[16:20]) / PRINT_DPI * 25.4
    encoded = base64.b64encode(picture).decode("ascii")
    return {"number": f"Fig. {number}", "png": encoded, "width": f"{millimetres:.0f}mm"}
