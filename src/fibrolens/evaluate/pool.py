"""One evaluation of several hospitals' packets: AUCs pooled and side by side, calibration, markers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from fibrolens.errors import InputError, UsageError
from fibrolens.evaluate.binned import calibration, sides
from fibrolens.evaluate.entries import THIN, ends
from fibrolens.evaluate.intervals import CONFIDENCE, Interval
from fibrolens.evaluate.meta import METHOD, Pooled, random_effects
from fibrolens.evaluate.packet import CROSS_VALIDATION
from fibrolens.evaluate.scoregrid import ScoreGrid, added, binned_auc, tie_bound
from fibrolens.evaluate.sealed import Packet, Side, SiteThreshold
from fibrolens.evaluate.study import THRESHOLDS, threshold_name

METHODS = {
    "pooled_auc": "all scans of all hospitals ranked together: pairs within a hospital by its own AUC, pairs across "
    "hospitals by their histograms; error_bound is half the share of pairs that are of two hospitals and in one bin, "
    "beyond which the AUC of the scores themselves cannot lie; without an interval, which would take the hospitals for "
    "one population",
    "site_auc": "of the scores themselves, as the hospital's packet gives it; 95 % interval from DeLong's variance "
    "with patients as clusters, on the logit scale",
    "random_effects": f"of the hospitals' AUCs on the logit scale; {METHOD}",
    "at_half": "calls at P >= 0.5; 95 % Wilson interval with as many trials as patients",
    "calibration": "tenths of the probability; slope and intercept of a logistic regression on the logit of the score; "
    "scores are the middles of the histogram's bins",
    "markers": "scans, mean and standard deviation of the hospitals put together, by stage set; a hospital leaves out "
    "stage sets of few patients",
    "thin": f"fewer than {THIN} scans on one side",
}
NO_SPREAD = "no hospital's AUC has a variance"
ONE_SITE = "one hospital alone says nothing of the spread between hospitals"


def pool(packets: Sequence[Packet]) -> dict[str, Any]:
    """Everything that the packets say together, ready for JSON.

    Raises:
        UsageError: fewer than two packets.
        InputError: packets of different weights, or of the same scans.
    """
    require_poolable(packets)
    names = labels(packets)
    return {
        "schema_version": 1,
        "model": {"kind": packets[0].kind, "weights_sha256": sorted({w for p in packets for w in p.weights})},
        "sites": [_site(name, packet) for name, packet in zip(names, packets, strict=True)],
        "scans": sum(packet.content["counts"]["scans"] for packet in packets),
        "patients": sum(packet.content["counts"]["patients"] for packet in packets),
        "thresholds": {name: _threshold(name, names, packets) for name in map(threshold_name, THRESHOLDS)},
        "markers": pooled_moments([packet.content["markers"] for packet in packets]),
        "methods": METHODS,
    }


def require_poolable(packets: Sequence[Packet]) -> None:
    """Refuse packets that do not belong together.

    Raises:
        UsageError: fewer than two packets.
        InputError: weights differ, or the same scans stand in two packets.
    """
    if len(packets) < 2:
        raise UsageError("--merge needs the packets of two hospitals at least.")
    first: dict[Any, Packet] = {}
    for packet in packets:
        facts = [(name, t.auc, t.positive.scans, t.negative.scans) for name, t in sorted(packet.thresholds.items())]
        for key in (packet.seal, *([tuple(facts)] if facts else [])):
            if key in first:
                raise InputError(f"{first[key].path} and {packet.path} are of the same scans; give each hospital once.")
            first[key] = packet
    if len({packet.kind for packet in packets}) > 1:
        told = "; ".join(f"{packet.path}: {packet.kind}" for packet in packets)
        raise InputError(f"Fixed weights and own cross-validations cannot be pooled ({told}); merge each kind alone.")
    if packets[0].kind != CROSS_VALIDATION and len({packet.weights for packet in packets}) > 1:
        told = "; ".join(f"{packet.path}: {packet.weights[0][:12]}" for packet in packets)
        raise InputError(f"The packets are of different weights ({told}); merge those of the same weights alone.")


def labels(packets: Sequence[Packet]) -> list[str]:
    """The name of each hospital where it gave one, else its number; told apart where names repeat."""
    given = [packet.content["site"] or f"Hospital {n}" for n, packet in enumerate(packets, 1)]
    repeated = {name for name, count in Counter(given).items() if count > 1}
    return [f"{name} ({n})" if name in repeated else name for n, name in enumerate(given, 1)]


def pooled_moments(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Scans, mean and standard deviation of every marker by stage set, of all hospitals put together.

    Squares about the means are added (Chan et al., Am Stat 1983;37:242).
    """
    found: dict[str, dict[str, Any]] = {}
    for name in sorted({name for part in parts for name in part}):
        given = [part[name] for part in parts if name in part]
        sets = sorted({stages for part in given for stages in part})
        found[name] = {stages: _joined([part[stages] for part in given if stages in part]) for stages in sets}
    return found


def _joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    count, mean, sd = (np.array([part[key] for part in parts], dtype=float) for key in ("scans", "mean", "sd"))
    whole = float(count @ mean / count.sum())
    squares = float((count - 1) @ sd**2 + count @ (mean - whole) ** 2)
    deviation = math.sqrt(squares / (count.sum() - 1)) if count.sum() > 1 else 0.0
    return {"scans": int(count.sum()), "mean": whole, "sd": deviation, "sites": len(parts)}


