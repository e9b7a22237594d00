"""The checkpoint of a training, damaged between a kill and the next run."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.faults.verbs import Whole

MODEL = 4
CHECKPOINT = "checkpoint.safetensors"
LONGEST_S = 600


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content)))]


def _changed(content: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(len(content)))
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]


DAMAGES: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "cut short": _cut,
    "a byte changed": _changed,
    "empty": lambda content, rng: b"",
    "zeros": lambda content, rng: bytes(len(content)),
}


def damaged_checkpoint(whole: Whole, name: str, rng: np.random.Generator) -> dict[str, Any]:
    """Kill a training when its first checkpoint stands, damage it, go on, and do what the error says."""
    whole.verb.clear(whole.out)
    _kill_at_checkpoint(whole)
    checkpoint = next(whole.out.rglob(CHECKPOINT))
    checkpoint.write_bytes(DAMAGES[name](checkpoint.read_bytes(), rng))
    failed = whole.verb.run(whole.out)
    # The sentence names the file and says to remove it.
    clear = failed.is_clear(MODEL) and str(checkpoint) in failed.said
    checkpoint.unlink(missing_ok=True)
    # A record tells the file, not the folders of the campaign.
    said = failed.last.replace(str(checkpoint), checkpoint.name)
    return {"status": failed.status, "said": said, "clear": clear, "end": whole.ends()}


def _kill_at_checkpoint(whole: Whole) -> None:
    command = whole.verb.start(whole.out)
    ends = time.monotonic() + LONGEST_S
    while not _found(whole.out) and time.monotonic() < ends:
        time.sleep(0.005)
    command.kill()
    command.ended()


def _found(out: Path) -> bool:
    return next(out.rglob(CHECKPOINT), None) is not None
