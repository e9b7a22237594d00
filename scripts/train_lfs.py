"""Train the shipped staging weights on simulated patients, measure them on fresh ones, and write their model folder.

The training learns each patient's true signs (spleen volume, lobe ratio, ...) beside the stage; `--full` goes on with
patients on their full 512 x 512 grid. Every step is kept in the --work folder: a call that ran out of --minutes or was
killed goes on where it stopped when it is run again, to the same weights.

    python scripts/train_lfs.py --work runs/lfs --out src/fibrolens/shipped/lfs --patients 1200 --steps 12000
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from torch import Tensor

from fibrolens.errors import UsageError
from fibrolens.phantom.labels import Organ
from fibrolens.phantom.patient import Patient, sample_patient
from fibrolens.phantom.render import Rendering, full_grid, render, small_grid
from fibrolens.phantom.severity import paper_stages
from fibrolens.plan import STAGES, GridPlan, Plan
from fibrolens.progress import Progress
from fibrolens.staging.data import StagingCase, prepare_case
from fibrolens.staging.domain import fit_domain
from fibrolens.staging.network import fast, new_network
from fibrolens.staging.plans import small_plan
from fibrolens.staging.predict import Prediction, StagingModel, predict_case
from fibrolens.staging.train import train
from fibrolens.volume import Volume
from fibrolens.weights import load_model_folder, save_model_folder

#: Seeds of simulated patients from here on belong to the shipped weights; cohorts take smaller ones.
SEEDS = {"training": 1_000_000, "fresh": 1_000_001, "training-full": 1_000_002, "fresh-full": 1_000_003}
INTENDED_USE = "research use only; not a medical device"
#: float16 storage may change no probability by more than this.
HALF_TOLERANCE = 1e-3
LONGEST_CALL_MIN = 120.0
#: The training on full grids: a lower rate, because it begins with weights that are good already.
FULL_RATE = 3e-4
#: Patients on the full grid to measure on, per patient on the full grid to train on.
FRESH_FULL = 0.2
#: Every so many training patients the domain check takes one: it needs some hundreds, and each costs a prediction.
DOMAIN_EVERY = 4
#: What the simulator knows of a patient: measures, learnt as standardised logarithms, and findings, learnt as 0 or 1.
MEASURES = ("spleen_volume_ml", "lsvr", "liver_volume_ml", "nodularity_mm", "texture_sd_hu", "portal_vein_mm")
FINDINGS = ("ascites", "varices")
#: Body parts that the training learns to see, beside segments I to III and IV to VIII of the liver; numbered from 3.
PARTS = (Organ.SPLEEN, Organ.PORTAL_VEIN, Organ.VARICES, Organ.FLUID)
#: Figures of the card, by what they are for.
AUCS = {"auc_at_least_F2": "F >= 2", "auc_at_least_F3": "F >= 3", "auc_F4": "F4"}


class OutOfTimeError(Exception):
    """The minutes of this call are over."""


@dataclass(frozen=True)
class Group:
    """Simulated patients of one purpose; the name decides seed, folder in the cache and grid."""

    name: str
    stages: tuple[int, ...]

    @property
    def full(self) -> bool:
        """Whether the patients are rendered on their full grid."""
        return self.name.endswith("-full")


class Deadline:
    """A reporter that ends the training when the time is over.

    Args:
        progress: told of every step.
        until: monotonic seconds.
    """

    def __init__(self, progress: Progress, until: float) -> None:
        self._progress, self._until = progress, until

    def advance(self, n: int = 1, note: str = "") -> None:
        """Say that `n` more steps are done; raises OutOfTimeError after the deadline."""
        self._progress.advance(n, note)
        if time.monotonic() > self._until:
            raise OutOfTimeError


def main() -> int:
    """Simulate, train, measure, write; 1 where the minutes did not suffice."""
    options = _options()
    until = time.monotonic() + 60.0 * options.minutes
    torch.set_num_threads(options.threads)
    plan = _planned(small_plan(), options.steps, options.rate, options.seed)
    start = load_model_folder(options.start).weights if options.start else None
    known = {name: simulate(group, options, plan.grid) for name, group in _groups(options).items()}
    cases = standardised([*known["training"], *known.get("training-full", [])], len(known["training"]))
    cases = informed(cases, plan.training.prior)
    small, full = cases[: len(known["training"])], cases[len(known["training"]) :]
    try:
        weights = _train(small, plan, options.work / "training", start, until)
        if full:
            # Half of what is drawn lies on the full grid, however few those patients are.
            mixed = [*small, *full * max(1, round(len(small) / len(full)))]
            later = _planned(plan, options.full_steps, FULL_RATE, options.seed)
            weights = _train(mixed, later, options.work / "training-full", weights, until)
    except OutOfTimeError:
        print(f"{options.minutes:g} minutes are over; run the same command again to go on.", file=sys.stderr)
        return 1
    write_model(options, plan, weights, cases, {k: v for k, v in known.items() if k.startswith("fresh")})
    return 0


def simulate(group: Group, options: argparse.Namespace, grid: GridPlan) -> list[StagingCase]:
    """The group's cases on the network grid, simulated where the cache does not hold them yet."""
    folder: Path = options.work / "cases" / group.name
    folder.mkdir(parents=True, exist_ok=True)
    missing = [k for k in range(len(group.stages)) if not _file(folder, k).is_file()]
    if missing:
        one = partial(_simulate_one, group, folder, grid)
        label = f"simulating {group.name} patients"
        with get_context("spawn").Pool(options.workers) as pool, Progress(len(missing), label) as progress:
            for _ in pool.imap_unordered(one, missing):
                progress.advance()
    cases = [_read_case(_file(folder, k)) for k in range(len(group.stages))]
    same_grid = all(case.image.shape[1:] == grid.in_plane for case in cases)
    if not same_grid or any(case.stage != stage for case, stage in zip(cases, group.stages, strict=True)):
        raise UsageError(f"{folder} was simulated for other patients or another grid; choose another --work folder.")
    return cases


