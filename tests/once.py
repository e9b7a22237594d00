"""What is dear to make is made by one process of a test run, for all of them."""

import shutil
from collections.abc import Callable
from pathlib import Path

from fibrolens.filelock import lock


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """The folder, which `make` has filled; to be read only.

    Args:
        folder: the same in every process of the run.
        make: called with the folder, which is empty, by the first who asks.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    whole = folder.with_name(f"{folder.name}.whole")
    with folder.with_name(f"{folder.name}.lock").open("w") as stream:
        lock(stream, wait=True)
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            whole.touch()
    return folder
