"""How an audit was made and what it does not say, in sentences; nothing is said of what was not run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fibrolens.evaluate.saliency.known_truth import FEWEST_PATIENTS, TARGET
from fibrolens.evaluate.saliency.randomisation import PAIRS
from fibrolens.evaluate.saliency.verdict import TWINS_AIM
from fibrolens.report.audit_words import ARMS, listed

RULES = (
    "Verdicts. Recommended: randomisation and known truth were passed, no check failed, and twins, ablation, deletion "
    "and repeatability were run. Usable: randomisation was passed and no decisive check failed, but something is "
    "missing or falls short. Fails: it stays when the network forgets or when the stages are shuffled, or names what "
    "was planted no more often than chance. A check that was not run never counts as passed.",
    "Intervals are of 95 % and take the patient as the unit; a patient's maps by several networks are no new patients.",
)

#: What each network is that the audit trains on a study's scans.
TRAININGS = {"shuffled": "shuffled stages", "seed": "another seed", "design": "another design"}


def limits(content: Mapping[str, Any]) -> list[str]:
    """Methods and limits, a paragraph each."""
    return [*RULES, *_study(content), *_truth(content), *_twins(content), *_always(content)]


def _study(content: Mapping[str, Any]) -> Iterator[str]:
    study = content["study"]
    if study is None:
        return
    count = study.get("scans")
    looked = f"{count} scans" if isinstance(count, int) else "a sample of the scans"
    yield (
        f"The study. The maps are of {looked} of the study, drawn with seed {study.get('seed')}, a sample and not "
        f"all of them. Similarity is the structural similarity (SSIM) inside the body; of different patients up to "
        f"{PAIRS} pairs were drawn, as Arun et al. (Radiol Artif Intell 2021) do."
    )
    if (design := study.get("design")) is not None:
        yield _compared(design)


def _compared(design: Mapping[str, Any]) -> str:
    """How the networks were trained that the study's own are compared with, and what was looked at in part."""
    trained = ", ".join(f"{TRAININGS[kind]} {count} steps" for kind, count in design["steps"].items())
    return (
        f"Networks to compare with. {design['learners']} scans of the study, few steps: {trained}; so they are trained "
        f"less than the study's own. Other designs: {listed(design['designs'])}. Repeatability is over the networks of "
        f"{design['folds']} folds. Deletion and insertion go in {design['curves']['parts']} steps, on a part of the "
        f"scans, against {design['curves']['random_orders']} random orders each."
    )


def _truth(content: Mapping[str, Any]) -> Iterator[str]:
    if content["known_truth"] is None:
        return
    design = content["known_truth"]["design"]
    trained, looked = design["trained_on"], {k: n for k, n in design["looked_at"].items() if n}
    steps = ", ".join(f"{ARMS.get(arm, arm)} {count}" for arm, count in design["steps"].items())
    yield (
        f"The known truth. Simulated patients with signs of {design['effect']} effect; per sign and network "
        f"{sum(trained.values())} to train on ({_counts(trained)}) and others to look at ({_counts(looked)}); "
        f"{design['seeds']} network{'s' if design['seeds'] > 1 else ''} per sign that begin with "
        f"{design['begins_with']}; training steps: {steps}; batch {design['batch']}. Only F4 that the network stages "
        f"correctly are measured. The aim of {TARGET:.0%} is judged from {FEWEST_PATIENTS} patients per sign on; with "
        "fewer it is not judged."
    )
    if absent := _absent(content):
        yield f"Signs of which no map could be measured: {listed(absent)}."


def _absent(content: Mapping[str, Any]) -> list[str]:
    """Arms in which no F4 was staged correctly by a network that counts."""
    right = dict.fromkeys(ARMS, 0)
    for one in content["known_truth"]["networks"]:
        right[one["arm"]] += one["F4"]["right"] if one["learnt"] else 0
    return [ARMS[arm] for arm, count in right.items() if not count]


def _twins(content: Mapping[str, Any]) -> Iterator[str]:
    twins = content["twins"]
    if twins is None:
        return
    places = ", ".join(f"{ARMS[sign]} in the {place.replace('_', ' ')}" for sign, place in twins["places"].items())
    yield (
        f"The twins. {twins['maps']} maps of {twins['patients']} patients by {twins['networks']} "
        f"network{'s' if twins['networks'] > 1 else ''} that were trained where every sign follows the stage. Where "
        f"each sign is looked for: {places}. With four signs a rank correlation of one patient says little; the mean "
        f"over patients counts, and should reach {TWINS_AIM}."
    )


def _always(content: Mapping[str, Any]) -> Iterator[str]:
    if content["known_truth"] is not None:
        yield (
            "Simulated patients are simple: real fibrosis shows in several signs at once, and a map that names one "
            "planted sign may still miss a real one. Their figures say nothing of clinical performance."
        )
    if content["study"] is not None:
        yield (
            "A scan with a region replaced, or with places deleted, is unlike any that the network has seen; its "
            "answer there is an extrapolation."
        )
    yield "The audit is of these networks. Another network, or other scans, need their own."


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{stage} {count}" for stage, count in counts.items())
