"""The staging network as a MONAI bundle.

::

    <bundle>/configs/metadata.json    what goes in and comes out, by MONAI's schema
             configs/inference.json   the way from a CT and its organs to the stage
             configs/maps.json        how location maps are made
             models/                  a model folder: model weights as safetensors, plan.json, card.json, ...
             docs/README.md           how to run it
             docs/model_card.md
             manifest.json

MONAI's own bundles hold ``models/model.pt``, a pickle. Ours hold none: weights are read from safetensors.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fibrolens import __version__
from fibrolens.errors import ModelError
from fibrolens.export.card import render_folder
from fibrolens.export.recipe import slab_shape, staging_recipe
from fibrolens.output import is_done, output_folder, write_json
from fibrolens.plan import PLAN, STAGES, Plan
from fibrolens.staging.network import LFSNetwork
from fibrolens.weights import CALIBRATION, CARD, DOMAIN, REFERENCE, WEIGHTS, ModelFolder, load_model_folder

#: The oldest MONAI that a bundle is meant for; it needs no MONAI to be written.
MONAI, IGNITE = "1.4.0", "0.5.0"
SCHEMA = "https://project-monai.github.io/schema/meta_schema_20240725.json"
PARTS = "fibrolens.export.bundle_parts"


def export_bundle(folder: Path, out: Path, overwrite: bool = False) -> bool:
    """Write the bundle of a model folder.

    Args:
        folder: the model folder, of a network that sees the whole upper abdomen and nothing else.
        out: folder to make.
        overwrite: a bundle of other weights may be replaced.

    Returns:
        Whether the same bundle stood there before.

    Raises:
        UsageError: `out` holds something else.
        ModelError: the folder cannot be used.
        OutputError: `out` cannot be written.
    """
    files = load_model_folder(folder)
    plan = files.plan(Plan)
    _require_plain(plan, folder)
    files.fill(LFSNetwork(plan.network))
    run = {"command": "export bundle", "folder": files.files_sha256, "fibrolens": __version__}
    if is_done(out, run, overwrite):
        return True
    with output_folder(out, run) as made:
        for name in ("configs", "models", "docs"):
            (made / name).mkdir()
        for name in (WEIGHTS, PLAN, CARD, DOMAIN, CALIBRATION, REFERENCE):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, made / "models" / name)
        write_json(metadata(files, plan), made / "configs" / "metadata.json")
        write_json(inference(), made / "configs" / "inference.json")
        write_json(staging_recipe(plan), made / "configs" / "maps.json")
        (made / "docs" / "README.md").write_text(_readme(files), encoding="utf-8")
        (made / "docs" / "model_card.md").write_text("\n".join(render_folder(files)) + "\n", encoding="utf-8")
    return False


def _require_plain(plan: Plan, folder: Path) -> None:
    """Refuse networks that see a part of the scan, or know something beside it."""
    if plan.region != "upper_abdomen" or plan.patch_mm or plan.sections or plan.network.covariates:
        raise ModelError(f"{folder} sees a part of the scan or knows more than it; only the LFS network is exported.")


def metadata(files: ModelFolder, plan: Plan) -> dict[str, Any]:
    """Content of ``configs/metadata.json``; its schema is `SCHEMA`."""
    card = files.card
    return {
        "schema": SCHEMA,
        "version": __version__,
        "changelog": {__version__: f"weights {files.sha256}"},
        "monai_version": MONAI,
        "pytorch_version": torch.__version__.partition("+")[0],
        "numpy_version": np.__version__,
        "required_packages_version": {"fibrolens": __version__, "pytorch-ignite": IGNITE},
        "name": card["name"],
        "task": "Stage liver fibrosis, F0 to F4, from a portal venous CT of the upper abdomen",
        "description": "Liver fibrosis staging network after Yin et al. (Eur Radiol 2021;31:9620-9627), which also "
        f"makes location maps (Grad-CAM). Trained on: {card['trained_on']}.",
        "authors": "those who trained the weights, with fibrolens; see docs/model_card.md",
        "copyright": "the code: the fibrolens developers, Apache-2.0; the weights: those who trained them",
        "data_source": card["trained_on"],
        "image_classes": "CT in Hounsfield units; labels: 1 liver, 2 spleen",
        "pred_classes": "probability of F0, F1, F2, F3, F4",
        "eval_metrics": dict(card["figures"]),
        "intended_use": card["intended_use"],
        "references": [
            "Yin Y, et al. Liver fibrosis staging by deep learning: a visual-based explanation of diagnostic decisions "
            "of the model. Eur Radiol 2021;31:9620-9627",
            "Selvaraju RR, et al. Grad-CAM: visual explanations from deep networks via gradient-based localization. "
            "ICCV 2017",
        ],
        "network_data_format": {"inputs": {"image": _input(plan)}, "outputs": {"pred": _output()}},
    }


def _input(plan: Plan) -> dict[str, Any]:
    of_ct = plan.grid.intensity == "hu"
    return {
        "type": "image",
        "format": "hounsfield" if of_ct else "magnitude",
        "modality": "CT" if of_ct else "MR",
        "num_channels": 1,
        "spatial_shape": list(slab_shape(plan)),
        "dtype": "float32",
        "value_range": [0, 1],
        "is_patch_data": True,
        "channel_def": {"0": "windowed"},
    }


def _output() -> dict[str, Any]:
    return {
        "type": "probabilities",
        "format": "classes",
        "num_channels": len(STAGES),
        "spatial_shape": [],
        "dtype": "float32",
        "value_range": [0, 1],
        "is_patch_data": False,
        "channel_def": {str(number): stage for number, stage in enumerate(STAGES)},
    }


def inference() -> dict[str, Any]:
    """Content of ``configs/inference.json``: what MONAI's ``bundle run`` does."""
    both = ["image", "labels"]
    return {
        "imports": ["$import torch", f"$import {PARTS} as parts"],
        "bundle_root": ".",
        "device": "$torch.device('cpu')",
        "dataset_dir": "$@bundle_root + '/data'",
        "output_dir": "$@bundle_root + '/eval'",
        "models": "$@bundle_root + '/models'",
        "plan": "$parts.plan_of(@models)",
        "network_def": {"_target_": "fibrolens.staging.network.LFSNetwork", "plan": "$@plan.network"},
        "network": "$parts.with_weights(@network_def, @models).to(@device)",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": both},
                {"_target_": "EnsureChannelFirstd", "keys": both},
                {"_target_": f"{PARTS}.LiverSlabsd", "keys": both, "plan": "@plan"},
            ],
        },
        "dataset": {
            "_target_": "Dataset",
            "data": "$parts.scans(@dataset_dir)",
            "transform": "@preprocessing",
        },
        "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "num_workers": 0},
        "inferer": {"_target_": f"{PARTS}.SlabInferer"},
        "postprocessing": {
            "_target_": f"{PARTS}.SaveStaged",
            "keys": ["pred"],
            "image": "image",
            "output_dir": "@output_dir",
        },
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
        },
        "initialize": [],
        "run": ["$@evaluator.run()"],
    }


