"""Reading a DICOM series: `fibrolens.io.read_volume` beside SimpleITK and MONAI, in turns in one process.

Ours also hashes the files, chooses the series, checks that the slices form a grid, and leaves out who the patient is.
All give the same Hounsfield units, which is checked. Writes ``reading.json``.

usage: reading.py [--out DIR] [--input DICOM] [--rounds N]
"""

import argparse
import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK

from common import alternate, machine, simulated_series, write
from fibrolens.io import read_volume

#: From a folder to its values, slice by slice from the feet upwards.
Read = Callable[[Path], np.ndarray]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--input", type=Path, help="a DICOM folder (default: a simulated full-grid series)")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    series = options.input or simulated_series(options.out / "series")
    ways: dict[str, Read] = {"fibrolens": by_fibrolens, "SimpleITK": by_simpleitk}
    if importlib.util.find_spec("monai"):
        ways["MONAI"] = by_monai
    expected = by_fibrolens(series)
    same = {name: bool(np.array_equal(way(series), expected)) for name, way in ways.items()}
    seconds = alternate({name: partial(way, series) for name, way in ways.items()}, options.rounds)
    report = {"machine": machine(), "rounds": options.rounds, "shape": expected.shape, "seconds": seconds, "same": same}
    write(report, options.out, "reading")


def by_fibrolens(series: Path) -> np.ndarray:
    """Ours."""
    return read_volume(series).array


def by_simpleitk(series: Path) -> np.ndarray:
    """As its documentation shows it."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series)))
    return SimpleITK.GetArrayFromImage(reader.Execute())


def by_monai(series: Path) -> np.ndarray:
    """By the reader that it takes for a folder."""
    from monai.transforms import LoadImage  # noqa: PLC0415 - where it is installed

    # It counts columns, rows, slices.
    return np.asarray(LoadImage(image_only=True)(series)).transpose(2, 1, 0)


if __name__ == "__main__":
    main()
