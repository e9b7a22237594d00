"""Train the shipped staging weights on simulated patients, measure them on fresh ones, and write their model folder.

Every step is kept in the --work folder: run it again after an interruption and it goes on where it stopped, to the
same weights.

    python scripts/train_lfs.py --work runs/lfs --out src/fibrolens/shipped/lfs --minutes 60
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from jaxtyping import Float
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score
from torch import Tensor

from fibrolens.errors import UsageError
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import render, small_grid
from fibrolens.phantom.severity import paper_stages
from fibrolens.plan import STAGES, GridPlan, Plan, read_plan, write_plan
from fibrolens.progress import Progress
from fibrolens.staging.data import StagingCase, prepare_case
from fibrolens.staging.domain import fit_domain
from fibrolens.staging.network import fast, new_network
from fibrolens.staging.plans import small_plan
from fibrolens.staging.predict import Prediction, StagingModel, predict
from fibrolens.staging.train import train
from fibrolens.weights import load_model_folder, save_model_folder

#: Seeds of simulated patients from here on belong to the shipped weights; cohorts take smaller ones.
TRAINING_SEED, FRESH_SEED = 1_000_000, 1_000_001
INTENDED_USE = "research use only; not a medical device"
#: float16 storage may change no probability by more than this.
HALF_TOLERANCE = 1e-3
TIMED_STEPS = 8
#: Every so many training patients the domain check takes one: it needs some hundreds, and each costs a prediction.
DOMAIN_EVERY = 4
#: Figures of the card, by what they are for.
AUCS = {"auc_at_least_F2": "F >= 2", "auc_at_least_F3": "F >= 3", "auc_F4": "F4"}


@dataclass(frozen=True)
class Group:
    """Simulated patients of one purpose: their folder in the cache, seed and stages."""

    name: str
    seed: int
    stages: tuple[int, ...]


def main() -> None:
    """Simulate, train, measure, write."""
    options = _options()
    training = Group("training", TRAINING_SEED, _training_stages(options.patients)[: options.limit])
    fresh = Group("fresh", FRESH_SEED, tuple(paper_stages(options.fresh)))
    grid = small_plan().grid
    cases = simulate(training, options.work / "cases", grid, options.workers)
    plan = choose_plan(options, cases)
    with Progress(plan.training.steps, "training") as progress:
        weights = load_file(train(cases, plan, options.work / "training", progress=progress))
    unseen = simulate(fresh, options.work / "cases", grid, options.workers)
    write_model(options.out, plan, weights, cases, unseen)


def simulate(group: Group, cache: Path, grid: GridPlan, workers: int) -> list[StagingCase]:
    """The group's cases on the network grid, simulated where the cache does not hold them yet."""
    folder = cache / group.name
    folder.mkdir(parents=True, exist_ok=True)
    missing = [k for k in range(len(group.stages)) if not _file(folder, k).is_file()]
    if missing:
        one = partial(_simulate_one, group, folder, grid)
        label = f"simulating {group.name} patients"
        with get_context("spawn").Pool(workers) as pool, Progress(len(missing), label) as progress:
            for _ in pool.imap_unordered(one, missing):
                progress.advance()
    cases = [_read_case(_file(folder, k)) for k in range(len(group.stages))]
    if any(case.stage != stage for case, stage in zip(cases, group.stages, strict=True)):
        raise UsageError(f"{folder} was simulated for another number of patients; choose another --work folder.")
    return cases


def choose_plan(options: argparse.Namespace, cases: Sequence[StagingCase]) -> Plan:
    """The plan in the work folder, or a new one whose steps fit the minutes on this machine."""
    path: Path = options.work / "plan.json"
    if path.is_file():
        return read_plan(path, Plan)
    plan = small_plan()
    steps = options.steps or max(1, int(options.minutes * 60 / _seconds_per_step(cases, plan, options.work / "timing")))
    plan = replace(plan, training=replace(plan.training, steps=steps))
    write_plan(plan, path)
    return plan