def _readme(files: ModelFolder) -> str:
    return f"""# {files.card["name"]}

**{files.card["intended_use"]}** Trained on: {files.card["trained_on"]}. See `model_card.md`.

This bundle stages liver fibrosis, F0 to F4, from portal venous CTs (NIfTI) with a mask of the liver. It needs
`pip install fibrolens=={__version__} 'monai>={MONAI},<2' 'pytorch-ignite>={IGNITE}'`.

Put CTs under `data/images/` and labels (1 liver) under the same names in `data/labels/`, then, in this folder:

```python
from monai.bundle import run

run(config_file="configs/inference.json", meta_file="configs/metadata.json", bundle_root=".")
```

or `python -m monai.bundle run --config_file configs/inference.json ...` where MONAI's extra `fire` is installed.
`eval/NAME.json` holds each scan's stage. `dataset_dir` and `output_dir` name other folders, and
`device="$torch.device('cuda')"` another device.

- Reading is MONAI's. The way to the network grid is that of fibrolens: MONAI's `Spacingd` interpolates between
  neighbours where fibrolens averages over the new voxel, and `ResizeWithPadOrCropd` crops around the middle of the scan
  instead of the body. The probabilities are those of `fibrolens stage` with the same mask.
- `models/` is a model folder, which `fibrolens stage --model` takes too. The weights are safetensors; there is no
  `model.pt`, which would be a pickle, so that `monai.bundle.load` without the configuration finds nothing.
- `configs/maps.json` says how location maps are made, in words and numbers. With MONAI the raw map of a stage is

      GradCAM(network, "conv4", postprocessing=lambda maps: maps)(slab, class_idx=stage)

- SHA-256 of the weights: `{files.sha256}`. `models/plan.json` holds every decision of the training.
"""
