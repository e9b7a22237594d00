"""What a reader of a study's report must know before its figures: thin classes, doubtful scans, absent files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fibrolens.report.findings import MAKERS, mask_maker
from fibrolens.report.tables import THRESHOLDS, parts

#: Scans that are named in a warning; of more, how many.
NAMED = 8


def study_warnings(evaluation: Mapping[str, Any], quality: Sequence[Mapping[str, str]] | None) -> list[str]:
    """Sentences to stand above the figures.

    Args:
        evaluation: content of ``evaluation.json``.
        quality: rows of ``quality.csv``; None where there is no such file.
    """
    return [*_thin(evaluation), *_cuts(evaluation), *([] if quality is None else _doubts(quality))]


def _thin(evaluation: Mapping[str, Any]) -> Iterator[str]:
    for scans, part in parts(evaluation):
        for name, title in THRESHOLDS.items():
            threshold = part["thresholds"][name]
            if threshold["thin"]:
                counts = f"{threshold['positives']} with against {threshold['negatives']} without"
                none = not min(threshold["positives"], threshold["negatives"])
                told = "there is no AUC" if none else "its figures may be far from the truth"
                yield f"{title}, {scans}: thin ({counts}); {told}."
    few = [f"{stage} ({count})" for stage, count in evaluation["stages"].items() if count < 10 and "|" not in stage]
    if few:
        yield f"Stages with fewer than 10 scans: {', '.join(few)}; what is said of them alone is no more than a hint."
    sets = {stage: count for stage, count in evaluation["stages"].items() if "|" in stage}
    if sets:
        told = ", ".join(f"{stage.replace('|', ' or ')} ({count})" for stage, count in sets.items())
        yield f"Stages that the reference leaves open: {told}; they count only at the thresholds that they decide."


def _cuts(evaluation: Mapping[str, Any]) -> Iterator[str]:
    """Folds that were called at 0.5, once for all thresholds of the same folds and reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, title in THRESHOLDS.items():
        point = evaluation["thresholds"][name]["operating_point"] or {"cuts": []}
        reasons = {str(cut["fold"]): cut["reason"] for cut in point["cuts"] if cut.get("reason")}
        if reasons:
            told = ", ".join(reasons), "; ".join(dict.fromkeys(reasons.values()))
            found.setdefault(told, []).append(title)
    for (folds, reason), titles in found.items():
        yield f"{', '.join(titles)}: called at 0.5 in fold {folds}, where the inner split gave no cut ({reason})."


def _doubts(quality: Sequence[Mapping[str, str]]) -> Iterator[str]:
    doubts = (
        ("seem not to show the whole liver", lambda row: row["liver_coverage"] in ("incomplete", "none")),
        ("seem not to be in the portal venous phase", lambda row: row["phase"] not in ("portal", "unknown", "")),
        ("have an unknown contrast phase", lambda row: row["phase"] == "unknown"),
        ("do not resemble the training data of the weights to begin with", lambda row: row["in_domain"] == "no"),
    )
    for words, doubtful in doubts:
        found = [row["scan_id"] for row in quality if doubtful(row)]
        if found:
            more = f" and {len(found) - NAMED} more (quality.csv)" if len(found) > NAMED else ""
            yield f"{len(found)} of {len(quality)} scans {words}: {', '.join(found[:NAMED])}{more}."
    segmented = sum(mask_maker(row["mask_source"]) != MAKERS[0] for row in quality)
    if segmented:
        yield (
            f"In {segmented} of {len(quality)} scans the organs were found by a network, not drawn by a person; "
            "attention and markers depend on these masks."
        )