def _site(name: str, packet: Packet) -> dict[str, Any]:
    content = packet.content
    return {
        "name": name,
        "sha256": packet.seal,
        **content["counts"],
        "least": content["least"],
        "bins_per_unit": packet.grid.per_unit,
        "source": content.get("source"),
        "shortcuts": content.get("shortcuts"),
    }


def _threshold(name: str, names: Sequence[str], packets: Sequence[Packet]) -> dict[str, Any]:
    given = {site: p for site, p in zip(names, packets, strict=True) if name in p.thresholds}
    withheld = [site for site in names if site not in given]
    if not given:
        return {"sites": [], "withheld": withheld, "pooled": None, "reason": "no hospital gives this threshold"}
    entries = [packet.thresholds[name] for packet in given.values()]
    together = random(entries)
    weights = together.pop("weights")
    area, bound, grid, positive, negative = pooled_auc(list(given.values()), name)
    return {
        "sites": [
            {"name": site, **_one(packet.thresholds[name], packet.grid, weight)}
            for (site, packet), weight in zip(given.items(), weights, strict=True)
        ],
        "withheld": withheld,
        "pooled": {"auc": area, "error_bound": bound} | sides(positive, negative, grid),
        "random_effects": together,
        "calibration": calibration(positive.bins, negative.bins, grid),
    }


def pooled_auc(packets: Sequence[Packet], name: str) -> tuple[float, float, ScoreGrid, Side, Side]:
    """AUC of all scans ranked together, how far it can be from that of the scores, and both sides of the threshold.

    Pairs of scans of one hospital are known exactly, by its own AUC; the bins tell of pairs across hospitals alone.

    Args:
        packets: of the hospitals that give the threshold.
        name: of the threshold.
    """
    entries = [(packet.grid, packet.thresholds[name]) for packet in packets]
    grid, above = added([(own, entry.positive.bins) for own, entry in entries])
    below = added([(own, entry.negative.bins) for own, entry in entries])[1]
    area, bound = binned_auc(above, below), tie_bound(above, below)
    for own, entry in entries:
        up, down = own.coarser(entry.positive.bins, grid), own.coarser(entry.negative.bins, grid)
        share = float(up.sum() * down.sum() / (above.sum() * below.sum()))
        area += share * (entry.auc - binned_auc(up, down))
        bound -= share * tie_bound(up, down)
    positive = Side(above, sum(entry.positive.patients for _, entry in entries))
    negative = Side(below, sum(entry.negative.patients for _, entry in entries))
    return area, max(bound, 0.0), grid, positive, negative


def _one(entry: SiteThreshold, grid: ScoreGrid, weight: float | None) -> dict[str, Any]:
    """One hospital's row of a threshold."""
    found = {"auc": entry.auc, "delong": ends(_delong(entry)), "weight": weight}
    expected = calibration(entry.positive.bins, entry.negative.bins, grid)
    large = {key: expected[key] for key in ("expected_share", "observed_share", "slope", "intercept")}
    return found | sides(entry.positive, entry.negative, grid) | {"calibration": large}


def _delong(entry: SiteThreshold) -> Interval:
    if entry.variance is None:
        return Interval(entry.auc, float("nan"), float("nan"))
    half = float(norm.ppf(0.5 + CONFIDENCE / 2)) * _logit_variance(entry) ** 0.5
    low, high = expit(logit(entry.auc) + np.array([-half, half]))
    return Interval(entry.auc, float(low), float(high))


def _logit_variance(entry: SiteThreshold) -> float:
    """By the delta rule."""
    return (entry.variance or 0.0) / (entry.auc * (1 - entry.auc)) ** 2


def random(entries: Sequence[SiteThreshold]) -> dict[str, Any]:
    """Random effects of the hospitals' AUCs, told as AUCs; each hospital's weight, None without a variance."""
    usable = [entry for entry in entries if entry.variance is not None and 0 < entry.auc < 1]
    if not usable:
        return {"auc": None, "reason": NO_SPREAD, "weights": [None] * len(entries)}
    variance = np.array([_logit_variance(entry) for entry in usable])
    found = random_effects(logit(np.array([entry.auc for entry in usable])), variance)
    shares = iter(found.weights)
    return _told(found, len(usable)) | {"weights": [next(shares) if entry in usable else None for entry in entries]}


def _told(found: Pooled, sites: int) -> dict[str, Any]:
    told: dict[str, Any] = {"auc": float(expit(found.mean.estimate)), "sites": sites}
    if sites < 2:
        return told | {"interval": None, "prediction": None, "reason": ONE_SITE}
    told |= {
        "interval": _expit(found.mean),
        "prediction": _expit(found.prediction),
        "tau2": found.tau2,
        "i2": found.i2,
        "q": found.q,
        "p_value": found.p_value,
    }
    return told if sites > 2 else told | {"reason": "a prediction interval needs three hospitals"}


def _expit(interval: Interval) -> list[float] | None:
    found = ends(interval)
    return None if found is None else expit(np.array(found)).tolist()
