"""Answers about figures, their certainty and what they leave open, from ``evaluation.json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fibrolens.report.checklists.base import Answer
from fibrolens.report.checklists.data import METHODS
from fibrolens.report.checklists.facts import Facts
from fibrolens.report.tables import THRESHOLDS, ranged
from fibrolens.result import INTENDED_USE

#: What further subjects of an evaluation are, in words.
SUBJECTS = {
    "ordinal": "Obuchowski's measure, weighted kappa, error in stages, ranked probability score",
    "calibration": "calibration with slope, intercept and Brier score",
    "decision": "decision curves and predictive values at other prevalences",
    "conformal": "stage sets with their coverage",
    "rivals": "other systems on the same folds",
}
ROBUSTNESS = {
    "without_controls": "all figures without the imaging-negative controls",
    "subgroups": "groups of patients",
    "shortcuts": "an audit of acquisition shortcuts",
    "deferral": "the scans that stay when the least certain are left to others",
}


def abstract(facts: Facts) -> Answer:
    """Figures for the abstract."""
    return Answer(
        f"{facts.size}, {facts.training['folds']} folds. {facts.areas}.",
        "report.html, Result in brief",
        "the abstract itself",
    )


def metrics(facts: Facts) -> Answer:
    """What was measured."""
    more = [words for subject, words in SUBJECTS.items() if facts.has(subject)]
    text = f"AUC, sensitivity, specificity, accuracy, PPV and NPV of {', '.join(THRESHOLDS)}; micro and macro AUC"
    return Answer(f"{text}{''.join(f'; {words}' for words in more)}.", f"{METHODS}Statistics; docs/statistics.md")


def statistics(facts: Facts) -> Answer:
    """How certain figures are, and how that was computed."""
    return Answer(facts.paragraphs["Statistics"], f"{METHODS}Statistics; docs/statistics.md")


def robustness(facts: Facts) -> Answer:
    """What was done to shake the result."""
    done = [words for subject, words in ROBUSTNESS.items() if facts.has(subject)]
    text = f"Every fold alone with mean and SD{''.join(f'; {words}' for words in done)}."
    return Answer(text, "tables/per_fold.csv; evaluation.json", "other sensitivity analyses, and why these")


def internal(facts: Facts) -> Answer:
    """Testing on the same hospital's patients."""
    return Answer(f"Out of fold, folds pooled: {facts.areas}.", f"Table 2{facts.figure('fig3_roc')}")


def external(facts: Facts) -> Answer:
    """Testing elsewhere: a study's folder is of one cohort."""
    text = "None: every scan that was tested is of the cohort that the networks were trained on."
    return Answer(text, "predictions.csv", "tests elsewhere (fibrolens evaluate --packet), or why there are none")


def performance(facts: Facts) -> Answer:
    """The figures themselves."""
    return Answer(f"{facts.areas}.", f"Table 2{facts.figure('fig3_roc')}; tables/performance.csv")


def accuracy(facts: Facts) -> Answer:
    """Sensitivity and specificity with their intervals."""
    told = []
    for name, title in THRESHOLDS.items():
        point = facts.evaluation["thresholds"][name]["operating_point"]
        shares = [
            f"{m} {ranged(point[m]['value'], point[m]['interval'], 100.0, 1)} %" for m in ("sensitivity", "specificity")
        ]
        told.append(f"{title}: {', '.join(shares)}")
    return Answer(f"{'; '.join(told)}. 95 % intervals by Wilson, patients as clusters.", "Table 2")


def cross_table(facts: Facts) -> Answer:
    """Calls against the truth."""
    correct = facts.evaluation["confusion"]["correct"]
    text = (
        f"The most probable stage is the true one in {correct['count']} of {correct['of']} scans with a single stage."
    )
    return Answer(text, f"Confusion matrix, Table 2{facts.figure('confusion')}")


def failures(facts: Facts) -> Answer:
    """Where the network errs."""
    errors: Counter[str] = Counter()
    for true, row in enumerate(facts.evaluation["confusion"]["counts"]):
        errors.update({f"F{true} taken for F{k}": count for k, count in enumerate(row) if k != true and count})
    if not errors:
        return Answer("No scan with a single stage was taken for another.", "Confusion matrix")
    told = ", ".join(f"{name} ({count})" for name, count in errors.most_common(4))
    return Answer(
        f"Most frequent errors: {told}.",
        "Confusion matrix, predictions.csv",
        "a look at the scans that were wrong, and why",
    )


