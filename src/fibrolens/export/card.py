"""The model card of a model folder or of a study's networks, in Markdown, from what the folder knows.

The sections are those of Mitchell et al., Model Cards for Model Reporting, 2019, as in `report.model_card`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.aside import write_whole
from fibrolens.errors import OutputError, UsageError
from fibrolens.plan import Plan, SegmentationPlan
from fibrolens.report.checklists.facts import Facts
from fibrolens.report.model_card import NOT_FOR, render
from fibrolens.result import INTENDED_USE
from fibrolens.weights import PAGE, ModelFolder, load_model_folder

#: In the folder of a study.
EVALUATION = "evaluation.json"


def export_card(folder: Path, out: Path, overwrite: bool = False) -> bool:
    """Write the card of a model folder, or of the networks of a study.

    Args:
        folder: either.
        out: the file.
        overwrite: another file may be replaced.

    Returns:
        Whether the same card stood there before.

    Raises:
        UsageError: `out` is another file.
        ModelError: the folder cannot be used.
        OutputError: the file cannot be written.
    """
    lines = render(Facts.read(folder)) if (folder / EVALUATION).is_file() else render_folder(load_model_folder(folder))
    text = "\n".join(lines) + "\n"
    try:
        if out.exists():
            if out.read_bytes() == text.encode():
                return True
            if not overwrite:
                raise UsageError(f"{out} exists and is another file; choose another --out or use --overwrite.")
        write_whole(out, text)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{out} could not be written: {reason}. Choose another --out.") from None
    return False


def render_folder(files: ModelFolder) -> Iterator[str]:
    """The lines of a model folder's card."""
    card = files.card
    yield f"# Model card: {card['name']}\n"
    yield f"**{INTENDED_USE}**\n"
    yield "## What it is\n"
    yield from _what(files)
    yield f"\nSHA-256 of `weights.safetensors`: `{files.sha256}`\n"
    yield "## Intended use\n"
    yield f"{card['intended_use']}\n"
    yield "Not for:\n"
    yield from (f"- {use}" for use in NOT_FOR)
    yield "\n## Training data\n"
    yield f"{card['trained_on']}\n"
    if card.get("stages"):
        yield f"Stages: {', '.join(f'{count} {stage}' for stage, count in card['stages'].items())}\n"
    yield "## Figures\n"
    yield from _figures(files)
    yield "## Limits\n"
    yield from _limits(files)
    yield from _page(files)
    yield "## Plan\n"
    yield f"```json\n{json.dumps(asdict(_plan(files)), indent=2, sort_keys=True)}\n```\n"
    yield f"Made by fibrolens {__version__} from the files of the folder."


def _plan(files: ModelFolder) -> Any:
    return files.plan(SegmentationPlan if files.segments else Plan)


def _what(files: ModelFolder) -> Iterator[str]:
    plan = _plan(files)
    if isinstance(plan, SegmentationPlan):
        yield "Two V-Nets (after Milletari et al., 3DV 2016), coarse to fine, for liver, spleen and aorta in a CT."
        return
    kind = "CT" if plan.grid.intensity == "hu" else "MR"
    rows, columns = plan.grid.in_plane
    yield (
        f"A liver fibrosis staging network (Yin et al., Eur Radiol 2021;31:9620-9627) that tells F0 to F4 from runs of "
        f"{plan.slab.slices} slices of {kind}, {rows} x {columns} pixels, voxels of "
        f"{' x '.join(f'{mm:g}' for mm in plan.grid.spacing_mm)} mm (slice, row, column)."
    )


def _figures(files: ModelFolder) -> Iterator[str]:
    figures = files.card["figures"]
    if not figures:
        yield "The folder holds none: nothing here says how well these weights do on scans they have not seen.\n"
        return
    yield "| figure | value |\n|---|---|"
    yield from (f"| {name.replace('_', ' ')} | {value:g} |" for name, value in sorted(figures.items()))
    yield ""


def _limits(files: ModelFolder) -> Iterator[str]:
    yield from () if isinstance(_plan(files), SegmentationPlan) else _limits_of_stages(files)
    yield "- Figures of scans unlike those above say nothing about yours."
    yield "- Weights may hold traces of the patients they were trained on; share them only where you may share those.\n"


def _limits_of_stages(files: ModelFolder) -> Iterator[str]:
    if files.calibration is None:
        yield "- No stage sets: nothing was measured that says how often a set of stages holds the true one."
    else:
        claim, where = files.calibration["claim"], files.calibration["calibrated_on"]
        yield f"- Stage sets are meant to hold the true stage in {claim:.0%} of scans like these: {where}."
    if files.domain is None:
        yield "- No domain check: a scan unlike the training scans is not told."
    if files.reference is None:
        yield "- It is not known what these maps would look like without training."
    yield "- Maps show what drove the network, not where fibrosis is."


def _page(files: ModelFolder) -> Iterator[str]:
    """What the training wrote, below its headline."""
    path = files.path / PAGE
    if path.is_file():
        yield "## As those who trained it describe it\n"
        yield path.read_text(encoding="utf-8").partition("\n")[2].strip() + "\n"
