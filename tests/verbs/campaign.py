"""The campaign of all verbs, in a process of its own."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GUARD = Path(__file__).parent / "guard"
LONGEST_S = 3000


@dataclass(frozen=True)
class Campaign:
    """A finished campaign.

    Args:
        home: everything that the verbs were given and wrote.
        own_network: whether it ran where there is no network but a loopback of its own.
    """

    home: Path
    own_network: bool

    @classmethod
    def run(cls, home: Path) -> Campaign:
        """Run every step.

        Args:
            home: an empty folder.
        """
        command = [*own_network(), sys.executable, "-m", "tests.verbs.run_steps", str(home)]
        told = {"capture_output": True, "text": True, "timeout": LONGEST_S}
        ended = subprocess.run(command, cwd=ROOT, env=environment(home), check=False, **told)
        assert ended.returncode == 0, ended.stderr[-3000:]
        return cls(home, bool(own_network()))

    @property
    def results(self) -> Path:
        """What the verbs wrote."""
        return self.home / "results"

    def said(self, step: str) -> dict:
        """What a step said, answered and tried; its status."""
        return json.loads((self.home / "said" / f"{step}.json").read_text(encoding="utf-8"))


@functools.cache
def own_network() -> tuple[str, ...]:
    """What begins a program with no network but a loopback; empty where this machine has nothing that does."""
    for prefix in (("unshare", "--net"), ("unshare", "--net", "--map-root-user")):
        try:
            subprocess.run([*prefix, "true"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return prefix
    return ()


def environment(home: Path) -> dict[str, str]:
    """Of every process: the guard is loaded first, and nothing that this machine sets reaches a network by itself."""
    paths = os.pathsep.join(map(str, (GUARD, ROOT / "src", ROOT)))
    own = {"TEST_OWN_NETWORK": "1" if own_network() else "", "TEST_NETWORK_ATTEMPTS": str(home / "attempts.txt")}
    return os.environ | own | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
