"""Simulate abdomens, train the V-Nets on them, and put them into the package.

::

    python scripts/train_vnet.py --generate 2000 --workers 2   fill the cache (a process of its own)
    python scripts/train_vnet.py --train --device cuda         train on what the cache holds, from the last checkpoint
    python scripts/train_vnet.py --export 100                  write src/fibrolens/shipped/vnet from the last checkpoint

``--go-on`` begins with the shipped weights and names the networks that learn; the fine one alone is what two cores
can do in an hour. Exported with ``--keep``, a share of those weights stays in an average with the learnt ones: what a
short second training gains is kept, and less is lost on scans unlike the new examples (Wortsman 2022, CVPR, "Robust
fine-tuning of zero-shot models"). All three may be stopped and started again at any time. Patients for training are
those with seeds from `FIRST_SEED`; the figures on the model card come from patients after `UNSEEN_SEED`, which no
training sees. A training that begins before the cache is full sees the early patients more often; on the same machine
it is not repeatable to the bit.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fibrolens.jsonfile import read_json
from fibrolens.output import file_sha256, write_json
from fibrolens.phantom.patient import Patient, sample_patient
from fibrolens.phantom.render import render, small_grid
from fibrolens.plan import SegmentationPlan
from fibrolens.segment.predict import Segmenter
from fibrolens.segment.train import CHECKPOINT, Abdomen, train, trained_network
from fibrolens.volume import Geometry
from fibrolens.weights import save_model_folder

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "src" / "fibrolens" / "shipped" / "vnet"
FIRST_SEED = 2_000_000
UNSEEN_SEED = 2_900_000
NAME = "vnet-sim-4"

#: Those that learn.
NETWORKS = ("coarse", "fine")

#: Millimetres of patient above and below the liver; the randomisation crops from it.
ABOVE_MM, BELOW_MM = 60.0, 90.0
#: In-plane field of the rendered patients, which the randomisation turns and moves.
FIELD_MM = 400.0

#: In the folder of the runs: of how many patients and steps the checkpoint is, training by training.
TRAINED = "trained.json"

LOG_EVERY = 25

#: Training begins with so many patients; new ones are looked for every so often.
FEWEST, LOOK_SECONDS = 40, 3.0


def simulated_patient(seed: int) -> Patient:
    """The patient of one seed; every stage equally often, so that spleens of all sizes are seen."""
    return sample_patient(np.random.default_rng(seed), seed % 5, f"V{seed}", spread=1.5)


def training_grid(patient: Patient, plan: SegmentationPlan) -> Geometry:
    """The fine network's voxels around a simulated patient."""
    scan = replace(patient.scan, above_mm=ABOVE_MM, below_mm=BELOW_MM)
    around = small_grid(replace(patient, scan=scan))
    depth, row, column = plan.fine.spacing_mm
    slices, pixels = int(np.ceil(around.shape[0] * around.spacing[0] / depth)), int(np.ceil(FIELD_MM / row))
    corner = (-column * (pixels - 1) / 2, -row * (pixels - 1) / 2, around.origin[2])
    return Geometry((slices, pixels, pixels), plan.fine.spacing_mm, corner)


def generate(folder: Path, first: int, count: int, workers: int) -> None:
    """Render patients into the cache, from the first-th on."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [folder / f"{seed}.npz" for seed in range(FIRST_SEED + first, FIRST_SEED + first + count)]
    with multiprocessing.get_context("spawn").Pool(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for _ in pool.imap_unordered(generate_one, [path for path in wanted if not path.exists()]):
            pass


def generate_one(path: Path) -> None:
    """Render the patient whose seed is the file's name."""
    patient = simulated_patient(int(path.stem))
    rendering = render(patient, training_grid(patient, SegmentationPlan()))
    aside = path.with_name(f".{path.name}")
    np.savez(aside, hu=rendering.hu.array, labels=rendering.labels.array)
    aside.rename(path)


