"""CLAIM 2024: what a study of AI in medical imaging should report, 44 items.

Numbers and order are those of the publication; the words are ours and shorter. Check the wording there before you hand
a checklist in.
"""

from __future__ import annotations

from fibrolens.report.checklists import data, model, results
from fibrolens.report.checklists.base import Checklist, Item, left_open

CLAIM = Checklist(
    "claim2024",
    "CLAIM 2024",
    "Tejani et al., Radiol Artif Intell 2024;6:e240300",
    "Numbers as published, words ours. CLAIM says reference standard, and internal or external testing.",
    (
        Item("1", "Title", "names the work as AI, and which kind", left_open("the title")),
        Item("2", "Abstract", "design, methods, results and conclusion in brief", results.abstract),
        Item("3", "Introduction", "background, and what the AI is for", left_open("background and intended role")),
        Item("4", "Introduction", "aims and hypotheses", left_open("aims and hypotheses")),
        Item("5", "Methods: design", "prospective or retrospective", data.design),
        Item("6", "Methods: design", "goal of the study", model.goal),
        Item("7", "Methods: data", "where the data come from", data.sources),
        Item("8", "Methods: data", "who is in, who is out", data.eligibility),
        Item("9", "Methods: data", "processing before the network", model.preprocessing),
        Item("10", "Methods: data", "which part of the data is used", model.subsets),
        Item("11", "Methods: data", "how data were de-identified", left_open("how the CTs were de-identified")),
        Item("12", "Methods: data", "missing data", data.missing),
        Item("13", "Methods: data", "how images were acquired", data.acquisition),
        Item("14", "Methods: reference", "what the reference standard is", data.reference),
        Item("15", "Methods: reference", "why this one", left_open("why this reference, and its known errors")),
        Item("16", "Methods: reference", "who made it, from what", data.annotators),
        Item(
            "17", "Methods: reference", "how test cases were labelled", left_open("how stages of test scans were read")
        ),
        Item("18", "Methods: reference", "agreement between and within readers", left_open("agreement of the readers")),
        Item("19", "Methods: partitions", "how cases were assigned", model.partitions),
        Item("20", "Methods: partitions", "at which level partitions are apart", model.disjoint),
        Item("21", "Methods: partitions", "intended size of the test set", model.sample_size),
        Item("22", "Methods: model", "the model in full", model.network),
        Item("23", "Methods: model", "software", model.software),
        Item("24", "Methods: model", "how weights were initialised", model.initial),
        Item("25", "Methods: training", "training in full", model.training),
        Item("26", "Methods: training", "how the final model was chosen", model.selection),
        Item("27", "Methods: training", "ensembles", model.ensembles),
        Item("28", "Methods: evaluation", "measures of performance", results.metrics),
        Item("29", "Methods: evaluation", "significance and uncertainty", results.statistics),
        Item("30", "Methods: evaluation", "robustness and sensitivity", results.robustness),
        Item("31", "Methods: evaluation", "explanation of decisions", model.explanation),
        Item("32", "Methods: evaluation", "internal testing", results.internal),
        Item("33", "Methods: evaluation", "external testing", results.external),
        Item(
            "34", "Methods: evaluation", "registration of a trial", left_open("a registration, or that there is none")
        ),
        Item("35", "Results: data", "numbers in and out", data.flow),
        Item("36", "Results: data", "who the patients are, per partition", data.demographics),
        Item("37", "Results: performance", "performance with uncertainty", results.performance),
        Item("38", "Results: performance", "diagnostic accuracy with precision", results.accuracy),
        Item("39", "Results: performance", "analysis of failures", results.failures),
        Item("40", "Discussion", "limits", results.limitations),
        Item("41", "Discussion", "what it means for practice", results.use),
        Item("42", "Other", "protocol or further technical detail", results.protocol),
        Item("43", "Other", "availability of software, weights and data", results.availability),
        Item("44", "Other", "funding and the funders' part", left_open("funding and the funders' part")),
    ),
)
