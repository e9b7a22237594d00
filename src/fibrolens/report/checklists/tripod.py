"""TRIPOD+AI: what a study of a prediction model should report, 27 items with their parts.

Numbers and order are those of the publication; the words are ours and shorter. Check the wording there before you hand
a checklist in.
"""

from __future__ import annotations

from fibrolens.report.checklists import data, model, results
from fibrolens.report.checklists.base import Answer, Checklist, Item, left_open
from fibrolens.report.checklists.facts import Facts


def no_difference(facts: Facts) -> Answer:
    """Development and evaluation on one cohort."""
    text = f"One cohort serves both, by {facts.training['folds']} folds: same sites, criteria, outcome and input."
    return Answer(text, "report.html, Methods: Cross-validation; splits.json")


TRIPOD = Checklist(
    "tripod_ai",
    "TRIPOD+AI",
    "Collins et al., BMJ 2024;385:e078378",
    "Numbers as published, words ours. The predictor is the CT, the outcome the stage of fibrosis today (diagnosis).",
    (
        Item("1", "Title", "development or evaluation, of whom, of what", left_open("the title")),
        Item("2", "Abstract", "by TRIPOD+AI for abstracts", results.abstract),
        Item("3a", "Introduction", "clinical context, and models that exist", left_open("context and earlier models")),
        Item("3b", "Introduction", "for whom, where in care, used by whom", results.use),
        Item(
            "3c", "Introduction", "known inequalities in health", left_open("inequalities between groups of patients")
        ),
        Item("4", "Introduction", "aims: development, evaluation or both", model.goal),
        Item("5a", "Methods: data", "sources, and why they fit", data.sources),
        Item("5b", "Methods: data", "dates of the patients", data.dates),
        Item("6a", "Methods: participants", "setting and centres", data.sources),
        Item("6b", "Methods: participants", "eligibility", data.eligibility),
        Item("6c", "Methods: participants", "treatment, and how it was handled", data.treatments),
        Item("7", "Methods: data", "preparation and checks of the data", model.preprocessing),
        Item("8a", "Methods: outcome", "what is predicted, how and when assessed", data.reference),
        Item("8b", "Methods: outcome", "who assessed it", data.annotators),
        Item(
            "8c", "Methods: outcome", "blinding of the assessment", left_open("whether the CT was known to the readers")
        ),
        Item("9a", "Methods: predictors", "choice of predictors", model.predictors),
        Item("9b", "Methods: predictors", "definition and measurement", data.acquisition),
        Item("9c", "Methods: predictors", "who judged subjective ones", data.annotators),
        Item("10", "Methods", "sample size", model.sample_size),
        Item("11", "Methods", "missing data", data.missing),
        Item("12a", "Methods: analysis", "how data were used for training and evaluation", model.partitions),
        Item("12b", "Methods: analysis", "how predictors enter the model", model.preprocessing),
        Item("12c", "Methods: analysis", "model, building, tuning, internal validation", model.building),
        Item("12d", "Methods: analysis", "differences between clusters", results.clusters),
        Item("12e", "Methods: analysis", "measures of performance", results.metrics),
        Item("12f", "Methods: analysis", "updating of a model", model.updating),
        Item("12g", "Methods: analysis", "how predictions were computed", model.predicting),
        Item("13", "Methods", "class imbalance", model.imbalance),
        Item("14", "Methods", "fairness", results.fairness),
        Item("15", "Methods", "output of the model, and cuts", model.output),
        Item("16", "Methods", "training data against evaluation data", no_difference),
        Item("17", "Methods", "ethics approval and consent", left_open("approval, and consent or its waiver")),
        Item("18a", "Open science", "funding", left_open("funding and the funders' part")),
        Item("18b", "Open science", "conflicts of interest", left_open("conflicts of interest")),
        Item("18c", "Open science", "protocol", results.protocol),
        Item("18d", "Open science", "registration", left_open("a registration, or that there is none")),
        Item("18e", "Open science", "sharing of data", left_open("which data are shared, where and how")),
        Item("18f", "Open science", "sharing of code", results.code),
        Item(
            "19",
            "Involvement",
            "part of patients and public",
            left_open("how patients took part, or that they did not"),
        ),
        Item("20a", "Results: participants", "flow", data.flow),
        Item("20b", "Results: participants", "characteristics", data.demographics),
        Item("20c", "Results: participants", "evaluation data against development data", no_difference),
        Item("21", "Results", "participants and events in each analysis", model.sample_size),
        Item("22", "Results", "the full model", model.specification),
        Item("23a", "Results: performance", "estimates with intervals, also of groups", results.estimates),
        Item("23b", "Results: performance", "differences between clusters", results.clusters),
        Item("24", "Results", "results of updating", model.selection),
        Item("25", "Discussion", "interpretation, fairness too", left_open("the interpretation")),
        Item("26", "Discussion", "limits", results.limitations),
        Item("27a", "Discussion: use", "input that is poor or absent", model.input_quality),
        Item("27b", "Discussion: use", "what users must do and know", left_open("what a user must do and know")),
        Item("27c", "Discussion: use", "next steps", left_open("what should be studied next")),
    ),
)