class Cache:
    """The patients rendered so far, on the device; it grows while the generator works."""

    def __init__(self, folder: Path, device: str = "cpu", least: int = 1) -> None:
        self.folder, self.device = folder, device
        self.loaded: dict[str, Abdomen] = {}
        self.looked = 0.0
        while len(self()) < least:
            time.sleep(LOOK_SECONDS)

    def __call__(self) -> list[Abdomen]:
        """All patients at hand, in the order of their seeds."""
        if time.monotonic() - self.looked > LOOK_SECONDS:
            for path in sorted(self.folder.glob("[0-9]*.npz")):
                if path.name not in self.loaded:
                    self.loaded[path.name] = self._load(path)
            self.looked = time.monotonic()
        return list(self.loaded.values())

    def _load(self, path: Path) -> Abdomen:
        with np.load(path) as arrays:
            hu, labels = arrays["hu"].astype(np.int16), arrays["labels"]
        return Abdomen(torch.from_numpy(hu).to(self.device), torch.from_numpy(labels).to(self.device))


def run_training(runs: Path, plan: SegmentationPlan, device: str, minutes: float, go_on: Sequence[str]) -> None:
    """Train to the plan's last step, or by the clock for some minutes; one line per `LOG_EVERY` steps.

    Args:
        runs: folder of cache and checkpoint.
        plan: networks and training.
        device: of torch.
        minutes: of this run.
        go_on: networks that learn from the shipped weights on; where empty, both learn from random ones.
    """
    torch.backends.cudnn.benchmark = True
    cache = Cache(runs / "cache", device, least=FEWEST)
    recent: list[tuple[float, ...]] = []
    began = time.monotonic()

    def done(step: int) -> float:
        return max(step / plan.steps, (time.monotonic() - began) / (60 * minutes))

    initial = Segmenter.load(SHIPPED).network.state_dict() if go_on else None
    before = read_json(SHIPPED / "card.json")["training"] if go_on else []
    for progress in train(cache, plan, runs, device, done, initial, learning=go_on or NETWORKS):
        recent.append((progress.loss, *progress.dice))
        if progress.step % LOG_EVERY == 0:
            loss, *dice = np.mean(recent, axis=0)
            figures = " ".join(f"{d:.3f}" for d in dice)
            seconds = time.monotonic() - began
            print(
                f"{seconds:.0f} s, step {progress.step}, {len(cache())} patients, loss {loss:.3f}, Dice {figures}",
                flush=True,
            )
            recent.clear()
            write_json([*before, {"patients": len(cache()), "steps": progress.step}], runs / TRAINED)


def measure(segmenter: Segmenter, count: int) -> dict[str, float]:
    """Dice on simulated patients that no training saw, scanned on 5 x 3 x 3 mm over their own range."""
    scores: dict[str, list[float]] = {organ: [] for organ in ("liver", "spleen", "aorta")}
    for seed in range(UNSEEN_SEED, UNSEEN_SEED + count):
        patient = simulated_patient(seed)
        rendering = render(patient, small_grid(patient))
        found = segmenter.segment(rendering.hu)
        for value, (organ, values) in enumerate(scores.items(), 1):
            mask = found.aorta.array > 0 if organ == "aorta" else found.labels.array == value
            truth = rendering.labels.array == value
            values.append(float(2 * (mask & truth).sum() / max(1, mask.sum() + truth.sum())))
    figures = {"unseen_simulated_patients": float(count)}
    for organ, values in scores.items():
        figures[f"{organ}_dice_mean"] = round(float(np.mean(values)), 4)
        figures[f"{organ}_dice_median"] = round(float(np.median(values)), 4)
        figures[f"{organ}_dice_lowest"] = round(min(values), 4)
    return figures


