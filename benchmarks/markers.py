"""How well the markers measure what the simulator planted: nodularity, LSVR and volumes against their targets.

Two parts, one report (``markers.json``), each target printed beside what was measured:

- ``livers``: new patients, equally many per stage, whose surface is planted log-uniformly between 0.1 and 1.5 mm, on
  the slices and pixels of their own full grid, cropped to the liver (every fifth to liver and spleen).
- ``repeats``: livers painted once without noise on fine pixels, then seen on pixels of 0.6 to 0.9 mm under noise of 8
  to 15 HU, which is drawn anew for each scan. Their parts are also counted on a grid of 1 mm, as a truth for volumes
  that does not hang on how well the simulator meets its intentions.

Seeds are fixed; ``--seed`` takes other patients. Each part keeps a line per patient in its ``.jsonl`` and goes on where
it stopped; remove those when simulator or markers have changed.

usage: markers.py [--out DIR] [--livers 225] [--repeats 30] [--seed 0] [--workers 1]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import affine_transform
from scipy.stats import spearmanr

from fibrolens.markers.lobes import approximate_lobe_ratio
from fibrolens.markers.nodularity import MAX_PIXEL_MM, surface_nodularity
from fibrolens.markers.volumes import lobe_ratio, organ_volume_ml
from fibrolens.phantom.acquisition import KERNELS, REFERENCE_SLICE_MM, noise
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import Patient, sample_patient
from fibrolens.phantom.render import Rendering, full_grid, render
from fibrolens.progress import Progress
from fibrolens.volume import Geometry, Triple, Volume

SEED = 5_000_000
AMPLITUDE_MM = (0.1, 1.5)
#: A scan is seen at each of these noise levels (SD in the middle of the body) and pixel spacings, but the same liver.
NOISE_HU, PIXEL_MM = (8.0, 11.0, 15.0), (0.6, 0.75, 0.9)
#: Every other scan of a liver is compared to this one, the middle of both ranges.
REFERENCE = (11.0, 0.75)
EXTREMES = (((8.0, 0.75), (15.0, 0.75)), ((11.0, 0.6), (11.0, 0.9)), ((8.0, 0.6), (15.0, 0.9)))
FINE_MM, TOO_WIDE_MM = 0.45, 1.05
#: The grid that finds where the liver is, and how much is rendered around it.
COARSE_MM, AROUND_MM = (10.0, 6.0, 6.0), 14.0
TRUTH_MM = (1.0, 1.0, 1.0)
#: So many of the repeated livers are counted on that grid.
TRUTHS = 20
BOOTSTRAPS = 2000
Row = dict[str, Any]


def main() -> None:
    """Render, measure, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench/markers"))
    parser.add_argument("--livers", type=int, default=225)
    parser.add_argument("--repeats", type=int, default=30, help="livers that are scanned again and again")
    parser.add_argument("--seed", type=int, default=0, help="other patients than those of the documentation")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    parts: tuple[tuple[str, Callable[[tuple[int, int]], Row], int], ...] = (
        ("repeats", measure_repeats, options.repeats),
        ("livers", measure_liver, options.livers),
    )
    rows = {name: measure_all(options, name, measure_one, count) for name, measure_one, count in parts}
    report = [*nodularity_report(rows["livers"]), *repeats_report(rows["repeats"]), *lobes_report(rows["livers"]),
              *volumes_report(rows["livers"], rows["repeats"])]  # fmt: skip
    (options.out / "markers.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for line in table(report):
        print(line)


def measure_all(
    options: argparse.Namespace, name: str, measure_one: Callable[[tuple[int, int]], Row], count: int
) -> list[Row]:
    """Render and measure the patients that the part's file does not hold yet."""
    path = options.out / f"{name}.jsonl"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    # A line that a kill cut short is measured again.
    rows = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    done = {(row["seed"], row["index"]) for row in rows}
    missing = [(options.seed, k) for k in range(count) if (options.seed, k) not in done]
    with get_context("spawn").Pool(options.workers) as pool, Progress(len(missing), name) as progress:
        for row in pool.imap_unordered(measure_one, missing):
            with path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            rows.append(row)
            progress.advance()
    return [row for row in rows if row["seed"] == options.seed and row["index"] < count]


def draw(part: int, seed: int, index: int, amplitude_mm: float | None = None) -> Patient:
    """A new patient, stages in turn, with a planted surface; very high waves are also long ones, as ever."""
    rng = np.random.default_rng([SEED + seed, part, index])
    patient = sample_patient(rng, index % 5, f"M{index:04d}")
    if amplitude_mm is None:
        amplitude_mm = float(np.exp(rng.uniform(*np.log(AMPLITUDE_MM))))
    longer = 6 * (max(amplitude_mm - 0.8, 0) - max(patient.nodularity_mm - 0.8, 0))
    nodule_mm = float(np.clip(patient.nodule_mm + longer, 4.0, 20.0))
    return replace(patient, nodularity_mm=amplitude_mm, nodule_mm=nodule_mm)


def around(patient: Patient, organs: Sequence[Organ], spacing: Triple) -> Geometry:
    """A grid of this spacing around some organs, which are looked for on a coarse one."""
    full = full_grid(patient)
    shape = tuple(int(np.ceil(n * s / c)) for n, s, c in zip(full.shape, full.spacing, COARSE_MM, strict=True))
    coarse = replace(full, shape=shape, spacing=COARSE_MM)
    at = np.nonzero(np.isin(render(patient, coarse).labels.array, organs))
    low = [full.origin[2 - k] + COARSE_MM[k] * at[k].min() - AROUND_MM for k in range(3)]
    high = [full.origin[2 - k] + COARSE_MM[k] * at[k].max() + AROUND_MM for k in range(3)]
    shape = tuple(int(np.ceil((b - a) / s)) for a, b, s in zip(low, high, spacing, strict=True))
    return Geometry(shape, spacing, (low[2], low[1], low[0]))


def measure_liver(job: tuple[int, int]) -> Row:
    """One patient as scanned, on the true masks."""
    seed, index = job
    patient = draw(0, seed, index)
    organs = (Organ.LIVER, Organ.SPLEEN) if index % 5 == index // 5 % 5 else (Organ.LIVER,)
    rendering = render(patient, around(patient, organs, full_grid(patient).spacing))
    liver = mask_of(rendering, Organ.LIVER)
    found, split = surface_nodularity(rendering.hu, liver), approximate_lobe_ratio(liver)
    spleen_ml = organ_volume_ml(mask_of(rendering, Organ.SPLEEN)) if len(organs) > 1 else None
    return {
        "seed": seed, "index": index, "stage": patient.stage, "slice_mm": patient.scan.slice_mm,
        "pixel_mm": patient.scan.pixel_mm, "noise_hu": patient.scan.noise_hu, "ascites": patient.ascites,
        "nodule_mm": patient.nodule_mm, "amplitude_mm": patient.nodularity_mm, **surface_row(found),
        "liver_ml": organ_volume_ml(liver), "liver_ml_true": patient.liver_volume_ml,
        "spleen_ml": spleen_ml, "spleen_ml_true": patient.spleen_volume_ml,
        "lsvr": lobe_ratio(rendering.segments), "lsvr_true": patient.lsvr,
        "lsvr_mask": split.ratio, "lsvr_reason": split.reason, "place": split.place, "dip_cm2": split.dip_cm2,
    }  # fmt: skip


def surface_row(found: Any) -> Row:
    """What the nodularity says."""
    return {"lsn": found.lsn, "noise": found.noise, "surface_mm": found.amplitude_mm, "rms_mm": found.rms_mm,
            "arcs": found.arcs, "reason": found.reason}  # fmt: skip


def measure_repeats(job: tuple[int, int]) -> Row:
    """One liver under every noise and pixel spacing, and its parts on the grid of the truth."""
    seed, index = job
    low, high = np.log(AMPLITUDE_MM)
    # The golden ratio spreads any number of amplitudes evenly.
    patient = draw(1, seed, index, float(np.exp(low + (high - low) * ((index + 0.5) * 0.618034 % 1))))
    quiet = replace(patient, scan=replace(patient.scan, noise_hu=0.0))
    thickness = patient.scan.slice_mm
    fine = render(quiet, around(patient, [Organ.LIVER], (thickness, FINE_MM, FINE_MM)))
    parts = render(quiet, around(patient, [Organ.LIVER], TRUTH_MM)).segments if index < TRUTHS else None
    scans = [
        {"noise_hu": sd, "pixel_mm": pixel, **surface_row(surface_nodularity(*scan))}
        for sd, pixel, scan in scans_of(patient, fine)
    ]
    wide = surface_nodularity(*seen(fine, TOO_WIDE_MM))
    return {
        "seed": seed, "index": index, "stage": patient.stage, "slice_mm": thickness, "kernel": patient.scan.kernel,
        "nodule_mm": patient.nodule_mm, "amplitude_mm": patient.nodularity_mm, "scans": scans,
        "quiet": surface_row(surface_nodularity(*seen(fine, REFERENCE[1]))),
        "too_wide": wide.reason, "liver_ml": organ_volume_ml(fine.segments), "lsvr": lobe_ratio(fine.segments),
        "liver_ml_true": parts and organ_volume_ml(parts), "lsvr_true": parts and lobe_ratio(parts),
    }  # fmt: skip


def scans_of(patient: Patient, fine: Rendering) -> Iterator[tuple[float, float, tuple[Volume, Volume]]]:
    """The liver under every noise and on all pixels; each scan has noise of its own."""
    thickness = patient.scan.slice_mm
    for i, pixel in enumerate(PIXEL_MM):
        ct, liver = seen(fine, pixel)
        for k, sd in enumerate(NOISE_HU):
            scale = KERNELS[patient.scan.kernel].strength * (REFERENCE_SLICE_MM / thickness) ** 0.5
            scan = replace(patient.scan, noise_hu=sd / scale)
            other = replace(patient, scan=scan, seed=patient.seed + 1 + 10 * i + k)
            yield sd, pixel, (ct.with_array(np.rint(ct.array + noise(other, ct.geometry))), liver)


def seen(fine: Rendering, pixel_mm: float) -> tuple[Volume, Volume]:
    """CT and liver mask on other pixels: what the scanner blurred already is only sampled anew (cubic splines)."""
    old = fine.hu.geometry
    step = pixel_mm / old.spacing[1]
    rows, columns = (int((n - 1) / step) for n in old.shape[1:])
    grid = replace(old, shape=(old.shape[0], rows, columns), spacing=(old.spacing[0], pixel_mm, pixel_mm))
    liver = (fine.labels.array == Organ.LIVER).astype(np.float32)
    hu, inside = (
        np.stack([affine_transform(picture, (step, step), output_shape=(rows, columns), order=order) for picture in of])
        for of, order in ((fine.hu.array.astype(np.float32), 3), (liver, 1))
    )
    return Volume(hu, grid, fine.hu.source), Volume(inside >= 0.5, grid, fine.labels.source)


def mask_of(rendering: Rendering, organ: Organ) -> Volume:
    """Boolean mask of an organ on the CT's grid."""
    return rendering.labels.with_array(rendering.labels.array == organ)


def nodularity_report(rows: Sequence[Row]) -> Iterator[Row]:
    """Rank correlation with the planted amplitude, in all and by what could disturb it."""
    known = [row for row in rows if row["lsn"] is not None]
    yield correlation("nodularity against planted amplitude", ">= 0.9", known, "lsn", "amplitude_mm")
    yield correlation("... without noise", ">= 0.9", known, "surface_mm", "amplitude_mm")
    for thickness in (2.5, 3.0, 4.0, 5.0):
        some = [row for row in known if row["slice_mm"] == thickness]
        yield correlation(f"... slices of {thickness:g} mm", "", some, "lsn", "amplitude_mm")
    for low, high in ((0.1, 0.3), (0.3, 1.5)):
        some = [row for row in known if low <= row["amplitude_mm"] < high]
        yield correlation(f"... amplitude {low:g} to {high:g} mm", "", some, "lsn", "amplitude_mm")
    yield share("nodularity not measurable: too little edge faces fat", "", [row["lsn"] is None for row in rows])


def repeats_report(rows: Sequence[Row]) -> Iterator[Row]:
    """How nodularity changes with noise and pixels, per scan and in the mean, without the noise and as it is."""
    others = [(sd, pixel) for sd in NOISE_HU for pixel in PIXEL_MM if (sd, pixel) != REFERENCE]
    for name, key, wanted in (("without noise", "surface_mm", True), ("as it is", "lsn", False)):
        whole, mean = ("all", "-1 to 1") if wanted else ("", "")
        changes = np.array([[change(row, scan, REFERENCE, key) for scan in others] for row in rows])
        seldom = np.isnan(changes).all(1)
        yield interval(f"nodularity {name}: within 10 % or 0.02 mm of the scan at 11 HU, 0.75 mm", whole,
                       changes[~seldom], share_allowed, percent=True)  # fmt: skip
        yield interval("... 95th percentile of the change, in units of what is allowed", "", changes[~seldom], most)
        for k, (sd, pixel) in enumerate(others):
            yield interval(f"... mean change at {sd:g} HU, {pixel:g} mm", mean, changes[~seldom, k], np.nanmean)
        for (a, b), (c, d) in EXTREMES:
            found = np.array([change(row, (c, d), (a, b), key) for row in rows])
            known = found[~np.isnan(found)]
            title = f"... from {a:g} HU, {b:g} mm to {c:g} HU, {d:g} mm"
            yield interval(f"{title}: mean change", mean, known, np.mean)
            yield share(f"{title}: within 10 % or 0.02 mm", whole, np.abs(known) <= 1)
    refused = [bool(row["too_wide"]) for row in rows]
    yield share(f"nodularity refused on pixels of {TOO_WIDE_MM:g} mm (limit {MAX_PIXEL_MM:g} mm)", "all", refused)


def share_allowed(changes: np.ndarray) -> float:
    """Share of the scans of these livers that change by no more than is allowed."""
    return float(np.mean(np.abs(changes[~np.isnan(changes)]) <= 1))


def most(changes: np.ndarray) -> float:
    """95th percentile of the change over the scans of these livers."""
    return float(np.nanpercentile(np.abs(changes), 95))


def change(row: Row, scan: tuple[float, float], base: tuple[float, float], key: str) -> float:
    """Change of a liver between two scans; 1 is what is allowed: 10 % or 0.02 mm, whichever is larger."""
    before, after = value_at(row, base, key), value_at(row, scan, key)
    if before is None or after is None:
        return np.nan
    return (after - before) / max(0.1 * before, 0.2 if key == "lsn" else 0.02)


def value_at(row: Row, scan: tuple[float, float], key: str) -> float | None:
    """Nodularity of one scan (noise, pixels) of a liver."""
    (value,) = (s[key] for s in row["scans"] if (s["noise_hu"], s["pixel_mm"]) == scan)
    return None if value is None else float(value)


def lobes_report(rows: Sequence[Row]) -> Iterator[Row]:
    """LSVR from the mask alone, against the parts."""
    known = [row for row in rows if row["lsvr_mask"] is not None]
    yield correlation("LSVR from the mask alone, against the parts", ">= 0.8", known, "lsvr_mask", "lsvr")
    yield interval("... median error", "<= 20 %", errors(known, "lsvr_mask", "lsvr"), np.median, percent=True)
    yield interval("... 90th percentile", "", errors(known, "lsvr_mask", "lsvr"), percentile_90, percent=True)
    yield share("... not measurable: no fissure shows", "", [row["lsvr_mask"] is None for row in rows])


def volumes_report(rows: Sequence[Row], repeats: Sequence[Row]) -> Iterator[Row]:
    """Volumes and exact LSVR: against a count on 1 mm voxels, and against what the simulator intended."""
    repeats = [row for row in repeats if row["lsvr_true"] is not None]
    spleens = [row for row in rows if row["spleen_ml"] is not None]
    for name, key, some, target in (
        ("LSVR from the true parts, against 1 mm voxels", "lsvr", repeats, "<= 1 %"),
        ("liver volume in the true mask, against 1 mm voxels", "liver_ml", repeats, "<= 1 %"),
        ("LSVR from the true parts, against the intended", "lsvr", rows, ""),
        ("liver volume in the true mask, against the intended", "liver_ml", rows, ""),
        ("spleen volume in the true mask, against the intended", "spleen_ml", spleens, ""),
    ):
        found = errors(some, key, f"{key}_true")
        yield interval(f"{name}: median error", target, found, np.median, percent=True)
        yield interval("... 95th percentile", target, found, percentile_95, percent=True)
        yield interval("... largest", "", found, np.max, percent=True)


def errors(rows: Sequence[Row], found: str, true: str) -> np.ndarray:
    """Relative errors without their signs."""
    return np.array([abs(row[found] / row[true] - 1) for row in rows])


def percentile_90(values: np.ndarray) -> float:
    """The 90th percentile."""
    return float(np.percentile(values, 90))


def percentile_95(values: np.ndarray) -> float:
    """The 95th percentile."""
    return float(np.percentile(values, 95))


def correlation(name: str, target: str, rows: Sequence[Row], found: str, true: str) -> Row:
    """Spearman's rank correlation of two columns."""
    pairs = np.array([(row[found], row[true]) for row in rows]).reshape(-1, 2)
    return interval(f"{name}: Spearman", target, pairs, lambda p: float(spearmanr(p[:, 0], p[:, 1]).statistic))


def interval(
    name: str, target: str, values: Any, statistic: Callable[[np.ndarray], Any], *, percent: bool = False
) -> Row:
    """A figure with the 95 % interval of a bootstrap over patients."""
    values = np.asarray(values)
    if len(values) < 3:
        return {"name": name, "target": target, "n": len(values), "measured": None, "ci": None, "percent": percent}
    rng = np.random.default_rng(0)
    draws = [float(statistic(values[rng.integers(len(values), size=len(values))])) for _ in range(BOOTSTRAPS)]
    low, high = (float(v) for v in np.nanpercentile(draws, [2.5, 97.5]))
    measured = float(statistic(values))
    return {"name": name, "target": target, "n": len(values), "measured": measured, "ci": [low, high],
            "percent": percent}  # fmt: skip


def share(name: str, target: str, hits: Any) -> Row:
    """A share with Wilson's 95 % interval."""
    n, z = len(hits), 1.96
    if not n:
        return {"name": name, "target": target, "n": 0, "measured": None, "ci": None, "percent": True}
    p = float(np.mean(hits))
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    return {"name": name, "target": target, "n": n, "measured": p, "ci": [middle - half, middle + half],
            "percent": True}  # fmt: skip


def table(report: Sequence[Row]) -> Iterator[str]:
    """Target and measured side by side."""
    yield "| figure | target | measured | 95 % interval | n |"
    yield "|---|---|---|---|---|"
    for row in report:
        shown = [row["measured"], *(row["ci"] or ())]
        text = ["-" if v is None else f"{100 * v:.1f} %" if row["percent"] else f"{v:.3f}" for v in shown]
        yield f"| {row['name']} | {row['target']} | {text[0]} | {' to '.join(text[1:])} | {row['n']} |"


if __name__ == "__main__":
    main()
