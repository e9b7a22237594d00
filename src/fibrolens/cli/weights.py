"""`fibrolens weights`: verify, bundle and install weights; take those of another program."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fibrolens.cli.export_model import SHIPPED, STAGING


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its own verbs."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "weights",
        help="verify, bundle and install weights; import those of another program",
        description="Weights without a network: everything is compared with the SHA-256 that the model card pins. "
        "Nothing is ever downloaded (docs/offline.md). Research use only.",
    )
    steps = verb.add_subparsers(title="verbs", metavar="VERB", required=True, dest="step")
    for step in (_add_verify(steps), _add_bundle(steps), _add_install(steps), _add_import(steps)):
        # Given before the step's name it must not be reset.
        step.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return verb


def _add_verify(steps: Any) -> argparse.ArgumentParser:
    step: argparse.ArgumentParser = steps.add_parser(
        "verify",
        help="compare weights with the hashes of their cards",
        description="Compare every file of weights with the SHA-256 that its card pins, and the weights with their "
        "plan. Exit status 4 where any differs.",
    )
    step.add_argument(
        "what", nargs="*", type=Path, metavar="DIR|BUNDLE.zip", help="model folders and bundles (default: the shipped)"
    )
    return step


def _add_bundle(steps: Any) -> argparse.ArgumentParser:
    step: argparse.ArgumentParser = steps.add_parser(
        "bundle",
        help="model folders as one zip, for a machine without a network",
        description="Verify model folders and write them into one zip with the SHA-256 of every file.",
    )
    step.add_argument("folders", nargs="*", type=Path, metavar="DIR", help="model folders (default: the shipped)")
    step.add_argument("--out", type=Path, required=True, metavar="FILE.zip", help="the bundle")
    step.add_argument("--overwrite", action="store_true", help="replace another file")
    return step


def _add_install(steps: Any) -> argparse.ArgumentParser:
    step: argparse.ArgumentParser = steps.add_parser(
        "install",
        help="take the models out of a bundle, each file checked",
        description="Write the models of a bundle into a folder, which appears whole or not at all.",
    )
    step.add_argument("bundle", type=Path, metavar="FILE.zip", help="what weights bundle wrote")
    step.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make; a folder per model in it")
    step.add_argument("--overwrite", action="store_true", help="replace what another bundle installed there")
    return step


def _add_import(steps: Any) -> argparse.ArgumentParser:
    step: argparse.ArgumentParser = steps.add_parser(
        "import",
        help="weights of another program (.pth) as a model folder",
        description="Write the tensors of a file of torch.save as a model folder. Tensors alone are loaded: a file "
        "that holds anything else is refused, and so is one that does not fit the network.",
    )
    step.add_argument("file", type=Path, metavar="FILE.pth", help="a state dictionary that torch.save wrote")
    step.add_argument("--out", type=Path, required=True, metavar="DIR", help="model folder to make")
    step.add_argument(
        "--what", choices=tuple(SHIPPED), default=STAGING, help="which network it is of (default: %(default)s)"
    )
    step.add_argument(
        "--like", type=Path, metavar="DIR", help="model folder whose plan describes the network (default: the shipped)"
    )
    step.add_argument("--name", default="imported", help="of the model (default: %(default)s)")
    step.add_argument("--trained-on", metavar="TEXT", help="what they were trained on; stands on every result")
    step.add_argument("--overwrite", action="store_true", help="replace another import")
    return step


def run(options: argparse.Namespace) -> int:
    """Do one step."""
    return {"verify": _verify, "bundle": _bundle, "install": _install, "import": _import}[options.step](options)


def _verify(options: argparse.Namespace) -> int:
    """A line per folder or bundle; every one is looked at."""
    from fibrolens.errors import ModelError
    from fibrolens.transport.bundle import verify_bundle
    from fibrolens.transport.verify import verify

    sound = True
    for path in options.what or _shipped():
        try:
            if path.suffix == ".zip":
                found = [f"every file of {', '.join(verify_bundle(path))} is as listed"]
            else:
                found = [f"{name} {sha256}" for name, sha256 in verify(path).items()]
        except ModelError as error:
            sound = False
            sys.stderr.write(f"fibrolens: {error}\n")
        else:
            sys.stdout.write("".join(f"{path}: {line}\n" for line in found))
    return 0 if sound else ModelError.exit_status


def _bundle(options: argparse.Namespace) -> int:
    from fibrolens.transport.bundle import write_bundle

    folders = options.folders or _shipped()
    same = write_bundle(folders, options.out, options.overwrite)
    told = "the same as before" if same else f"{', '.join(folder.name for folder in folders)}"
    sys.stdout.write(f"{options.out}: {told}; research use only\n")
    return 0


def _install(options: argparse.Namespace) -> int:
    from fibrolens.transport.bundle import install_bundle

    models, same = install_bundle(options.bundle, options.out, options.overwrite)
    told = "installed before" if same else "verified and installed"
    for model in models:
        sys.stdout.write(f"{options.out / model}: {told}; research use only\n")
    return 0


def _import(options: argparse.Namespace) -> int:
    from fibrolens.transport.foreign import NOT_TOLD, Origin, import_weights
    from fibrolens.weights import shipped

    like = options.like or shipped(SHIPPED[options.what])
    origin = Origin(options.name, options.trained_on or NOT_TOLD)
    same = import_weights(options.file, like, options.out, origin, options.overwrite)
    told = "imported before" if same else "tensors alone, which fit the network"
    sys.stdout.write(f"{options.out}: {told}; research use only\n")
    return 0


def _shipped() -> list[Path]:
    from fibrolens.weights import shipped

    return [shipped(name) for name in SHIPPED.values()]
