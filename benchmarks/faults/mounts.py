"""Small file systems of memory that are filled, emptied and made read-only; only root may mount them."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

#: Megabytes of a disk; more than any of our runs takes.
SIZE_MB = 400
#: How often a full disk is filled again with what was removed.
AGAIN_S = 0.02


@dataclass
class Disk:
    """A mounted file system.

    Args:
        root: where.
    """

    root: Path
    _emptied: threading.Event = field(default_factory=threading.Event)
    _filling: threading.Thread | None = None

    @property
    def ballast(self) -> Path:
        """The file that fills it."""
        return self.root / ".ballast"

    def fill(self) -> None:
        """Let nothing be free until it is emptied, whatever others remove."""
        self._emptied.clear()
        self._fill_once()
        self._filling = threading.Thread(target=self._keep_full, daemon=True)
        self._filling.start()

    def empty(self) -> None:
        """Give the space back."""
        self._emptied.set()
        if self._filling is not None:
            self._filling.join()
        self.ballast.unlink(missing_ok=True)

    def _keep_full(self) -> None:
        while not self._emptied.wait(AGAIN_S):
            self._fill_once()

    def _fill_once(self) -> None:
        file = os.open(self.ballast, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            while os.write(file, bytes(1 << 16)):
                pass
        except OSError:
            return
        finally:
            os.close(file)

    def protect(self) -> None:
        """Let nothing be made, renamed or removed; what is open for writing still takes what is written.

        The folder is mounted over itself, for a disk in use cannot be made read-only.
        """
        subprocess.run(["mount", "--bind", "--options=ro", self.root, self.root], check=True)

    def writable(self) -> None:
        """Undo `protect`."""
        subprocess.run(["umount", "--lazy", self.root], check=True)


@contextmanager
def disk(root: Path) -> Iterator[Disk | None]:
    """Mount a disk at an empty folder; None where that is not allowed here."""
    root.mkdir(parents=True, exist_ok=True)
    mounted = _mount("-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", root)
    try:
        yield Disk(root) if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", root], check=True)


def _mount(*arguments: str | Path) -> bool:
    try:
        return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