def standardised(cases: Sequence[StagingCase], reference: int) -> list[StagingCase]:
    """The same cases with each measure's logarithm at mean 0 and SD 1 over the first `reference`; findings stay 0 or 1.

    Those are the patients on the small grid, so that their training is the same with and without `--full`.
    """
    signs = np.stack([case.signs for case in cases if case.signs is not None])
    measures = np.arange(signs.shape[1]) < len(MEASURES)
    centre = np.where(measures, signs[:reference].mean(axis=0), 0.0)
    scale = np.where(measures, signs[:reference].std(axis=0), 1.0)
    rows = ((signs - centre) / scale).astype(np.float32)
    return [replace(case, signs=row) for case, row in zip(cases, rows, strict=True)]


def informed(cases: Sequence[StagingCase], prior: Sequence[float]) -> list[StagingCase]:
    """The same cases with the probability of each stage given all their signs, where the stages are mixed as `prior`.

    It follows a quadratic logistic regression: a spleen tells more of the stage beside the ratio of the lobes, which
    no sum of the two does.
    """
    stages = np.array([case.stage for case in cases])
    signs = np.stack([case.signs for case in cases if case.signs is not None])
    steps = (StandardScaler(), PolynomialFeatures(2, include_bias=False), StandardScaler())
    model = make_pipeline(*steps, LogisticRegression(C=0.3, max_iter=2000)).fit(signs, stages)
    counts = np.bincount(stages, minlength=len(STAGES))
    chances = model.predict_proba(signs) * (np.asarray(prior or counts) / counts)
    rows = (chances / chances.sum(axis=1, keepdims=True)).clip(1e-6).astype(np.float32)
    return [replace(case, chances=row) for case, row in zip(cases, rows, strict=True)]


