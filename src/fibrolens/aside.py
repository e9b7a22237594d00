"""Files that appear whole: written under a hidden name beside their place, then renamed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def aside_of(path: Path) -> Path:
    """The hidden name under which a file is written."""
    return path.with_name(f".{path.name}.partial")


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Yield the name to write under; at the end of the block what is there becomes `path`, on any error it goes.

    What stands at `path` is replaced in one step, so that a kill or a full disk leaves the old file or the new one.
    """
    aside = aside_of(path)
    try:
        yield aside
        aside.replace(path)
    except BaseException:
        # What is told is why it could not be written, not why what never was cannot be removed.
        with suppress(OSError):
            aside.unlink()
        raise


def write_whole(path: Path, text: str, private: bool = False) -> None:
    """Write a text (UTF-8) that appears whole; one that is private is at no moment readable by other users."""
    with appearing(path) as aside:
        if private:
            aside.unlink(missing_ok=True)
            aside.touch(mode=0o600)
        aside.write_text(text, encoding="utf-8")
