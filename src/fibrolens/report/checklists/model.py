"""Answers about the networks, their training and the folds, from ``plan.json`` and what the folds found."""

from __future__ import annotations

from fibrolens import __version__
from fibrolens.plan import STAGES
from fibrolens.report.checklists.base import Answer
from fibrolens.report.checklists.data import METHODS
from fibrolens.report.checklists.facts import Facts
from fibrolens.report.paper import CITATION
from fibrolens.report.tables import THRESHOLDS


def goal(facts: Facts) -> Answer:
    """What kind of study this is."""
    text = f"Development of staging networks with internal testing by {facts.training['folds']}-fold cross-validation."
    return Answer(text, f"{METHODS}Cross-validation")


def preprocessing(facts: Facts) -> Answer:
    """From CT to network."""
    return Answer(
        facts.paragraphs["Image processing"], f"{METHODS}Image processing; plan.json{facts.figure('fig2_scheme')}"
    )


def subsets(facts: Facts) -> Answer:
    """Which part of a CT counts."""
    region = facts.files.plan.region.replace("_", " ")
    slices = facts.files.plan.slab.slices
    text = f"Region: {region}; of each scan {slices} consecutive slices at a time, within the liver's range."
    return Answer(text, "plan.json, region and slab")


def partitions(facts: Facts) -> Answer:
    """How the data were split."""
    return Answer(facts.paragraphs["Cross-validation"], f"{METHODS}Cross-validation; splits.json, folds/K/split.json")


def disjoint(facts: Facts) -> Answer:
    """At which level the folds are apart; counted, not claimed."""
    folds: dict[str, set[str]] = {}
    for row in facts.predictions:
        folds.setdefault(row["patient_id"], set()).add(row["fold"])
    shared = sum(len(found) > 1 for found in folds.values())
    if shared:
        return Answer(
            f"{shared} patients stand in more than one test fold.", "predictions.csv", "why patients are shared"
        )
    text = f"Patients: each of {len(folds)} stands in one test fold alone, with all scans (counted in predictions.csv)."
    return Answer(text, "splits.json, predictions.csv")


def sample_size(facts: Facts) -> Answer:
    """How many cases there are for each question."""
    thresholds = {name: facts.evaluation["thresholds"][name] for name in THRESHOLDS}
    told = ", ".join(f"{name} {t['positives']} / {t['negatives']}" for name, t in thresholds.items())
    return Answer(
        f"{facts.size}; with / without: {told}.", "Table 2", "how the size was decided on, or why it is enough"
    )


def network(facts: Facts) -> Answer:
    """What the network is."""
    return Answer(facts.paragraphs["Network"], f"{METHODS}Network; plan.json{facts.figure('fig2_scheme')}")


def specification(facts: Facts) -> Answer:
    """Everything that somebody needs to compute a prediction."""
    if not facts.weights:
        return Answer(facts.paragraphs["Network"], "plan.json", "the weights; the folder has none")
    told = ", ".join(digest[:12] for digest in facts.weights)
    text = f"{facts.paragraphs['Network']} Weights of the {len(facts.weights)} folds (SHA-256): {told}."
    return Answer(text, "plan.json, folds/K/weights.safetensors, model_card.md")


def software(facts: Facts) -> Answer:
    """What made it."""
    return Answer(
        f"fibrolens {__version__}, a method after {CITATION}.", f"{METHODS}Software", "hardware, versions of libraries"
    )


def initial(facts: Facts) -> Answer:
    """What the training began with."""
    text = f"Begun with: {facts.training['initial_weights']}."
    if trained_on := facts.training.get("initial_trained_on"):
        text += f" Their card says what they were trained on: {trained_on}."
    return Answer(text, f"{METHODS}Training; plan.json, initial")


def training(facts: Facts) -> Answer:
    """How the network learnt."""
    return Answer(facts.paragraphs["Training"], f"{METHODS}Training; plan.json, folds/K/train_log.jsonl")