def write_model(
    options: argparse.Namespace,
    plan: Plan,
    weights: Mapping[str, Tensor],
    cases: Sequence[StagingCase],
    unseen: Mapping[str, Sequence[StagingCase]],
) -> None:
    """Measure the weights on unseen patients, fit the domain check, and write the model folder with its card.

    Args:
        options: of the call.
        plan: of the training on the small grid; of the training on full grids too, but for steps and rate.
        weights: the trained weights.
        cases: patients that the weights were trained on.
        unseen: fresh patients by the name of their group.
    """
    out, exact = options.out, _model(plan, weights)
    predictions = {name: _predict_all(exact, group, f"measuring on {name}") for name, group in unseen.items()}
    known = _features(_predict_all(exact, cases[::DOMAIN_EVERY], "fitting the domain check"))
    domain = fit_domain(known, _features(p for group in predictions.values() for p in group))
    figures = {name: _figures(predictions[name], group) for name, group in unseen.items()}
    card: dict[str, object] = {
        "name": "lfs-small",
        "trained_on": f"simulated CT ({len(cases)} patients), research only",
        "intended_use": INTENDED_USE,
        "figures": figures["fresh"],
        "seed": plan.training.seed,
    }
    if "fresh-full" in figures:
        card["full_grid"] = {"patients": options.full, "steps": options.full_steps, "figures": figures["fresh-full"]}
    save_model_folder(out, weights, plan, card, domain=domain.tensors(), half=True)
    again = _predict_all(StagingModel.load(out), unseen["fresh"], "checking float16")
    change = _largest_change(predictions["fresh"], again)
    storage = f"float16 kernels; no probability differs from float32 by more than {change:.1e}"
    if change > HALF_TOLERANCE:
        save_model_folder(out, weights, plan, card, domain=domain.tensors(), half=False)
        storage = f"float32, because float16 would change a probability by {change:.1e}"
    (out / "MODEL_CARD.md").write_text(_card_text(out, plan, cases, storage, options.start), encoding="utf-8")
    print(f"{out}: {figures}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=1200, help="simulated patients to train on")
    parser.add_argument("--steps", type=int, default=small_plan().training.steps, help="training steps on them")
    parser.add_argument("--rate", type=float, default=small_plan().training.learning_rate, help="learning rate")
    parser.add_argument("--start", type=Path, help="model folder to go on from instead of random weights")
    parser.add_argument("--full", type=int, default=0, help="then go on with so many more on their full grid")
    parser.add_argument("--full-steps", type=int, default=1000, help="training steps with those")
    parser.add_argument("--fresh", type=int, default=200, help="further patients, in the paper's mix, to measure on")
    parser.add_argument("--minutes", type=float, default=LONGEST_CALL_MIN, help="end this call after so many (<= 120)")
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches")
    parser.add_argument("--workers", type=int, default=1, help="processes that simulate")
    parser.add_argument("--threads", type=int, default=1, help="of torch; the last bits of the weights depend on it")
    parser.add_argument("--work", type=Path, default=Path("runs/lfs"), help="cache and checkpoints")
    parser.add_argument("--out", type=Path, default=Path("runs/lfs/model"), help="model folder")
    options = parser.parse_args()
    if not 0 < options.minutes <= LONGEST_CALL_MIN:
        parser.error(f"--minutes must be above 0 and at most {LONGEST_CALL_MIN:g}")
    return options


def _groups(options: argparse.Namespace) -> dict[str, Group]:
    """Who is simulated: half of the training patients in the paper's mix, half with equal stages."""
    stages = {"training": _training_stages(options.patients), "fresh": tuple(paper_stages(options.fresh))}
    if options.full:
        stages["training-full"] = _training_stages(options.full)
        stages["fresh-full"] = tuple(paper_stages(max(len(STAGES), round(FRESH_FULL * options.full))))
    return {name: Group(name, chosen) for name, chosen in stages.items()}


def _training_stages(n: int) -> tuple[int, ...]:
    """Half in the paper's mix, half with equal stages, so that the rare stages are learnt."""
    half = n // 2
    return (*paper_stages(half), *(k % len(STAGES) for k in range(n - half)))


def _planned(plan: Plan, steps: int, rate: float, seed: int) -> Plan:
    return replace(plan, training=replace(plan.training, steps=steps, learning_rate=rate, seed=seed))


def _train(
    cases: Sequence[StagingCase], plan: Plan, work: Path, initial: Mapping[str, Tensor] | None, until: float
) -> dict[str, Tensor]:
    """Train, or go on, in `work`; a training that is finished there is read."""
    with Progress(plan.training.steps, work.name) as progress:
        return load_file(train(cases, plan, work, initial, Deadline(progress, until)))


def _file(folder: Path, index: int) -> Path:
    return folder / f"{index:05d}.npz"


def _simulate_one(group: Group, folder: Path, grid: GridPlan, index: int) -> None:
    """Simulate one patient and keep it; it depends on the group's name, its index and its stage alone."""
    stage = group.stages[index]
    name = f"{group.name}-{index:05d}"
    patient = sample_patient(np.random.default_rng([SEEDS[group.name], index]), stage, name)
    scan = render(patient, full_grid(patient) if group.full else small_grid(patient))
    liver = scan.labels.with_array(scan.labels.array == Organ.LIVER)
    case = prepare_case(scan.hu, liver, grid, scan_id=name, patient_id=name, stage=stage, parts=body_parts(scan))
    aside = _file(folder, index).with_suffix(".partial")
    with aside.open("wb") as stream:
        facts = [case.stage, case.liver_first, case.liver_last]
        np.savez_compressed(stream, image=case.image, facts=facts, signs=signs(patient), parts=case.parts)
    aside.replace(_file(folder, index))


def body_parts(scan: Rendering) -> Volume:
    """Numbers of the body parts to learn: 1 segments I to III, 2 segments IV to VIII, then `PARTS`."""
    organs, segments = scan.labels.array, scan.segments.array
    parts = np.where(segments == 0, 0, np.where(segments <= 3, 1, 2)).astype(np.uint8)
    for number, organ in enumerate(PARTS, start=3):
        parts[organs == organ] = number
    return scan.labels.with_array(parts)


def signs(patient: Patient) -> Float[np.ndarray, " s"]:
    """The patient's true signs: logarithms of the measures, then the findings as 0 or 1."""
    measures = [np.log(getattr(patient, name)) for name in MEASURES]
    return np.array([*measures, *(float(getattr(patient, name)) for name in FINDINGS)], np.float32)


def _read_case(path: Path) -> StagingCase:
    with np.load(path) as content:
        stage, first, last = (int(v) for v in content["facts"])
        known = {"signs": content["signs"], "parts": content["parts"]}
        return StagingCase(path.stem, path.stem, (stage,), content["image"], first, last, **known)


def _model(plan: Plan, weights: Mapping[str, Tensor]) -> StagingModel:
    network = new_network(plan.network, plan.training.seed)
    network.load_state_dict(dict(weights))
    return StagingModel(plan, fast(network.eval()), {}, "")


def _predict_all(model: StagingModel, cases: Sequence[StagingCase], label: str) -> list[Prediction]:
    predictions = []
    with Progress(len(cases), label) as progress:
        for case in cases:
            predictions.append(predict_case(model, case))
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


def _card_text(out: Path, plan: Plan, cases: Sequence[StagingCase], storage: str, start: Path | None) -> str:
    folder = load_model_folder(out)
    measured = _figures_text(folder.card["figures"], "simulated patients")
    if "full_grid" in folder.card:
        measured = _full_grid_text(folder.card["full_grid"], measured)
    counts = np.bincount([case.stage for case in cases], minlength=len(STAGES))
    stages = ", ".join(f"{count} {stage}" for stage, count in zip(STAGES, counts, strict=True))
    (thickness, pixel, _), (height, width) = plan.grid.spacing_mm, plan.grid.in_plane
    beginning = f" from the weights {load_model_folder(start).sha256[:12]}" if start else ""
    slices = f"{plan.slab.slices} slices of {thickness:g} mm with {height} x {width} pixels of {pixel:g} mm"
    return f"""# Model card: {folder.card["name"]}

**Trained on simulated CT, research only.** These weights have never seen a patient. They show that the way from a CT
to a stage and a location map works; what they say about a real scan has no clinical meaning.

- Network: LFS network of Yin et al. (Eur Radiol 2021;31:9620-9627) with channels {plan.network.channels}, kernel
  {plan.network.kernel}, {slices}. Every decision is in `plan.json`.
- Training: {len(cases)} simulated portal-venous CTs ({stages}: the paper's mix, then equal stages);
  {plan.training.steps} steps of {plan.training.batch} slabs{beginning}, seed {plan.training.seed},
  `scripts/train_lfs.py`. Its target was how likely each stage is given the patient's true signs, rather than the one
  stage that was drawn.
  It learnt each patient's true signs beside the stage ({", ".join((*MEASURES, *FINDINGS))})
  and which body part fills which cell (both lobes of the liver, spleen, portal vein, varices, fluid).
{measured}
- The probabilities are meant for the paper's mix of stages: what the training mix and the class balance would add to
  the rare ones is taken out while training. Whether they are calibrated was not measured.
- Storage: {storage}.
- SHA-256 of `weights.safetensors`: `{folder.sha256}`.
- SHA-256 of `domain.safetensors`: `{folder.card["domain_sha256"]}`.
- SHA-256 of `plan.json`: `{folder.card["plan_sha256"]}`.
"""


def _full_grid_text(full: Mapping[str, Any], measured: str) -> str:
    return f"""- Of these, {full["patients"]} on the full grid: {full["steps"]} more steps draw every second slab there.
{measured}
{_figures_text(full["figures"], "simulated patients on their full grid")}"""


def _figures_text(figures: Mapping[str, float], whom: str) -> str:
    auc = ", ".join(f"{figures[key]:.3f} for {text}" for key, text in AUCS.items())
    return f"""- Figures on {figures["patients"]:.0f} fresh {whom} in the paper's mix: AUC {auc};
  accuracy of the most probable stage {figures["accuracy"]:.3f}."""


if __name__ == "__main__":
    sys.exit(main())
