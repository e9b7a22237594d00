"""A small audit with figures made up by hand: every check of every kind of map, drawn from one generator."""

import numpy as np

from fibrolens.evaluate.saliency.curves import against_random
from fibrolens.evaluate.saliency.effects import effects
from fibrolens.evaluate.saliency.known_truth import TRUE_REGIONS, Arm, known_truth
from fibrolens.evaluate.saliency.means import patient_mean
from fibrolens.evaluate.saliency.randomisation import arun_rule, random_pairs
from fibrolens.evaluate.saliency.repeatability import repeatability

NAMES = ("gradcam mean", "gradcam conv4", "integrated conv3")
CONTROLS = ("guided backprop", "edges")
SCANS = 12
SIGNS = ("spleen", "surface", "lobes", "texture")
REGIONS = ("liver_surface", "liver_core", "spleen", "elsewhere")
STEPS = ("head", "hidden", "conv4", "conv3", "conv2", "conv1")
DESIGN = {
    "learners": 80,
    "steps": {"shuffled": 150, "seed": 150},
    "designs": ["lfs-ordinal"],
    "folds": 5,
    "curves": {"parts": 12, "random_orders": 4},
}


def checks():
    """What `audit_study` returns."""
    draw = np.random.default_rng(7)
    return {
        "methods": {name: _method(draw) for name in NAMES},
        "controls": {name: {"randomisation": _cascade(draw, lowest=0.9)} for name in CONTROLS},
        "ablation": _ablation(draw),
        "retraining": {"networks": None, "reason": "the study has no such networks"},
        "localisation": {name: _localised(draw) for name in (*NAMES, *CONTROLS)},
        "design": DESIGN,
        "scans": SCANS,
        "seed": 0,
    }


def truth():
    """What `truth_figures` and `twin_figures` return."""
    draw = np.random.default_rng(8)
    chances = {"integrated conv3": 0.97, "gradcam mean": 0.7, "gradcam conv4": 0.3}
    networks = [
        {"arm": arm, "seed": seed, "learnt": True, "F0": {"right": 9, "of": 10}, "F4": {"right": 60, "of": 62}}
        for arm in TRUE_REGIONS
        for seed in (0, 1)
    ]
    stages = ("F0", "F1", "F2", "F3", "F4")
    design = {
        "effect": "strong",
        "trained_on": dict(zip(stages, (50, 20, 20, 20, 50), strict=True)),
        "looked_at": dict(zip(stages, (10, 0, 0, 0, 62), strict=True)),
        "seeds": 2,
        "learnt_from": 0.75,
        "steps": dict.fromkeys(TRUE_REGIONS, 400),
        "batch": 4,
        "begins_with": "random weights",
    }
    methods = {name: known_truth([_arm(arm, rate, draw) for arm in TRUE_REGIONS], draw, 50)
               for name, rate in chances.items()}  # fmt: skip
    return {"methods": methods, "networks": networks, "design": design, "twins": _twins(draw)}


def _method(draw):
    patient = np.arange(SCANS)
    steady = patient_mean(draw.uniform(0.6, 0.9, SCANS), patient, draw, 50) | {"baseline": 0.4}
    own, random = draw.uniform(0.2, 0.4, SCANS), draw.uniform(0.4, 0.6, (SCANS, 4))
    return {
        "randomisation": _cascade(draw, lowest=0.1),
        "label_randomisation": _cascade(draw, lowest=0.2, steps=("shuffled",)),
        "ablation": effects(REGIONS, *_ordered(draw, len(REGIONS)), patient, draw, replicates=50),
        "deletion": against_random(own, random, patient, "deletion", draw, 50),
        "repeatability": {name: repeatability(_agreeing(draw), patient, draw, 50) for name in REGIONS},
        "noise": steady,
        "shift": steady,
        "infidelity": patient_mean(draw.uniform(0.2, 0.9, SCANS), patient, draw, 50),
    }


def _localised(draw):
    patient = np.arange(SCANS)
    figures = {name: patient_mean(draw.random(SCANS), patient, draw, 50)
               for name in ("hit", "chance", "mass", "rank", "share")}  # fmt: skip
    return {"liver": figures, "liver and spleen": figures}


def _cascade(draw, lowest, steps=STEPS):
    patient = np.arange(SCANS)
    similarity = np.linspace(lowest, 0.95, len(steps))[::-1] + draw.normal(0, 0.02, (SCANS, len(steps)))
    pairs = random_pairs(patient, 20, draw)
    return arun_rule(steps, similarity, patient, pairs, draw.uniform(0.3, 0.5, len(pairs)), draw, 50)


def _agreeing(draw):
    return draw.uniform(0.5, 2.0, (SCANS, 1)) + draw.normal(0, 0.1, (SCANS, 3))


def _ordered(draw, regions):
    change = draw.uniform(0, 0.5, (SCANS, regions))
    return change + draw.normal(0, 0.1, change.shape), change


def _arm(name, rate, draw):
    seed, patient = np.repeat((0, 1), 60), np.tile(np.arange(60), 2)
    first, denser = (draw.random(120) < rate).astype(float), (draw.random(120) < 0.9).astype(float)
    return Arm(name, first, denser, seed, patient, 0.25)


def _twins(draw):
    patient = np.arange(SCANS)
    methods = {name: effects(SIGNS, *_ordered(draw, len(SIGNS)), patient, draw, replicates=50) for name in NAMES}
    falls = {sign: patient_mean(draw.uniform(0, 0.6, SCANS), patient, draw, 50) for sign in SIGNS}
    places = dict(zip(SIGNS, ("spleen", "liver_surface", "segments I to III", "liver_core"), strict=True))
    return {"methods": methods, "changes": falls, "scores": falls, "places": places, "signs": list(SIGNS),
            "networks": 2, "patients": SCANS, "maps": SCANS}  # fmt: skip


def _ablation(draw):
    patient = np.arange(SCANS)
    figure = patient_mean(draw.uniform(0, 0.5, SCANS), patient, draw, 50)
    auc = {key: {"value": 0.8, "interval": [0.7, 0.9]} for key in ("F>=2", "F>=3", "F4")}
    region = {"fall": figure, "fall_at_least": dict.fromkeys(auc, figure), "auc": auc}
    return {
        "whole": {"auc": auc},
        "regions": dict.fromkeys(("liver", *REGIONS), region),
        "scans": SCANS,
        "note": "a sample",
    }
