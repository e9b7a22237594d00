"""A study that is killed at random moments and started again, against one that ran undisturbed.

Each round starts ``fibrolens study`` in a process group of its own, ends the group with SIGKILL after a random part of
the undisturbed run's time, starts the same command again, and compares what both wrote. Writes ``study_kills.json``.

usage: study_kills.py [--out DIR] [--patients 20] [--rounds 20] [--seed 0]
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

#: Files that must not differ by a byte; `manifest.json` has times.
COMPARED = ("predictions.csv", "attention.csv", "markers.csv", "evaluation.json", "report.html")
COMMAND = (sys.executable, "-m", "fibrolens")


def main() -> None:
    """Run all rounds; exits with 1 where one ended differently."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench/study_kills"))
    parser.add_argument("--patients", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    cohort = options.out / "cohort"
    size = ("--patients", str(options.patients), "--grid", "small")
    subprocess.run([*COMMAND, "phantom", *size, "--out", cohort], check=True, capture_output=True)
    table = cohort / "cohort.csv"
    for name in ("whole", "killed"):
        shutil.rmtree(options.out / name, ignore_errors=True)
    started = time.monotonic()
    whole = run(table, options.out / "whole")
    seconds = time.monotonic() - started
    rng = np.random.default_rng(options.seed)
    rounds = []
    for number in range(options.rounds):
        moment = float(rng.uniform(0, seconds))
        reached = kill(table, options.out / "killed", moment)
        same = run(table, options.out / "killed") == whole
        rounds.append({"killed_after_s": round(moment, 1), "reached": reached, "same": same})
        print(f"{number + 1}/{options.rounds}: {rounds[-1]}", flush=True)
        shutil.rmtree(options.out / "killed")
    report = {"undisturbed_s": round(seconds, 1), "compared": COMPARED, "rounds": rounds}
    (options.out / "study_kills.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    sys.exit(0 if all(one["same"] for one in rounds) else 1)


def command(table: Path, out: Path) -> list[str]:
    """The study whose rounds are compared; a few steps with checkpoints between them."""
    return [*COMMAND, "study", str(table), "--out", str(out), "--steps", "40"]


def run(table: Path, out: Path) -> dict[str, bytes]:
    """Run the study to its end; what it wrote."""
    done = subprocess.run(command(table, out), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the study failed with {done.returncode}: {done.stderr}")
    return {name: (out / name).read_bytes() for name in COMPARED}


def kill(table: Path, out: Path, after: float) -> str:
    """Start the study, end it and its workers after some seconds; the last line that it wrote."""
    log = out.with_suffix(".log")
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(command(table, out), stdout=stream, stderr=stream, start_new_session=True)
        time.sleep(after)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    lines = log.read_text(encoding="utf-8").splitlines()
    return lines[-1] if lines else "nothing yet"


if __name__ == "__main__":
    main()
