"""The campaign of all verbs, run once for all tests and test processes that look at it."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fibrolens.filelock import lock

ROOT = Path(__file__).resolve().parents[2]
GUARD = Path(__file__).parent / "guard"
LONGEST_S = 3000
DONE = "done.json"


@dataclass(frozen=True)
class Campaign:
    """A finished campaign.

    Args:
        home: everything that the verbs were given and wrote.
        own_network: whether it ran where there is no network but a loopback of its own.
    """

    home: Path
    own_network: bool

    @property
    def results(self) -> Path:
        """What the verbs wrote."""
        return self.home / "results"

    def said(self, step: str) -> dict:
        """What a step said, answered and tried; its status."""
        return json.loads((self.home / "said" / f"{step}.json").read_text(encoding="utf-8"))


def finished(base: Path) -> Campaign:
    """The campaign of this test run, which the first who asks runs.

    Args:
        base: temporary folder of the run, shared by its processes.
    """
    home = base / "verbs"
    base.mkdir(parents=True, exist_ok=True)
    with (base / "verbs.lock").open("w") as stream:
        lock(stream, wait=True)
        if not home.exists():
            home.mkdir()
            prefix = own_network()
            told = _run(prefix, home)
            (home / DONE).write_text(json.dumps({"own_network": bool(prefix), "told": told}), encoding="utf-8")
    done = json.loads((home / DONE).read_text(encoding="utf-8"))
    assert not done["told"], done["told"]
    return Campaign(home, done["own_network"])


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


def _run(prefix: tuple[str, ...], home: Path) -> str:
    """Run the steps; what went wrong with the running itself."""
    command = [*prefix, sys.executable, "-m", "tests.verbs.run_steps", str(home)]
    told = {"capture_output": True, "text": True, "timeout": LONGEST_S}
    ended = subprocess.run(command, cwd=ROOT, env=environment(home), check=False, **told)
    return "" if ended.returncode == 0 else ended.stderr[-3000:]
