"""Organ ablation: a region becomes neutral tissue, and the network stages the scan again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float

from fibrolens.audit.subjects import Shown
from fibrolens.evaluate.bootstrap import bootstrap_auc
from fibrolens.evaluate.entries import estimated
from fibrolens.evaluate.saliency.effects import effects
from fibrolens.evaluate.saliency.means import or_nan, patient_mean
from fibrolens.explain.attention import NAMES
from fibrolens.explain.occlusion import grown_in
from fibrolens.staging.predict import StagingModel, predict_seen

#: The regions that do not hold one another, whose maps are compared with what the score loses.
APART = ("liver_surface", "liver_core", "spleen", "elsewhere")
THRESHOLDS = {"F>=2": 2, "F>=3": 3, "F4": 4}
NO_AUC = "an AUC needs scans on both sides of the threshold"
MM3_PER_LITRE = 1e6


def without(image: np.ndarray, mask: Bool[np.ndarray, "d h w"]) -> Float[np.ndarray, "d h w"]:
    """Grey levels with the voxels of `mask` replaced by what grows in from around them."""
    x = torch.from_numpy(image.astype(np.float32))[None, None]
    return np.asarray(grown_in(x, torch.from_numpy(np.ascontiguousarray(mask))[None])[0, 0].numpy())


def ablate(
    model: StagingModel, shown: Shown, masks: Mapping[str, Bool[np.ndarray, "d h w"]]
) -> dict[str, dict[str, Any]]:
    """Chances of F0 to F4 with each region gone, and its size in litres; under ``""`` those of the whole scan."""
    litre = float(np.prod(shown.scan.labels.geometry.spacing)) / MM3_PER_LITRE
    whole = predict_seen(model, shown.seen(model.plan))
    found: dict[str, dict[str, Any]] = {"": {"chances": whole.probabilities.tolist(), "litres": 0.0}}
    for name, mask in masks.items():
        if mask.any():
            gone = predict_seen(model, shown.seen(model.plan, without(shown.grey, mask)))
            found[name] = {"chances": gone.probabilities.tolist(), "litres": float(mask.sum()) * litre}
    return found


def ablation_figures(rows: Sequence[Mapping[str, Any]], generator: np.random.Generator) -> dict[str, Any]:
    """What the score loses with each region, ready for JSON.

    Args:
        rows: of each scan ``ablation`` (see `ablate`), ``predicted``, ``stages`` and ``number`` of its patient.
        generator: source of the draws.

    Returns:
        ``whole`` (the AUC of each threshold) and ``regions``: of each ``fall`` (of the predicted stage's probability),
        ``fall_at_least`` (of P(F >= k)), ``auc`` of each threshold with the region gone, and ``auc_lost``.
    """
    whole = _aucs(rows, "", generator)
    regions = {}
    for name in NAMES:
        auc = _aucs(rows, name, generator)
        falls = np.array([_fall(row, name, row["predicted"]) for row in rows])
        patient = np.array([row["number"] for row in rows])
        regions[name] = {
            "fall": patient_mean(falls, patient, generator),
            "fall_at_least": {
                key: patient_mean(np.array([_fall(row, name, slice(k, None)) for row in rows]), patient, generator)
                for key, k in THRESHOLDS.items()
            },
            "auc": auc,
        }
    note = "the sample holds each predicted stage about equally often, so these are not the study's AUCs"
    return {"whole": {"auc": whole}, "regions": regions, "scans": len(rows), "note": note}


def follows_ablation(rows: Sequence[Mapping[str, Any]], name: str, generator: np.random.Generator) -> dict[str, Any]:
    """Whether the maps of a recipe are dense where a litre of neutral tissue costs the predicted stage most.

    Densities know nothing of a region's size, so the fall of the probability is taken per litre as well.
    """
    density = np.array([[or_nan(row["regions"][name].get(one)) for one in APART] for row in rows])
    change = np.array([[_per_litre(row, one) for one in APART] for row in rows])
    patient = np.array([row["number"] for row in rows])
    return effects(APART, density, change, patient, generator) | {"unit": "fall of the probability per litre replaced"}


def _per_litre(row: Mapping[str, Any], name: str) -> float:
    litres = row["ablation"].get(name, {}).get("litres", 0.0)
    return _fall(row, name, row["predicted"]) / litres if litres else float("nan")


def _fall(row: Mapping[str, Any], name: str, stages: int | slice) -> float:
    if name not in row["ablation"]:
        return float("nan")
    before, after = (np.array(row["ablation"][one]["chances"]) for one in ("", name))
    return float(np.sum(before[stages]) - np.sum(after[stages]))


def _aucs(rows: Sequence[Mapping[str, Any]], name: str, generator: np.random.Generator) -> dict[str, Any]:
    """AUC of each threshold of the scans that it decides, with a region gone."""
    found = {}
    for key, k in THRESHOLDS.items():
        used = [row for row in rows if name in row["ablation"] and (min(row["stages"]) >= k or max(row["stages"]) < k)]
        positive = np.array([min(row["stages"]) >= k for row in used], dtype=bool)
        if positive.all() or not positive.any():
            found[key] = {"value": None, "interval": None, "reason": NO_AUC}
            continue
        score = np.array([sum(row["ablation"][name]["chances"][k:]) for row in used])
        auc = bootstrap_auc(positive, score, np.array([row["number"] for row in used]), generator)
        found[key] = estimated(auc.estimate, auc.low, auc.high, NO_AUC)
    return found
