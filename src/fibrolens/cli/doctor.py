"""`fibrolens doctor`: what this machine can do."""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.errors import FibrolensError

#: Transfer syntaxes beyond those that pydicom reads alone: name, UID.
COMPRESSED = {
    "JPEG Lossless": "1.2.840.10008.1.2.4.57",
    "JPEG Lossless SV1": "1.2.840.10008.1.2.4.70",
    "JPEG-LS Lossless": "1.2.840.10008.1.2.4.80",
    "JPEG-LS Near-lossless": "1.2.840.10008.1.2.4.81",
    "JPEG 2000 Lossless": "1.2.840.10008.1.2.4.90",
    "JPEG 2000": "1.2.840.10008.1.2.4.91",
    "RLE Lossless": "1.2.840.10008.1.2.5",
    "Deflated": "1.2.840.10008.1.2.1.99",
}
NEEDED_GB = 4.0
#: What `serve` needs beyond the rest.
SERVICE = ("alembic", "dicomweb-client", "fastapi", "pynetdicom", "sqlalchemy", "uvicorn")


def add_to(verbs: Any) -> argparse.ArgumentParser:
    """Add the verb."""
    verb: argparse.ArgumentParser = verbs.add_parser(
        "doctor",
        help="what this machine can do, and what is missing",
        description="Checks the installation: versions, processor and memory, GPU, transfer syntaxes, shipped weights.",
    )
    return verb


def run(options: argparse.Namespace) -> int:
    """Print a line per check; 4 if `stage` cannot work here."""
    sound = True
    for passed, name, finding in _checks():
        sound = sound and passed is not False
        mark = {True: "ok  ", False: "FAIL", None: "note"}[passed]
        sys.stdout.write(f"{mark}  {name:<18} {finding}\n")
    sys.stdout.write(
        "fibrolens stage works here.\n" if sound else "fibrolens stage does not work here; see FAIL above.\n"
    )
    return 0 if sound else 4


def _checks() -> list[tuple[bool | None, str, str]]:
    return [
        (
            True,
            "fibrolens",
            f"{__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}",
        ),
        *_libraries(),
        _processor(),
        _memory(),
        _disk(),
        _gpu(),
        _transfer_syntaxes(),
        _service(),
        *_weights(),
    ]


def _libraries() -> list[tuple[bool | None, str, str]]:
    found = []
    for name in ("torch", "numpy", "scipy", "scikit-learn", "SimpleITK", "nibabel", "pydicom", "matplotlib"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            return [(False, "libraries", f"{name} is missing; install fibrolens again with pip.")]
    return [(True, "libraries", ", ".join(found))]


def _processor() -> tuple[bool | None, str, str]:
    import torch

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        True,
        "processor",
        f"{usable} cores usable, torch uses {torch.get_num_threads()}, {torch.backends.cpu.get_cpu_capability()}",
    )


def _memory() -> tuple[bool | None, str, str]:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None, "memory", f"not known here; stage needs up to {NEEDED_GB:.0f} GB"
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return total >= NEEDED_GB, "memory", f"{total:.1f} GB ({NEEDED_GB:.0f} GB needed for a large CT)"


def _disk() -> tuple[bool | None, str, str]:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return (True if free > 1 else None), "disk", f"{free:.1f} GB free in this folder (a staged CT takes up to 0.2 GB)"


def _gpu() -> tuple[bool | None, str, str]:
    import torch

    if torch.cuda.is_available():
        return True, "GPU", f"{torch.cuda.get_device_name()} (stage --device cuda stages on it)"
    return None, "GPU", "none, and none is needed"


def _transfer_syntaxes() -> tuple[bool | None, str, str]:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    readable: list[str] = []
    missing: list[str] = []
    for name, uid in COMPRESSED.items():
        native = UID(uid) == "1.2.840.10008.1.2.1.99"
        (readable if native or get_decoder(UID(uid)).is_available else missing).append(name)
    finding = f"reads uncompressed, {', '.join(readable)}"
    if not missing:
        return True, "DICOM", finding
    return None, "DICOM", f"{finding}; for {', '.join(missing)}: pip install 'fibrolens[dicom-codecs]'"


def _service() -> tuple[bool | None, str, str]:
    missing = [name for name in SERVICE if importlib.util.find_spec(name.replace("-", "_")) is None]
    if not missing:
        return True, "service", "serve and its DICOM node are installed"
    return None, "service", f"serve needs {', '.join(missing)}: pip install 'fibrolens[serve]'"


def _weights() -> list[tuple[bool | None, str, str]]:
    from fibrolens.weights import load_model_folder, shipped

    lines: list[tuple[bool | None, str, str]] = []
    for name in ("lfs", "vnet"):
        try:
            model = load_model_folder(shipped(name))
        except FibrolensError as error:
            lines.append((False, f"weights {name}", str(error)))
        else:
            lines.append((True, f"weights {name}", f"sha256 {model.sha256[:12]}, {model.card['trained_on']}"))
    return lines
