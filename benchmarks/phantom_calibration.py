"""Whether the simulated cohort keeps to the published figures it is calibrated to.

Two parts, one report (``calibration.json``): the truth table of many sampled patients per stage, without rendering, and
what the markers measure on rendered full-grid CTs. AUCs are reweighted to each mix of stages; Hounsfield units are
those of equally many patients per stage. Seeds are fixed here. The rendered part keeps a line per patient in
``measured.jsonl`` and goes on where it stopped; remove that file when the simulator has changed.

usage: phantom_calibration.py [--out DIR] [--truth 5000] [--rendered 60] [--workers 1]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import binary_erosion
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from fibrolens.markers.nodularity import surface_nodularity
from fibrolens.markers.texture import liver_texture
from fibrolens.markers.volumes import lobe_ratio, organ_volume_ml
from fibrolens.phantom.fit import fit_patient
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import Patient, sample_patient
from fibrolens.phantom.render import Rendering, full_grid, render
from fibrolens.phantom.severity import LSN, LSN_SCATTER, LSVR, SPLEEN_ML
from fibrolens.plan import PAPER_MIX
from fibrolens.progress import Progress
from fibrolens.volume import Geometry, Volume

TRUTH_SEED, RENDER_SEED = 3_000_000, 3_000_001
STAGES = range(5)
MIXES = {"paper": PAPER_MIX, "equal": (1, 1, 1, 1, 1)}
THRESHOLDS = (2, 3, 4)
BOOTSTRAPS = 2000
#: Rendered patients per stage whose texture is measured as well; no published AUC waits for it.
TEXTURES = 30
#: AUC for F>=2, F>=3 and F4 that the published distributions imply.
IMPLIED_AUC: Mapping[str, Mapping[str, tuple[float, float, float]]] = {
    "paper": {"spleen": (0.905, 0.932, 0.938), "lsvr": (0.855, 0.862, 0.860), "lsn": (0.774, 0.792, 0.826)},
    "equal": {"spleen": (0.741, 0.832, 0.878), "lsvr": (0.797, 0.795, 0.808), "lsn": (0.675, 0.713, 0.818)},
}
LIVER_VOLUME_AUC = 0.51
#: Signs that a model of everything together may use.
EVERYTHING = ("spleen_volume_ml", "lsvr", "lsn", "texture_sd_hu", "portal_vein_mm", "parenchymal_enhancement",
              "ascites", "varices")  # fmt: skip
LOGARITHMIC = ("spleen_volume_ml", "lsvr", "lsn", "texture_sd_hu")
#: Tissues whose mean is measured, and how far their border is left out (millimetres).
TISSUES = {Organ.LIVER: 4.0, Organ.SPLEEN: 4.0, Organ.AORTA: 3.0, Organ.PORTAL_VEIN: 2.0, Organ.IVC: 3.0,
           Organ.KIDNEY: 2.0, Organ.MUSCLE: 2.0, Organ.GALLBLADDER: 3.0}  # fmt: skip


def main() -> None:
    """Sample, render, measure, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench/calibration"))
    parser.add_argument("--truth", type=int, default=5000, help="sampled patients per stage")
    parser.add_argument("--rendered", type=int, default=60, help="rendered patients per stage; 0 for none")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {"truth": truth_report(options.truth)}
    if options.rendered:
        report["rendered"] = rendered_report(measure_all(options.out, options.rendered, options.workers))
    (options.out / "calibration.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def truth_report(count: int) -> dict[str, Any]:
    """Means, spreads and AUCs of the truth table."""
    rows = [
        truth_row(sample_patient(np.random.default_rng([TRUTH_SEED, s, k]), s)) for s in STAGES for k in range(count)
    ]
    table = {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}
    stages = table["stage"].astype(int)
    report: dict[str, Any] = {"patients_per_stage": count}
    for name, published in (("spleen_volume_ml", SPLEEN_ML), ("lsvr", LSVR), ("lsn", LSN)):
        report[name] = [against(table[name][stages == s], published[s]) for s in STAGES]
    report["liver_volume_ml"] = [round(float(table["liver_volume_ml"][stages == s].mean()), 1) for s in STAGES]
    report["correlation_within_stage"] = within_stage_correlation(table, stages)
    for mix in MIXES:
        weights = mix_weights(stages, mix)
        report[f"auc_{mix}"] = {
            "spleen": aucs(table["spleen_volume_ml"], stages, weights),
            "lsvr": aucs(table["lsvr"], stages, weights),
            "lsn": aucs(as_read(table)["lsn"], stages, weights),
            "texture": aucs(table["texture_sd_hu"], stages, weights),
            "liver_volume": aucs(table["liver_volume_ml"], stages, weights),
            "everything": everything_auc(table, stages, weights),
            "everything_as_read": everything_auc(as_read(table), stages, weights),
            "implied": IMPLIED_AUC[mix],
        }
    return report


def truth_row(patient: Patient) -> dict[str, float]:
    """The true values of a patient, by name."""
    return {name: float(getattr(patient, name)) for name in (*EVERYTHING, "liver_volume_ml", "stage")}


def against(values: np.ndarray, published: tuple[float, float]) -> dict[str, float]:
    """Mean and SD beside the published ones."""
    mean, sd = float(values.mean()), float(values.std())
    return {"mean": round(mean, 3), "sd": round(sd, 3), "published_mean": published[0], "published_sd": published[1]}


def within_stage_correlation(table: Mapping[str, np.ndarray], stages: np.ndarray) -> list[float]:
    """Mean pairwise Spearman correlation of the graded signs, per stage."""
    names = (*LOGARITHMIC, "portal_vein_mm")
    found = []
    for stage in STAGES:
        ranks = [table[name][stages == stage].argsort().argsort() for name in names]
        found.append(round(float(np.corrcoef(ranks)[np.triu_indices(len(names), 1)].mean()), 3))
    return found


def mix_weights(stages: np.ndarray, mix: str) -> np.ndarray:
    """Weight of each patient, so that the stages stand in the mix."""
    counts = np.bincount(stages, minlength=5)
    return np.asarray(np.array(MIXES[mix])[stages] / counts[stages])


def aucs(score: np.ndarray, stages: np.ndarray, weights: np.ndarray) -> list[float]:
    """AUC for F>=2, F>=3 and F4."""
    return [round(float(roc_auc_score(stages >= k, score, sample_weight=weights)), 4) for k in THRESHOLDS]


def as_read(table: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The table with the surface as the marker reads it, scatter and all; nobody can see it better."""
    rng = np.random.default_rng(TRUTH_SEED)
    scatter = np.exp(LSN_SCATTER * rng.standard_normal(len(table["lsn"])))
    return {**table, "lsn": table["lsn"] * scatter}


def everything_auc(table: Mapping[str, np.ndarray], stages: np.ndarray, weights: np.ndarray) -> list[float]:
    """Cross-validated AUC of a quadratic logistic model of all true signs: about the best that can be read off them."""
    columns = [np.log(table[name]) if name in LOGARITHMIC else table[name] for name in EVERYTHING]
    x = np.stack(columns, axis=1)
    model = make_pipeline(
        StandardScaler(), PolynomialFeatures(2, include_bias=False), LogisticRegression(max_iter=2000)
    )
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    found = []
    for k in THRESHOLDS:
        chance = cross_val_predict(
            model,
            x,
            stages >= k,
            cv=folds,
            method="predict_proba",
            params={"logisticregression__sample_weight": weights},
        )
        found.append(round(float(roc_auc_score(stages >= k, chance[:, 1], sample_weight=weights)), 4))
    return found


def measure_all(out: Path, per_stage: int, workers: int) -> list[dict[str, Any]]:
    """Render and measure the patients that ``measured.jsonl`` does not hold yet."""
    path = out / "measured.jsonl"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    # A line that a kill cut short is measured again.
    rows = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    done = {(row["stage"], row["index"]) for row in rows}
    missing = [(s, k) for k in range(per_stage) for s in STAGES if (s, k) not in done]
    with get_context("spawn").Pool(workers) as pool, Progress(len(missing), "rendering and measuring") as progress:
        for row in pool.imap_unordered(measure_one, missing):
            with path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            rows.append(row)
            progress.advance()
    return [row for row in rows if row["index"] < per_stage]


def measure_one(job: tuple[int, int]) -> dict[str, Any]:
    """Render one patient on the full grid and measure it as a study would, on the true masks."""
    stage, index = job
    patient = sample_patient(np.random.default_rng([RENDER_SEED, stage, index]), stage)
    rendering = render(patient, liver_slices(patient))
    liver, spleen = (mask_of(rendering, organ) for organ in (Organ.LIVER, Organ.SPLEEN))
    nodularity = surface_nodularity(rendering.hu, liver)
    texture = liver_texture(rendering.hu, liver, reference=spleen) if index < TEXTURES else None
    return {
        "stage": stage, "index": index, "steatosis": patient.steatosis, "noise_hu": patient.scan.noise_hu,
        "slice_mm": patient.scan.slice_mm, "lsn": nodularity.lsn, "lsn_true": patient.lsn,
        "nodularity_mm": patient.nodularity_mm, "texture": texture and texture.heterogeneity_hu,
        "texture_sd_hu": patient.texture_sd_hu, "liver_ml": organ_volume_ml(liver),
        "liver_volume_ml": patient.liver_volume_ml, "lsvr": lobe_ratio(rendering.segments),
        "lsvr_true": patient.lsvr, **tissue_means(rendering),
    }  # fmt: skip


def liver_slices(patient: Patient) -> Geometry:
    """The patient's full grid, but for slices that show no liver: they would be rendered for nothing."""
    grid = full_grid(patient)
    low, high = (round((z - grid.origin[2]) / grid.spacing[0]) for z in fit_patient(patient).liver_z)
    first, last = max(low - 3, 0), min(high + 3, grid.shape[0] - 1)
    origin = (grid.origin[0], grid.origin[1], grid.origin[2] + first * grid.spacing[0])
    return replace(grid, shape=(last - first + 1, *grid.shape[1:]), origin=origin)


def mask_of(rendering: Rendering, organ: Organ) -> Volume:
    """Boolean mask of an organ on the CT's grid."""
    return rendering.labels.with_array(rendering.labels.array == organ)


def tissue_means(rendering: Rendering) -> dict[str, float | None]:
    """Median HU of each tissue away from its border, and the SD of the noise in the aorta (mean over its slices)."""
    found: dict[str, float | None] = {}
    pixel = rendering.hu.geometry.spacing[1]
    for organ, border in TISSUES.items():
        mask = rendering.labels.array == organ
        steps = max(1, round(border / pixel))
        inside = binary_erosion(mask, np.ones((1, 3, 3), bool), iterations=steps)
        values = rendering.hu.array[inside]
        found[f"{organ.name.lower()}_hu"] = float(np.median(values)) if values.size > 50 else None
        if organ == Organ.AORTA:
            slices = [rendering.hu.array[z][inside[z]] for z in range(len(inside)) if inside[z].sum() > 30]
            found["noise_sd_hu"] = float(np.mean([s.std() for s in slices])) if slices else None
    return found


def rendered_report(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Measured markers: AUC with bootstrap intervals, per-stage means, tissue HU, fidelity of the volumes."""
    stages = np.array([row["stage"] for row in rows])
    report: dict[str, Any] = {"patients_per_stage": int(np.bincount(stages).min())}

    def column(name: str) -> np.ndarray:
        return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)

    for name in ("lsn", "texture"):
        values = column(name)
        report[name] = [against_stage(values, stages, s, LSN if name == "lsn" else None) for s in STAGES]
        report[f"{name}_measured"] = [int((~np.isnan(values[stages == s])).sum()) for s in STAGES]
        for mix in MIXES:
            report[f"auc_{name}_{mix}"] = auc_intervals(values, stages, mix, IMPLIED_AUC[mix].get(name))
    steatosis = column("steatosis") > 0
    report["hu"] = {
        "liver": summary(column("liver_hu")[~steatosis]), "liver_steatosis": summary(column("liver_hu")[steatosis]),
        **{name: summary(column(f"{name}_hu")) for name in ("spleen", "aorta", "portal_vein", "ivc", "kidney", "muscle",
                                                            "gallbladder")},
        "noise_sd": summary(column("noise_sd_hu")),
    }  # fmt: skip
    for name, true in (("liver_ml", "liver_volume_ml"), ("lsvr", "lsvr_true")):
        error = column(name) / column(true) - 1
        report[f"{name}_error"] = {
            "mean": round(float(error.mean()), 4),
            "p95": round(float(np.percentile(np.abs(error), 95)), 4),
        }
    return report


def against_stage(
    values: np.ndarray, stages: np.ndarray, stage: int, published: Sequence[tuple[float, float]] | None
) -> dict[str, float]:
    """Mean and SD of one stage, beside the published ones where there are any."""
    found = values[(stages == stage) & ~np.isnan(values)]
    if published is None:
        return {"mean": round(float(found.mean()), 3), "sd": round(float(found.std()), 3)}
    return against(found, published[stage])


def auc_intervals(
    values: np.ndarray, stages: np.ndarray, mix: str, implied: Sequence[float] | None
) -> list[dict[str, Any]]:
    """AUC per threshold in a mix, with the 95 % interval of a bootstrap within the stages."""
    known = ~np.isnan(values)
    values, stages = values[known], stages[known]
    rng = np.random.default_rng(0)

    def auc(pick: np.ndarray, k: int) -> float:
        return float(roc_auc_score(stages[pick] >= k, values[pick], sample_weight=mix_weights(stages[pick], mix)))

    members = [np.flatnonzero(stages == s) for s in STAGES]
    draws = [np.concatenate([rng.choice(m, len(m)) for m in members]) for _ in range(BOOTSTRAPS)]
    everyone = np.arange(len(stages))
    return [threshold(k, auc, everyone, draws, implied) for k in THRESHOLDS]


def threshold(
    k: int, auc: Callable[[np.ndarray, int], float], everyone: np.ndarray, draws: Sequence[np.ndarray],
    implied: Sequence[float] | None,
) -> dict[str, Any]:  # fmt: skip
    """One threshold's figures; met where the implied value lies in the interval or within 0.05."""
    value = auc(everyone, k)
    low, high = np.percentile([auc(draw, k) for draw in draws], [2.5, 97.5])
    row: dict[str, Any] = {"at_least": f"F{k}", "auc": round(value, 3), "ci": [round(low, 3), round(high, 3)]}
    if implied is not None:
        target = implied[k - 2]
        row |= {"implied": target, "met": bool(low <= target <= high or abs(value - target) <= 0.05)}
    return row


def summary(values: np.ndarray) -> dict[str, float]:
    """Mean and SD of what was measured."""
    values = values[~np.isnan(values)]
    return {"mean": round(float(values.mean()), 1), "sd": round(float(values.std()), 1), "n": int(values.size)}


if __name__ == "__main__":
    main()
