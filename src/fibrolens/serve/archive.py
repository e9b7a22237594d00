"""A folder as a zip that is made while it is sent: nothing is kept in memory or written to the disk."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

ZIP = "application/zip"
#: Bytes that are read at once.
CHUNK = 2**20
#: The files are compressed already, or large and fast to send.
EARLIEST = (1980, 1, 1, 0, 0, 0)


class _Pipe:
    """Takes what a zip writes, until it is sent on."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, content: bytes) -> int:
        self._parts.append(bytes(content))
        return len(content)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


def zipped(folder: Path, inside: str) -> Iterator[bytes]:
    """The zip of all files of a folder, piece by piece; the same files give the same bytes.

    Args:
        folder: what is packed.
        inside: name of the folder in the zip.
    """
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[call-overload]
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            entry = zipfile.ZipInfo(f"{inside}/{path.relative_to(folder).as_posix()}", EARLIEST)
            with archive.open(entry, "w", force_zip64=True) as to, path.open("rb") as stream:
                while content := stream.read(CHUNK):
                    to.write(content)
                    yield pipe.take()
    yield pipe.take()


def saved(name: str) -> dict[str, str]:
    """Headers by which a browser saves an answer under a name."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}