def building(facts: Facts) -> Answer:
    """Type of model, its building and its internal testing."""
    text = f"{facts.paragraphs['Network']} {facts.paragraphs['Training']} {facts.paragraphs['Cross-validation']}"
    return Answer(text, f"{METHODS}Network, Training, Cross-validation")


def selection(facts: Facts) -> Answer:
    """Which weights were kept."""
    stopped = facts.training.get("early_stopping", "none")
    if stopped == "none":
        text = "The last weights of each fold's training were kept; nothing was selected."
    else:
        text = f"Of each fold the weights that did best on its {stopped} were kept; no test scan took part in a choice."
    if len(set(facts.training.get("ways", ()))) > 1:
        text += " Folds differ in which layers were learnt, as their inner splits decided."
    return Answer(text, "folds/K/stopping.json, choice.json")


def ensembles(facts: Facts) -> Answer:
    """Whether networks were combined."""
    text = "None: each scan is predicted by one network; its overlapping slabs are averaged."
    return Answer(text, f"{METHODS}Image processing")


def predictors(facts: Facts) -> Answer:
    """What goes in."""
    low, high = facts.files.plan.grid.window_hu
    beside = " and ".join(facts.files.plan.network.covariates)
    known = f"with {beside} of the patient" if beside else "and nothing of markers or table"
    text = f"The network sees the image, windowed to [{low:.0f}, {high:.0f}] HU, {known}."
    return Answer(text, f"{METHODS}Image processing", "why these")


def updating(facts: Facts) -> Answer:
    """Whether an older model was adapted."""
    learnt = facts.training.get("learnt", "all")
    text = f"Each fold's training began with {facts.training['initial_weights']}; layers learnt: {learnt}."
    return Answer(text, f"{METHODS}Training")


def predicting(facts: Facts) -> Answer:
    """How a prediction was made for the evaluation."""
    text = (
        "Softmax over F0 to F4 by the network of the fold that had not seen the patient, mean over overlapping slabs."
    )
    return Answer(text, "predictions.csv; docs/study.md")


def imbalance(facts: Facts) -> Answer:
    """What was done about rare stages."""
    plan = facts.files.plan.training
    text = f"Stages were drawn by their inverse frequency to the power of {plan.class_balance:g}."
    if facts.has("calibration"):
        text += " Calibration was measured, before and after a temperature fitted inside the folds."
    return Answer(text, f"{METHODS}Training")


def output(facts: Facts) -> Answer:
    """What comes out, and what makes it a call."""
    names = ", ".join(STAGES)
    text = f"Probabilities of {names} and of each threshold; calls at a cut of each fold's inner split, and at 0.5."
    return Answer(text, "predictions.csv; evaluation.json, operating_point")


def cuts(facts: Facts) -> Answer:
    """The cuts, and when they were chosen."""
    rule = facts.evaluation["methods"]["operating_point"]
    return Answer(f"{rule[0].upper()}{rule[1:]}.", f"{METHODS}Statistics; tables/per_fold.csv")


def explanation(facts: Facts) -> Answer:
    """How decisions are shown."""
    text = f"{facts.paragraphs['Location maps']} What the maps show is what drove the network, not where fibrosis is."
    return Answer(text, f"{METHODS}Location maps{facts.figure('fig4_maps')}{facts.figure('fig5_attention')}")


def input_quality(facts: Facts) -> Answer:
    """What happens to a scan that is not fit."""
    quality = facts.files.quality
    if quality is None:
        return Answer(open="how unfit scans are found and what is done with them")
    unlike = sum(row["in_domain"] == "no" for row in quality)
    partial = sum(row["liver_coverage"] in ("incomplete", "none") for row in quality)
    text = (
        f"Phase, coverage and likeness to the training data are checked in every scan; here {partial} seemed cut off "
        f"and {unlike} unlike, and they stayed in. fibrolens stage refuses what is not portal venous or incomplete."
    )
    return Answer(text, "quality.csv; report.html, Warnings")
