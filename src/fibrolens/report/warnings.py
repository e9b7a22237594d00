"""What a reader of a study's report must know before its figures: thin classes, doubtful scans, absent files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fibrolens.report.tables import THRESHOLDS, parts
from fibrolens.result import REGIONS

#: Scans that are named in a warning; of more, how many.
NAMED = 8
#: A group whose adjusted p-value is below this is named.
DIFFERENT = 0.05
Rows = Sequence[Mapping[str, str]]


def study_warnings(evaluation: Mapping[str, Any], quality: Rows | None, looked: Rows | None) -> list[str]:
    """Sentences to stand above the figures.

    Args:
        evaluation: content of ``evaluation.json``.
        quality: rows of ``quality.csv``; None where there is no such file.
        looked: rows of ``attention.csv`` of the layer that is shown; None where there is no such file.
    """
    return [
        *_thin(evaluation),
        *_cuts(evaluation),
        *_start(evaluation["training"]),
        *(_calibration(evaluation["calibration"]) if "calibration" in evaluation else ()),
        *(_sets(evaluation["conformal"]) if "conformal" in evaluation else ()),
        *(_groups(evaluation["subgroups"]["groupings"]) if "subgroups" in evaluation else ()),
        *([] if quality is None else _doubts(quality)),
        *([] if looked is None else _nothing(looked)),
    ]


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
        reasons: dict[str, list[str]] = {}
        for cut in point["cuts"]:
            if reason := cut.get("reason"):
                reasons.setdefault(reason, []).append(str(cut["fold"]))
        for reason, folds in reasons.items():
            found.setdefault((", ".join(folds), reason), []).append(title)
    for (numbers, reason), titles in found.items():
        yield f"{', '.join(titles)}: called at 0.5 in fold {numbers} ({reason})."


def _calibration(calibration: Mapping[str, Any]) -> Iterator[str]:
    """Thresholds whose probabilities do not mean what they say, beyond chance."""
    for name in (name for name in THRESHOLDS if name in calibration["before"]):
        before, after = (calibration[version][name]["slope"] for version in ("before", "after"))
        ends = before["interval"]
        if ends is not None and not ends[0] <= 1 <= ends[1]:
            way = "too extreme" if before["value"] < 1 else "too timid"
            told = f"{before['value']:.2f} [{ends[0]:.2f}, {ends[1]:.2f}], after temperature scaling"
            scaled = "not measurable" if after["value"] is None else f"{after['value']:.2f}"
            yield f"{THRESHOLDS[name]}: the probabilities are {way} (slope {told} {scaled}); 1 is right."


def _start(training: Mapping[str, Any]) -> Iterator[str]:
    known = training.get("initial_trained_on", "")
    if "simulated" in known.lower():
        yield (
            f"The training began with weights that were trained on simulated CT (their card: {known}). Simulated CT "
            "only resembles real CT; what was learnt there need not hold here."
        )


def _sets(conformal: Mapping[str, Any]) -> Iterator[str]:
    """Conformal sets that surely hold the true stage less often than claimed, of all scans or of a stage."""
    claim = conformal["claim"]
    (found,) = (row for row in conformal["claims"] if row["claim"] == claim)
    groups = {"all scans": found["coverage"]} | {k: v["coverage"] for k, v in found["per_stage"].items()}
    short = [
        f"{name} ({group['count']} of {group['of']})"
        for name, group in groups.items()
        if group["of"] and group["interval"][1] < claim
    ]
    if short:
        yield (
            f"The stage sets that claim to hold the true stage in {claim:.0%} of the scans hold it less often in "
            f"{', '.join(short)}; the claim is for all stages together."
        )


def _groups(groupings: Mapping[str, Any]) -> Iterator[str]:
    """Groups whose AUC differs from that of the rest after Holm's adjustment."""
    for title, grouping in sorted(groupings.items()):
        for group in grouping["groups"]:
            for name, threshold in group["thresholds"].items():
                apart = threshold["difference"]
                if apart["p_value"] is not None and apart["p_adjusted"] < DIFFERENT:
                    yield (
                        f"{title}, {group['name']}: the AUC of {name} differs by {apart['value']:+.2f} from that of "
                        f"the other scans (adjusted p = {apart['p_adjusted']:.3f})."
                    )


def _nothing(looked: Rows) -> Iterator[str]:
    """Maps of zeros, whose means are all unknown."""
    means = [f"{region}_mean" for region in REGIONS]
    found = [row["scan_id"] for row in looked if not any(row[name] for name in means)]
    if found:
        yield (
            f"The location maps of {len(found)} of {len(looked)} scans are zero everywhere; their attention and "
            f"their pattern are not measurable: {_named(found, 'attention.csv')}."
        )


def _doubts(quality: Rows) -> Iterator[str]:
    doubts = (
        ("seem not to show the whole liver", lambda row: row["liver_coverage"] in ("incomplete", "none")),
        ("seem not to be in the portal venous phase", lambda row: row["phase"] not in ("portal", "unknown", "")),
        ("have an unknown contrast phase", lambda row: row["phase"] == "unknown"),
        ("do not resemble the training data of the weights to begin with", lambda row: row["in_domain"] == "no"),
    )
    for words, doubtful in doubts:
        found = [row["scan_id"] for row in quality if doubtful(row)]
        if found:
            yield f"{len(found)} of {len(quality)} scans {words}: {_named(found, 'quality.csv')}."
    segmented = sum(row.get("mask_kind") in ("network", "both") for row in quality)
    if segmented:
        yield (
            f"In {segmented} of {len(quality)} scans the organs were found by a network, not drawn by a person; "
            "attention and markers depend on these masks."
        )


def _named(scans: Sequence[str], table: str) -> str:
    """The first of the scans, and how many more `table` names."""
    more = f" and {len(scans) - NAMED} more ({table})" if len(scans) > NAMED else ""
    return ", ".join(scans[:NAMED]) + more
