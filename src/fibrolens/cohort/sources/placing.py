"""Files that appear beside each other, together or not at all, and never over others without leave."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fibrolens.errors import OutputError, UsageError


@contextmanager
def place(out: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a folder to write into; on success its files take their places beside `out`, which comes last.

    Files that stand there with the same content are left alone. On any error nothing is left.

    Args:
        out: the file that the others belong to: ``NAME.csv``, beside ``NAME.*`` and ``NAME_masks/``.
        overwrite: files with other content may be replaced, and those of an earlier import that this one lacks go.

    Raises:
        UsageError: a file with other content stands there and `overwrite` is not set.
        OutputError: they cannot be written.
    """
    folder = out.absolute().parent
    aside = folder / f".{out.stem}.import.partial"
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    done = False
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        yield aside
        new = {path.relative_to(aside) for path in aside.rglob("*") if path.is_file()}
        old = _ours(out)
        changed = [name for name in sorted(new) if not _same(aside / name, folder / name)]
        gone = sorted(old - new)
        if not overwrite and any((folder / name).exists() for name in (*changed, *gone)):
            first = next(name for name in (*changed, *gone) if (folder / name).exists())
            raise UsageError(f"{folder / first} holds something else; choose another --out or use --overwrite.")
        for name in gone:
            (folder / name).unlink()
        for name in sorted(changed, key=lambda name: (name == Path(out.name), name)):
            (folder / name).parent.mkdir(exist_ok=True)
            (aside / name).replace(folder / name)
        done = True
    except OSError as error:
        raise OutputError(f"{out} could not be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        for parent in made if not done else ():
            if parent.exists() and not any(parent.iterdir()):
                parent.rmdir()


def _ours(out: Path) -> set[Path]:
    """Files that an import under this name writes and that stand there now."""
    folder = out.absolute().parent
    if not (folder / f"{out.stem}.provenance.json").is_file():
        return set()
    sides = [folder / f"{out.stem}.{side}.csv" for side in ("series", "shared")]
    masks = folder / f"{out.stem}_masks"
    return {path.relative_to(folder) for path in (*sides, *masks.glob("*.nii.gz")) if path.is_file()}


def _same(new: Path, old: Path) -> bool:
    return old.is_file() and new.stat().st_size == old.stat().st_size and new.read_bytes() == old.read_bytes()
