"""Make ``attention_reference.json`` of the shipped staging weights: null bands and how frequent each pattern is.

The patients are simulated on the small grid, half in the paper's mix and half with equal stages; patient k is drawn
from the seed (1000020, k), which belongs to the shipped weights and to no cohort. There is one training of these
weights, so that the bands say nothing of other seeds.

    python scripts/attention_reference.py --model src/fibrolens/shipped/lfs
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from fibrolens.audit.null import map_means, null_bands_of, pattern_counts
from fibrolens.audit.simulated import organs_of
from fibrolens.audit.subjects import Shown
from fibrolens.explain.reference import AttentionReference
from fibrolens.output import write_json
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import render, small_grid
from fibrolens.phantom.severity import paper_stages
from fibrolens.plan import STAGES
from fibrolens.progress import Progress
from fibrolens.staging.data import StagingCase
from fibrolens.staging.predict import StagingModel
from fibrolens.study.prepare import PreparedScan
from fibrolens.view import NetworkView
from fibrolens.weights import REFERENCE, shipped

#: Of the patients; it lies among those that cohorts cannot have.
SEED = 1_000_020


def main() -> int:
    """Simulate, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=shipped("lfs"))
    parser.add_argument("--patients", type=int, default=160, help="whose patterns are counted")
    parser.add_argument("--scans", type=int, default=20, help="of them, for the null band")
    parser.add_argument("--networks", type=int, default=20, help="random networks")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = StagingModel.load(options.model)
    half = options.patients // 2
    mixed = [*paper_stages(half), *(k % len(STAGES) for k in range(options.patients - half))]
    stages = np.random.default_rng(SEED).permutation(mixed)
    scans = []
    with Progress(len(stages), "simulating") as progress:
        for index, stage in enumerate(stages):
            scans.append(simulated(model, index, int(stage)))
            progress.advance()
    with Progress(len(scans), "counting patterns") as progress:
        rows = []
        for shown in scans:
            rows.append(map_means(model, shown))
            progress.advance()
    with Progress(options.networks * options.scans, "random networks") as progress:
        bands = null_bands_of(model, scans[: options.scans], options.networks, SEED, tick=progress.advance)
    made_on = f"{len(scans)} simulated patients, {options.scans} of them for the null band"
    reference = AttentionReference(model.sha256, made_on, bands, pattern_counts(rows))
    write_json(asdict(reference), options.model / REFERENCE)
    return 0


def simulated(model: StagingModel, index: int, stage: int) -> Shown:
    """One simulated patient as the network sees it."""
    patient = sample_patient(np.random.default_rng([SEED, index]), stage, f"R{index:04d}")
    scan = render(patient, small_grid(patient))
    view = NetworkView.of(scan.hu, organs_of(scan), model.plan.grid)
    image = np.round(view.image.array * 255.0).astype(np.uint8)
    case = StagingCase(patient.scan_id, patient.patient_id, (stage,), image, *view.liver_range)
    return Shown(PreparedScan(case, view.labels, view.body, view.depth))


if __name__ == "__main__":
    sys.exit(main())
