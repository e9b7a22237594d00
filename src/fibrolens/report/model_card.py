"""``model_card.md``: what the networks of a study are for, what they learnt from, how well they do, and their limits.

The sections are those of Mitchell et al., Model Cards for Model Reporting, 2019. Sentences are made from the study's
files, and name no scan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.aside import write_whole
from fibrolens.output import write_json
from fibrolens.report.checklists import data, model, results
from fibrolens.report.checklists.facts import Facts
from fibrolens.report.tables import THRESHOLDS, ranged
from fibrolens.result import INTENDED_USE

CARD, FACTS = "model_card.md", "model_card.json"
MEASURES = ("sensitivity", "specificity")
#: What the networks must not be used for, whatever the figures.
NOT_FOR = (
    "diagnosis or treatment of any patient",
    "CTs of another contrast phase, or without the whole liver",
    "patients or scanners of another kind than those below, without a test of its own (fibrolens evaluate --packet)",
)


def write_model_card(facts: Facts, out: Path) -> None:
    """Write ``model_card.md`` and its figures as ``model_card.json``.

    Args:
        facts: of the study.
        out: its folder.

    Raises:
        OSError: the folder cannot be written.
    """
    write_json(card_facts(facts), out / FACTS)
    write_whole(out / CARD, "\n".join(render(facts)) + "\n")


def card_facts(facts: Facts) -> dict[str, Any]:
    """The card for machines: AUC, sensitivity and specificity with intervals and counts, and what the networks are."""
    thresholds = facts.evaluation["thresholds"]
    return {
        "schema_version": 1,
        "name": f"LFS networks of a study of {facts.size}",
        "intended_use": INTENDED_USE,
        "not_for": list(NOT_FOR),
        "fibrolens": __version__,
        "weights_sha256": list(facts.weights),
        "begun_with": facts.training["initial_weights"],
        "begun_with_trained_on": facts.training.get("initial_trained_on", ""),
        "testing": "internal, out of fold",
        "scans": facts.evaluation["cases"],
        "patients": facts.evaluation["patients"],
        "stages": dict(facts.evaluation["stages"]),
        "figures": {name: _figures(thresholds[name]) for name in THRESHOLDS},
        "shortcuts": facts.evaluation["shortcuts"]["level"] if facts.has("shortcuts") else None,
        "warnings": list(facts.warnings),
    }


def render(facts: Facts) -> Iterator[str]:
    """The card's lines."""
    yield f"# Model card: staging networks of a study of {facts.size}\n"
    yield f"**{INTENDED_USE}**\n"
    yield "## What it is\n"
    yield f"{facts.paragraphs['Network']}\n"
    yield from _weights(facts)
    yield f"{model.initial(facts).text}\n"
    yield "## Intended use\n"
    modality = facts.training.get("modality", "CT")
    told = f"For research on staging liver fibrosis from {modality}, by those who can read it."
    yield f"{results.use(facts).text} {told}\n"
    yield "Not for:\n"
    yield from (f"- {use}" for use in NOT_FOR)
    yield "\n## Data\n"
    yield f"{facts.paragraphs['Study population']} {data.reference(facts).text}\n"
    origin = (data.sources(facts), data.dates(facts), data.acquisition(facts), data.interval(facts))
    yield from (f"- {answer.text}" for answer in origin if answer.text)
    yield f"\n{facts.paragraphs['Image processing']}\n"
    yield "## Training\n"
    yield f"{facts.paragraphs['Training']} {facts.paragraphs['Cross-validation']}\n"
    yield "## Figures\n"
    yield "Internal testing, out of fold, folds pooled; 95 % intervals."
    yield f"External testing: {results.external(facts).text}\n"
    yield from _table(facts)
    yield from _calibrated(facts)
    yield from _groups(facts)
    yield "## Limits\n"
    yield from (f"- {warning}" for warning in facts.warnings)
    found = (model.input_quality(facts), results.failures(facts))
    yield from (f"- {answer.text}" for answer in found if answer.text)
    yield from _shortcuts(facts)
    yield "- Maps show what drove the network, not where fibrosis is."
    yield "- The reference errs too, and controls have no histology; nothing here knows how often."
    yield f"\nMade by fibrolens {__version__} from the files of the study; checklists/ says what they leave open."


def _figures(threshold: Any) -> dict[str, Any]:
    area = threshold["auc"] or {"value": None, "delong": None}
    point = threshold["operating_point"]
    return {
        "positives": threshold["positives"],
        "negatives": threshold["negatives"],
        "auc": {"value": area["value"], "interval": area["delong"]},
        **{measure: point[measure] for measure in MEASURES},
    }


def _weights(facts: Facts) -> Iterator[str]:
    if not facts.weights:
        yield "The folder holds no weights.\n"
        return
    yield f"{len(facts.weights)} networks, one per fold, each tested on patients that it had not seen:\n"
    lines = [(number, f"`{digest}`") for number, digest in enumerate(facts.weights)]
    yield from _rows(("fold", "SHA-256 of folds/K/weights.safetensors"), lines)


def _table(facts: Facts) -> Iterator[str]:
    lines = []
    for name, title in THRESHOLDS.items():
        found = _figures(facts.evaluation["thresholds"][name])
        shares = (ranged(found[m]["value"], found[m]["interval"], 100.0, 1) for m in MEASURES)
        counts = f"{found['positives']} / {found['negatives']}"
        lines.append((title, counts, ranged(found["auc"]["value"], found["auc"]["interval"]), *shares))
    yield from _rows(("told apart", "with / without", "AUC", "sensitivity, %", "specificity, %"), lines)


def _calibrated(facts: Facts) -> Iterator[str]:
    told = results.estimates(facts)
    if facts.has("calibration"):
        yield f"Calibration: {told.text.partition('Calibration: ')[2]}\n"
    else:
        yield "Calibration was not measured.\n"


def _groups(facts: Facts) -> Iterator[str]:
    """AUC of every group of patients at the paper's three thresholds."""
    yield "### Groups of patients\n"
    if not facts.has("subgroups"):
        yield "Not evaluated.\n"
        return
    names = [name for name in THRESHOLDS if name != "F>=1"]
    lines = [
        (f"{title}: {group['name']}", group["scans"], *(_area(group["thresholds"].get(name)) for name in names))
        for title, grouping in facts.evaluation["subgroups"]["groupings"].items()
        for group in grouping.get("groups", ())
    ]
    yield from _rows(("group", "scans", *(f"AUC {name}" for name in names)), lines)
    yield f"{results.fairness(facts).text} Groups are small; see evaluation.json for tests of their difference.\n"


def _area(threshold: Any) -> str:
    area = (threshold or {}).get("auc") or {"value": None, "interval": None}
    return ranged(area["value"], area["interval"])


def _shortcuts(facts: Facts) -> Iterator[str]:
    if not facts.has("shortcuts"):
        yield "- Whether the stage can be told from how the CTs were made was not audited."
        return
    told = {
        "alarm": "The stage can be told from how the CTs were made; the figures above may owe to that.",
        "hint": "There is a hint that the stage can be told from how the CTs were made.",
        "none": "No sign was found that the stage can be told from how the CTs were made.",
    }
    yield f"- {told.get(facts.evaluation['shortcuts']['level'], 'The shortcut audit could not decide.')}"


def _rows(columns: Sequence[str], lines: Sequence[Sequence[Any]]) -> Iterator[str]:
    """A table in Markdown, and an empty line."""
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    # A bar in a cell would end it.
    yield from (f"| {' | '.join(str(cell).replace('|', '&#124;') for cell in line)} |" for line in lines)
    yield ""
