"""`fibrolens export`: what leaves the house. `case`: a staged case without its patient; a model: `export_model`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from fibrolens.cli.export_model import add_bundle, add_card, add_onnx
from fibrolens.cli.keys import add_key, given_key
from fibrolens.errors import OutputError, UsageError


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb and its own verbs."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "export",
        help="a staged case without its patient; a model as ONNX, MONAI bundle or card",
        description="Write what may leave the house. Research use only.",
    )
    kinds = verb.add_subparsers(title="verbs", metavar="VERB", required=True, dest="kind")
    for kind in (_add_case(kinds), add_onnx(kinds), add_bundle(kinds), add_card(kinds)):
        # Given before the name it must not be reset.
        kind.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return verb


def _add_case(kinds: Any) -> argparse.ArgumentParser:
    """Add the export of one staged case."""
    case: argparse.ArgumentParser = kinds.add_parser(
        "case",
        help="a staged case without its patient: CT, DICOM objects, maps, result and reports",
        description="De-identify a staged case by the Basic Application Level Confidentiality Profile of DICOM: "
        "the CT slices that were staged, the objects under dicom/, NIfTI files, result.json and the reports. Dates are "
        "removed; UIDs are replaced alike in all files. Look at the pictures before you pass them on: what is burned "
        "into pixels is found only where the header says so.",
    )
    case.add_argument("results", type=Path, metavar="RESULTS/SCAN", help="folder of the scan that stage wrote")
    case.add_argument("--source", type=Path, required=True, metavar="INPUT", help="the CT, as it was given to stage")
    case.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make")
    add_key(case)
    case.add_argument("--zip", action="store_true", help="also write DIR.zip")
    case.add_argument("--overwrite", action="store_true", help="replace another export")
    case.set_defaults(do=_case)
    return case


def run(options: argparse.Namespace) -> int:
    """Do what the verb's own verb says."""
    return int(options.do(options))


def _case(options: argparse.Namespace) -> int:
    from fibrolens.deidentify import deidentify_case

    _check_zip(options)
    key = given_key(options.key, options.out)
    exported = deidentify_case(options.source, options.results, options.out, key, options.overwrite)
    done = "already exported with the same key" if exported.unchanged else "exported without its patient"
    sys.stdout.write(f"{options.out}: {exported.scan_id}, {done}; research use only\n")
    if options.zip:
        _zip(options.out)
    return 0


def _check_zip(options: argparse.Namespace) -> None:
    """Refuse a zip in the place of somebody else's file."""
    path = _zip_path(options.out)
    if options.zip and path.exists() and not _is_export(path):
        raise UsageError(f"{path} exists and is not an export; choose another --out.")


def _zip_path(folder: Path) -> Path:
    return folder.absolute().with_name(f"{folder.absolute().name}.zip")


def _is_export(path: Path) -> bool:
    """Whether a file is a zip that this verb wrote."""
    import json
    import zipfile

    from fibrolens.deidentify.case import COMMAND
    from fibrolens.io.dicom.files import DAMAGED
    from fibrolens.output import MANIFEST

    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(f"{path.stem}/{MANIFEST}"))
        return bool(manifest["run"]["command"] == COMMAND)
    except DAMAGED:
        return False


def _zip(folder: Path) -> None:
    """The folder as a zip beside it, which appears whole."""
    from fibrolens.aside import appearing
    from fibrolens.serve.archive import zipped

    path = _zip_path(folder)
    try:
        with appearing(path) as aside, aside.open("wb") as stream:
            stream.writelines(zipped(folder, folder.absolute().name))
    except OSError as error:
        raise OutputError(
            f"{path} could not be written ({error.strerror}); free space or choose another --out."
        ) from None
    sys.stdout.write(f"{path}\n")