def write_model(
    out: Path, plan: Plan, weights: Mapping[str, Tensor], cases: Sequence[StagingCase], unseen: Sequence[StagingCase]
) -> None:
    """Measure the weights on unseen patients, fit the domain check, and write the model folder with its card."""
    full = _model(plan, weights)
    predictions = _predict_all(full, unseen, "measuring")
    known = _features(_predict_all(full, cases[::DOMAIN_EVERY], "fitting the domain check"))
    domain = fit_domain(known, _features(predictions))
    figures = _figures(predictions, unseen)
    card: dict[str, object] = {
        "name": "lfs-small",
        "trained_on": f"simulated CT ({len(cases)} patients), research only",
        "intended_use": INTENDED_USE,
        "figures": figures,
        "seed": plan.training.seed,
    }
    save_model_folder(out, weights, plan, card, domain=domain.tensors(), half=True)
    change = _largest_change(predictions, _predict_all(StagingModel.load(out), unseen, "checking float16"))
    storage = f"float16 kernels; no probability differs from float32 by more than {change:.1e}"
    if change > HALF_TOLERANCE:
        save_model_folder(out, weights, plan, card, domain=domain.tensors(), half=False)
        storage = f"float32, because float16 would change a probability by {change:.1e}"
    (out / "MODEL_CARD.md").write_text(_card_text(out, plan, cases, storage), encoding="utf-8")
    print(f"{out}: {figures}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=1000, help="simulated patients to train on")
    parser.add_argument("--limit", type=int, help="train on the first so many of them, where time is short")
    parser.add_argument("--fresh", type=int, default=200, help="further patients, in the paper's mix, to measure on")
    parser.add_argument("--minutes", type=float, default=60.0, help="training time, from which the steps follow")
    parser.add_argument("--steps", type=int, help="training steps, instead of --minutes")
    parser.add_argument("--workers", type=int, default=1, help="processes that simulate")
    parser.add_argument("--work", type=Path, default=Path("runs/lfs"), help="cache and checkpoints")
    parser.add_argument("--out", type=Path, default=Path("runs/lfs/model"), help="model folder")
    return parser.parse_args()


def _training_stages(n: int) -> tuple[int, ...]:
    """Half in the paper's mix, half with equal stages, so that the rare stages are learnt."""
    half = n // 2
    return (*paper_stages(half), *(k % len(STAGES) for k in range(n - half)))


def _file(folder: Path, index: int) -> Path:
    return folder / f"{index:05d}.npz"


def _simulate_one(group: Group, folder: Path, grid: GridPlan, index: int) -> None:
    """Simulate one patient and keep it; it depends on the group's seed, its index and its stage alone."""
    stage = group.stages[index]
    name = f"{group.name}-{index:05d}"
    patient = sample_patient(np.random.default_rng([group.seed, index]), stage, name)
    scan = render(patient, small_grid(patient))
    liver = scan.labels.with_array(scan.labels.array == Organ.LIVER)
    case = prepare_case(scan.hu, liver, grid, scan_id=name, patient_id=name, stage=stage)
    aside = _file(folder, index).with_suffix(".partial")
    with aside.open("wb") as stream:
        np.savez_compressed(stream, image=case.image, facts=[case.stage, case.liver_first, case.liver_last])
    aside.replace(_file(folder, index))


def _read_case(path: Path) -> StagingCase:
    with np.load(path) as content:
        stage, first, last = (int(v) for v in content["facts"])
        return StagingCase(path.stem, path.stem, stage, content["image"], first, last)


def _seconds_per_step(cases: Sequence[StagingCase], plan: Plan, work: Path) -> float:
    """Measured on a short training of its own, after one step that warms up."""
    for steps, name in ((1, "warm"), (TIMED_STEPS, "timed")):
        started = time.perf_counter()
        train(cases, replace(plan, training=replace(plan.training, steps=steps)), work / name)
    return (time.perf_counter() - started) / TIMED_STEPS


def _model(plan: Plan, weights: Mapping[str, Tensor]) -> StagingModel:
    network = new_network(plan.network, plan.training.seed)
    network.load_state_dict(dict(weights))
    return StagingModel(plan, fast(network.eval()), {}, "")


def _predict_all(model: StagingModel, cases: Sequence[StagingCase], label: str) -> list[Prediction]:
    predictions = []
    with Progress(len(cases), label) as progress:
        for case in cases:
            image = case.image.astype(np.float32) / np.float32(255.0)
            predictions.append(predict(model, image, (case.liver_first, case.liver_last), layers=()))
            progress.advance()
    return predictions


def _features(predictions: Iterable[Prediction]) -> Float[np.ndarray, "n f"]:
    return np.stack([p.features for p in predictions])


def _figures(predictions: Sequence[Prediction], cases: Sequence[StagingCase]) -> dict[str, float]:
    """AUC of P(F >= k) for the paper's thresholds, accuracy of the most probable stage, and the number of patients."""
    probabilities = np.stack([p.probabilities for p in predictions])
    stages = np.array([case.stage for case in cases])
    figures = {
        name: round(float(roc_auc_score(stages >= k, probabilities[:, k:].sum(axis=1))), 4)
        for k, name in enumerate(AUCS, start=2)
    }
    accuracy = round(float((probabilities.argmax(axis=1) == stages).mean()), 4)
    return {**figures, "accuracy": accuracy, "patients": float(len(cases))}


def _largest_change(before: Sequence[Prediction], after: Sequence[Prediction]) -> float:
    return max(float(np.abs(a.probabilities - b.probabilities).max()) for a, b in zip(before, after, strict=True))


def _card_text(out: Path, plan: Plan, cases: Sequence[StagingCase], storage: str) -> str:
    folder = load_model_folder(out)
    figures: Mapping[str, float] = folder.card["figures"]
    counts = np.bincount([case.stage for case in cases], minlength=len(STAGES))
    stages = ", ".join(f"{count} {stage}" for stage, count in zip(STAGES, counts, strict=True))
    (thickness, pixel, _), (height, width) = plan.grid.spacing_mm, plan.grid.in_plane
    slices = f"{plan.slab.slices} slices of {thickness:g} mm with {height} x {width} pixels of {pixel:g} mm"
    auc = ", ".join(f"{figures[key]:.3f} for {text}" for key, text in AUCS.items())
    return f"""# Model card: {folder.card["name"]}

**Trained on simulated CT, research only.** These weights have never seen a patient. They show that the way from a CT
to a stage and a location map works; what they say about a real scan has no clinical meaning.

- Network: LFS network of Yin et al. (Eur Radiol 2021;31:9620-9627) with channels {plan.network.channels}, kernel
  {plan.network.kernel}, {slices}. Every decision is in `plan.json`.
- Training: {len(cases)} simulated portal-venous CTs ({stages}: the paper's mix, then equal stages);
  {plan.training.steps} steps of {plan.training.batch} slabs, seed {plan.training.seed}, `scripts/train_lfs.py`.
- Figures on {figures["patients"]:.0f} fresh simulated patients in the paper's mix: AUC {auc};
  accuracy of the most probable stage {figures["accuracy"]:.3f}.
- The training mix and class balance shift the probabilities towards the rare stages; they are not calibrated.
- Storage: {storage}.
- SHA-256 of `weights.safetensors`: `{folder.sha256}`.
"""


if __name__ == "__main__":
    main()