def export(runs: Path, plan: SegmentationPlan, count: int, keep: float) -> None:
    """Write the shipped folder from the last checkpoint, with what it reaches on `count` unseen patients.

    Args:
        runs: folder of the checkpoint.
        plan: networks and training.
        count: patients to measure on.
        keep: share of the weights shipped so far in an average with the checkpoint's.
    """
    network, steps = trained_network(runs / CHECKPOINT, plan)
    training = read_json(runs / TRAINED)
    training[-1]["steps"] = steps  # of the checkpoint; the file was written with the last line of the log
    if keep:
        before = Segmenter.load(SHIPPED).network.state_dict()
        network.load_state_dict({name: t.lerp(before[name], keep) for name, t in network.state_dict().items()})
        training[-1]["kept"] = keep
    figures = measure(Segmenter(network, plan, NAME, ""), count)
    card = {
        "name": NAME,
        "trained_on": f"simulated CT only ({'; then '.join(map(told, training))})",
        "training": training,
        "intended_use": "Research use only. Not a medical device; not for diagnosis or treatment.",
        "figures": figures,
        "seed": plan.seed,
    }
    sha256 = save_model_folder(SHIPPED, network.state_dict(), plan, card)
    (SHIPPED / "MODEL_CARD.md").write_text(model_card(card, plan, sha256), encoding="utf-8")
    print(figures)


def told(run: dict[str, Any]) -> str:
    """One training in words."""
    kept = f"; {run['kept']:.0%} of the weights before the last of these kept in an average" if "kept" in run else ""
    return f"{run['patients']} simulated patients, {run['steps']} steps{kept}"


def model_card(card: dict[str, Any], plan: SegmentationPlan, sha256: str) -> str:
    """The card for people."""
    rows = "\n".join(f"| {name.replace('_', ' ')} | {value:g} |" for name, value in card["figures"].items())
    networks = "; ".join(
        f"{name} on {network.spacing_mm[0]:g} mm, channels {', '.join(map(str, network.channels))}"
        for name, network in (("coarse", plan.coarse), ("fine", plan.fine))
    )
    return f"""# {card["name"]}: liver, spleen and aorta on portal-venous CT

**{card["intended_use"]}**

- **Trained on** {card["trained_on"]}. No real CT and no clinical label was used.
- **Networks**: two V-Nets, {networks}; the fine one is told what the coarse one found. See `plan.json`.
- **Seen in training**: appearance and geometry of simulated abdomens, randomised (contrast, noise, resolution, bias,
  scan range, deformation, lesions in the liver and growing out of it, masses outside it, lost fat, no spleen).
- **Known limits**: real anatomy that the simulation lacks. The left lobe beside the stomach, the dome of a small
  spleen, the porta hepatis, and tumours at the border are segmented less well; look at the overlay before using a
  figure.
- **Made by** `scripts/train_vnet.py`, seed {card["seed"]} (of the last training), on a GPU; patients were rendered
  while it trained, so a new run gives other weights.
- SHA-256 of `weights.safetensors`: `{sha256}`.
- SHA-256 of `plan.json`: `{file_sha256(SHIPPED / "plan.json")}`.

| on unseen simulated patients (5 x 3 x 3 mm) | |
|---|---|
{rows}
"""


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--generate", type=int, metavar="COUNT")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first patient to render")
    parser.add_argument("--workers", type=int, default=1, help="processes that render")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--device", default="cpu", help="that trains")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="of training in this run")
    parser.add_argument(
        "--go-on", nargs="+", choices=NETWORKS, default=(), help="networks that learn from the shipped weights on"
    )
    parser.add_argument("--seed", type=int, default=SegmentationPlan.seed, help="of the examples")
    parser.add_argument("--export", type=int, metavar="UNSEEN", help="patients to measure on")
    parser.add_argument("--keep", type=float, default=0.0, metavar="SHARE", help="of the weights shipped so far")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "vnet")
    parser.add_argument("--steps", type=int, default=SegmentationPlan.steps)
    parser.add_argument("--batch", type=int, default=SegmentationPlan.batch)
    parser.add_argument("--learning-rate", type=float, default=SegmentationPlan.learning_rate)
    arguments = parser.parse_args()
    wanted = {name: getattr(arguments, name) for name in ("steps", "batch", "learning_rate", "seed")}
    plan = SegmentationPlan(**wanted)
    if arguments.generate:
        generate(arguments.runs / "cache", arguments.first, arguments.generate, arguments.workers)
    if arguments.train:
        run_training(arguments.runs, plan, arguments.device, arguments.minutes, arguments.go_on)
    if arguments.export:
        export(arguments.runs, plan, arguments.export, arguments.keep)


if __name__ == "__main__":
    main()
