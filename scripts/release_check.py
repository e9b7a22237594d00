"""Whether a release can be given away: built, installed into clean environments, and used there on a simulated patient.

``python scripts/release_check.py [--python PATH ...]``: one environment for each interpreter, by default this one.
Everything comes from the package index, so that nothing of the checkout can help; a download of some hundred MB each.
``--borrow`` takes the libraries of this environment instead: a minute, and still nothing of the checkout.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/fibrolens"
PATIENT = ("phantom", "--out", "patient", "--stages", "0,0,0,0,1", "--grid", "small", "--format", "dicom")
STAGED = ("stage", "patient/images/P0001", "--out", "results", "--scan-id", "first")
RESULTS = ("result.json", "report.html", "report.pdf", "map.nii.gz", "dicom/seg.dcm", "manifest.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check all, and say how long each took."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--python", action="append", type=Path, metavar="PATH", help="interpreter (may be repeated)")
    options.add_argument("--borrow", action="store_true", help="the wheel alone, with this environment's libraries")
    asked = options.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        wheel = build(Path(folder) / "dist")
        for number, interpreter in enumerate(asked.python or [Path(sys.executable)]):
            started = time.perf_counter()
            place = Path(folder) / f"environment{number}"
            told = use(wheel, *(borrowed if asked.borrow else clean)(interpreter, wheel, place), place)
            print(f"{told}: installed and staged a patient in {time.perf_counter() - started:.0f} s")
    return 0


def build(dist: Path) -> Path:
    """The wheel, built from the sdist, with everything in it that it needs."""
    run([sys.executable, "-m", "build", "--outdir", dist, ROOT])
    (sdist,), (wheel,) = dist.glob("*.tar.gz"), dist.glob("*.whl")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    require(sdist, names, ["LICENSE", "README.md", "pyproject.toml"])
    needed = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    require(wheel, names, [f"fibrolens/{path.relative_to(PACKAGE).as_posix()}" for path in needed])
    others = {name.partition("/")[0] for name in names if not name.startswith(("fibrolens/", "fibrolens-"))}
    if others:
        sys.exit(f"{wheel.name} holds {', '.join(sorted(others))}, which would lie beside fibrolens.")
    page = "with" if "fibrolens/serve/viewer/index.html" in names else "without (it was not built)"
    sizes = [f"{path.name} ({path.stat().st_size / 1e6:.1f} MB)" for path in (sdist, wheel)]
    print(f"{' and '.join(sizes)}, {page} the viewer's page")
    return wheel


def clean(interpreter: Path, wheel: Path, place: Path) -> tuple[Path, Path]:
    """A new environment with the wheel and all that it asks for: its interpreter, and where fibrolens must lie."""
    run([interpreter, "-m", "venv", place])
    python = place / "bin/python"
    run([python, "-m", "pip", "install", "--quiet", f"{wheel}[dicom-codecs]"])
    return python, place


def borrowed(interpreter: Path, wheel: Path, place: Path) -> tuple[Path, Path]:
    """The wheel alone in a folder of its own, before the libraries of an environment that has them."""
    run([interpreter, "-m", "pip", "install", "--quiet", "--no-deps", "--target", place, wheel])
    return interpreter, place


def use(wheel: Path, python: Path, home: Path, place: Path) -> str:
    """Version and interpreter, after the installed program has staged a patient in an empty folder."""
    (work := place / "work").mkdir()
    lies = run([python, "-c", "import fibrolens; print(fibrolens.__file__)"], work, home)
    if not Path(lies.strip()).is_relative_to(home):
        sys.exit(f"fibrolens is taken from {lies.strip()}, not from what was installed.")
    fibrolens = (python, home / "bin/fibrolens")
    for arguments in (["--help"], ["doctor"], PATIENT, STAGED):
        run([*fibrolens, *arguments], work, home)
    found = {path.relative_to(work).as_posix() for path in work.rglob("*")}
    require(wheel, found, [f"results/first/{name}" for name in RESULTS])
    return f"{run([*fibrolens, '--version'], work, home).strip()} on {run([python, '--version']).strip()}"


def require(where: Path, names: set[str], needed: Sequence[str]) -> None:
    """End with a sentence where something is missing."""
    if missing := sorted(set(needed) - names):
        sys.exit(f"{where.name} lacks {', '.join(missing[:5])}.")


def run(command: Sequence[object], folder: Path | None = None, first: Path | None = None) -> str:
    """What a command says on stdout; it must succeed. Python looks for modules in `first`, never in the checkout."""
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    environment |= {"PYTHONPATH": str(first)} if first else {}
    told = subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if told.returncode:
        words = " ".join(map(str, command))
        sys.exit(f"{words} ended with {told.returncode}:\n{told.stdout[-2000:]}{told.stderr[-3000:]}")
    return told.stdout


if __name__ == "__main__":
    sys.exit(main())