def fairness(facts: Facts) -> Answer:
    """Groups of patients."""
    if not facts.has("subgroups"):
        return Answer(open="figures of groups of patients; this evaluation has none")
    groupings = facts.evaluation["subgroups"]["groupings"]
    named = [name.lower() for name, found in groupings.items() if found.get("groups")]
    absent = [name.lower() for name, found in groupings.items() if not found.get("groups")]
    text = f"Figures by {', '.join(named) or 'no grouping'}." + (f" Not known: {', '.join(absent)}." if absent else "")
    return Answer(
        text, "evaluation.json, subgroups", "what was done about differences, and groups that the table does not name"
    )


def clusters(facts: Facts) -> Answer:
    """Whether sites differ."""
    sites = facts.known("site")
    if len(sites) < 2:
        return Answer(open="whether hospitals differ; the table names fewer than two sites")
    by_site = facts.has("subgroups") and bool(facts.evaluation["subgroups"]["groupings"].get("Site", {}).get("groups"))
    text = f"{len(sites)} sites in one cohort; folds are stratified by site where scans suffice."
    text += " Figures by site are given." if by_site else ""
    return Answer(text, "splits.json; evaluation.json, subgroups", "how differences between sites were dealt with")


def estimates(facts: Facts) -> Answer:
    """The figures, and whether probabilities mean what they say."""
    found = performance(facts)
    if not facts.has("calibration"):
        return Answer(found.text, found.where, "calibration, and figures of key groups")
    before = facts.evaluation["calibration"]["before"]
    entries = [(name, before.get(name, {})) for name in THRESHOLDS]
    told = [f"{name}: {_calibrated(entry)}" for name, entry in entries if {"slope", "brier"} <= set(entry)]
    where = f"{found.where}; evaluation.json, calibration"
    return Answer(f"{found.text} Calibration: {'; '.join(told)}.", where, "" if facts.has("subgroups") else "groups")


def _calibrated(entry: Mapping[str, Any]) -> str:
    slope = ranged(entry["slope"]["value"], entry["slope"]["interval"])
    return f"Brier score {entry['brier']['value']:.3f}, slope {slope}"


def uncertain(facts: Facts) -> Answer:
    """Results that decide nothing."""
    text = "Each scan gets a stage; none is indeterminate. Stage sets count only at the thresholds that they decide."
    if facts.has("deferral"):
        text += " Figures without the least certain scans are given."
    return Answer(text, f"{METHODS}Statistics")


def limitations(facts: Facts) -> Answer:
    """What the report warns of."""
    text = " ".join(facts.warnings) or "The report has no warning."
    return Answer(
        text, "report.html, Warnings; docs/statistics.md, What is not done", "the limits as the authors see them"
    )


def use(facts: Facts) -> Answer:
    """What the network is for."""
    return Answer(INTENDED_USE, "report.html; model_card.md", "the role in practice that is aimed at")


def protocol(facts: Facts) -> Answer:
    """Where the details stand."""
    return Answer(
        "plan.json holds every decision of the run, splits.json the folds.",
        "plan.json, splits.json",
        "a protocol, if there was one",
    )


def availability(facts: Facts) -> Answer:
    """What others can have."""
    there = f"the weights of {len(facts.weights)} folds, " if facts.weights else ""
    text = f"The study's folder holds {there}all predictions and tables; the software is open (Apache-2.0)."
    return Answer(
        text, "folds/, predictions.csv, tables/", "what is shared of these and of the CTs, where, and on which terms"
    )


def code(facts: Facts) -> Answer:
    """The software."""
    text = f"{facts.paragraphs['Software']} Open source (Apache-2.0)."
    return Answer(text, f"{METHODS}Software", "where the authors' own analysis code is")


def harms(facts: Facts) -> Answer:
    """Harm by test or reference."""
    return Answer(
        "The run looks at scans that exist; no test was done for it.",
        "",
        "harm by biopsy, where it belongs to the study",
    )
