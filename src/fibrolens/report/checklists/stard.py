"""STARD-AI: what a study of diagnostic accuracy with AI should report, 40 items.

The 30 items of STARD 2015 stand with their numbers of 2015; the further ten subjects are what STARD-AI adds, as far as
we know them, numbered AI 1 to AI 10. The final numbering of STARD-AI differs: check number and wording in the
publication before you hand a checklist in.
"""

from __future__ import annotations

from fibrolens.report.checklists import data, model, results
from fibrolens.report.checklists.base import Checklist, Item, left_open

STARD = Checklist(
    "stard_ai",
    "STARD-AI",
    "Sounderajah et al., Nat Med 2025, doi 10.1038/s41591-025-03953-8; Bossuyt et al., BMJ 2015;351:h5527",
    "Numbers are those of STARD 2015; AI 1 to AI 10 are our list of what STARD-AI adds, which numbers its 40 items "
    "otherwise. Check number and wording in the publication. The index test is the network.",
    (
        Item("1", "Title", "names a measure of diagnostic accuracy", left_open("the title")),
        Item("2", "Abstract", "design, methods, results and conclusion in brief", results.abstract),
        Item("3", "Introduction", "background, and role of the test", left_open("background and intended role")),
        Item("4", "Introduction", "aims and hypotheses", left_open("aims and hypotheses")),
        Item("5", "Methods: design", "data planned before or after the tests", data.design),
        Item("6", "Methods: participants", "eligibility", data.eligibility),
        Item("7", "Methods: participants", "how patients were found", left_open("by what patients were found")),
        Item("8", "Methods: participants", "where and when", data.recruited),
        Item("9", "Methods: participants", "consecutive, random or otherwise", left_open("how the series was formed")),
        Item("10a", "Methods: tests", "index test, to be repeated", model.building),
        Item("10b", "Methods: tests", "reference standard, to be repeated", data.reference),
        Item("11", "Methods: tests", "why this reference", left_open("why this reference, and its known errors")),
        Item("12a", "Methods: tests", "cuts of the index test, chosen before or after", model.cuts),
        Item("12b", "Methods: tests", "categories of the reference", data.severity),
        Item("13a", "Methods: tests", "what the index test knew", model.predictors),
        Item(
            "13b", "Methods: tests", "what readers of the reference knew", left_open("what the readers knew of the CT")
        ),
        Item("14", "Methods: analysis", "how accuracy was estimated and compared", results.statistics),
        Item("15", "Methods: analysis", "indeterminate results", results.uncertain),
        Item("16", "Methods: analysis", "missing data", data.missing),
        Item("17", "Methods: analysis", "differences between groups; what was planned", results.fairness),
        Item("18", "Methods: analysis", "sample size", model.sample_size),
        Item("19", "Results: participants", "flow", data.flow),
        Item("20", "Results: participants", "who the patients are", data.demographics),
        Item("21a", "Results: participants", "severity of disease", data.severity),
        Item("21b", "Results: participants", "other diagnoses without it", data.controls),
        Item("22", "Results: participants", "time and treatment between both tests", data.interval),
        Item("23", "Results: tests", "index test against reference", results.cross_table),
        Item("24", "Results: tests", "accuracy with precision", results.accuracy),
        Item("25", "Results: tests", "harm by either test", results.harms),
        Item("26", "Discussion", "limits, bias, generalisation", results.limitations),
        Item("27", "Discussion", "what it means for practice", results.use),
        Item("28", "Other", "registration", left_open("a registration, or that there is none")),
        Item("29", "Other", "protocol", results.protocol),
        Item("30", "Other", "funding", left_open("funding and the funders' part")),
        Item(
            "AI 1",
            "Methods: ethics",
            "approval for this use of the data",
            left_open("approval, and consent or its waiver"),
        ),
        Item("AI 2", "Methods: data", "source, annotation and licence of the data", data.annotators),
        Item("AI 3", "Methods: data", "acquisition and processing before the network", model.preprocessing),
        Item("AI 4", "Methods: data", "partitions for training and testing, and overlap", model.disjoint),
        Item("AI 5", "Methods: tests", "version of the index test and where it runs", model.specification),
        Item(
            "AI 6",
            "Methods: tests",
            "part of humans in the result",
            left_open("who saw the output, and what was done with it"),
        ),
        Item("AI 7", "Results: tests", "testing elsewhere", results.external),
        Item("AI 8", "Results: tests", "errors and robustness", results.failures),
        Item("AI 9", "Discussion", "bias and fairness between groups", results.fairness),
        Item("AI 10", "Other", "availability of code, weights and data; commercial interest", results.availability),
    ),
)
