"""`fibrolens export onnx`, `bundle` and `card`: a model for other programs and readers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fibrolens.errors import UsageError

STAGING, SEGMENTATION = "staging", "segmentation"
#: Folders of the weights that come with the package.
SHIPPED = {STAGING: "lfs", SEGMENTATION: "vnet"}


def add_onnx(kinds: Any) -> argparse.ArgumentParser:
    """Add the export to ONNX."""
    onnx: argparse.ArgumentParser = kinds.add_parser(
        "onnx",
        help="a network for ONNX Runtime and the like, with its maps",
        description="Write a network as ONNX. The staging network's file gives scores, probabilities, features and the "
        "Grad-CAM maps of all stages; plan, recipe and hash of the weights stand inside. The file is checked in ONNX "
        "Runtime against torch in double precision before it is put in place. Research use only.",
    )
    _add_what(onnx)
    onnx.add_argument(
        "--out", type=Path, required=True, metavar="FILE.onnx", help="the file; of the V-Nets two, _coarse and _fine"
    )
    onnx.set_defaults(do=_onnx)
    return onnx


def add_bundle(kinds: Any) -> argparse.ArgumentParser:
    """Add the export to a MONAI bundle."""
    bundle: argparse.ArgumentParser = kinds.add_parser(
        "bundle",
        help="the staging network as a MONAI bundle",
        description="Write the staging network as a MONAI bundle: configs/, models/ (a model folder, no pickled "
        "weights), docs/. MONAI runs it where fibrolens is installed, to the same probabilities as fibrolens stage. "
        "Research use only.",
    )
    _add_model(bundle, "folder of the staging weights (default: the shipped ones)")
    bundle.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make")
    bundle.set_defaults(do=_bundle)
    return bundle


def add_card(kinds: Any) -> argparse.ArgumentParser:
    """Add the model card."""
    card: argparse.ArgumentParser = kinds.add_parser(
        "card",
        help="the model card of a model folder, or of a study",
        description="Write the model card in Markdown from what a folder knows: intended use, training data, figures, "
        "limits, plan and hash. Given the folder of a study, the card is that of its networks. Research use only.",
    )
    _add_what(card)
    card.add_argument("--out", type=Path, required=True, metavar="FILE.md", help="the file")
    card.set_defaults(do=_card)
    return card


def _add_what(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--what", choices=tuple(SHIPPED), default=STAGING, help="which of the shipped weights (default: %(default)s)"
    )
    _add_model(verb, "model folder (default: the shipped weights)")


def _add_model(verb: argparse.ArgumentParser, told: str) -> None:
    verb.add_argument("--model", type=Path, metavar="DIR", help=told)
    verb.add_argument("--overwrite", action="store_true", help="replace what stands there")


def _folder(options: argparse.Namespace, what: str) -> Path:
    from fibrolens.weights import shipped

    return options.model or shipped(SHIPPED[what])


def _onnx(options: argparse.Namespace) -> int:
    if options.out.suffix != ".onnx":
        raise UsageError(f"--out {options.out} needs the ending .onnx.")
    from fibrolens.export.onnx import INSTALL, export_segmentation, export_staging

    folder = _folder(options, options.what)
    if options.what == SEGMENTATION:
        written = export_segmentation(folder, options.out, options.overwrite)
    else:
        written = [export_staging(folder, options.out, options.overwrite)]
    for one in written:
        if one.differences is None:
            checked = f"not checked, since ONNX Runtime is not installed ({INSTALL})"
        else:
            told = ", ".join(f"{name} {largest:.1e}" for name, largest in one.differences.items())
            checked = f"largest difference from torch in double precision: {told}"
        _say(one.path, f"{'the same as before; ' if one.unchanged else ''}{checked}")
    return 0


def _bundle(options: argparse.Namespace) -> int:
    from fibrolens.export.bundle import export_bundle

    same = export_bundle(_folder(options, STAGING), options.out, options.overwrite)
    _say(options.out, "the same as before" if same else "a MONAI bundle; docs/README.md says how to run it")
    return 0


def _card(options: argparse.Namespace) -> int:
    from fibrolens.export.card import export_card

    same = export_card(_folder(options, options.what), options.out, options.overwrite)
    _say(options.out, "the same as before" if same else "model card")
    return 0


def _say(path: Path, sentence: str) -> None:
    sys.stdout.write(f"{path}: {sentence}; research use only\n")
