"""What many CTs cost: the batch itself, throughput over 1, 10, 100 CTs, what Ray adds to a case, memory, storage.

Batch: `run_batch` in this process over texts for which nothing is done, so that all that is measured is ours around
the CTs. Throughput: `fibrolens stage` over manifests of simulated CTs on the small grid; the whole process less one
that finds a single CT done already, by the number of CTs. Ray: a cluster of one node with as many workers as cores,
against as many local processes; all that lies between two cases of one worker, for cases that sleep three seconds.
Memory: whole processes, a simulated CT on the full grid as it is, and with slices repeated until there are 1000.
Processor seconds stand beside wall time, for other work on the machine moves the latter alone. Writes ``scale.json``,
and ``scale.md`` for the docs.

usage: scale.py [--out DIR] [--counts 1,10,100] [--cases 10] [--parts batch,throughput,ray,memory]
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.fake_work import FakeVerb, FakeWork, scans
from tests.ray_nodes import cluster

from common import Cost, machine, write
from fibrolens.batch import FIRST_COLUMNS, Place, run_batch
from fibrolens.cases import as_cases
from fibrolens.engine import open_engine
from fibrolens.io import write_nifti
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import full_grid, render
from fibrolens.stage_batch import COLUMNS
from fibrolens.summary import Summary
from fibrolens.volume import Volume
from fibrolens.workers import cores
from timed import Timed

COMMAND = (sys.executable, "-m", "fibrolens")
PATIENTS = 4
SLEEP = 3.0
ROUNDS = 2
LONG = 1000
BATCHES = (1, 10, 100, 1000)
ROWS = 100_000


def main() -> None:
    """Run the benchmark."""
    parts = {"batch": batch, "throughput": throughput, "ray": ray_overhead, "memory": memory}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--counts", default="1,10,100", help="numbers of CTs (1000 takes two hours)")
    parser.add_argument("--cases", type=int, default=10, help="of each engine and round")
    parser.add_argument("--parts", default=",".join(parts))
    options = parser.parse_args()
    options.out = options.out.absolute()
    options.work = options.out / "scale"
    options.work.mkdir(parents=True, exist_ok=True)
    report: dict[str, Any] = {"machine": machine()}
    for name in options.parts.split(","):
        report[name] = parts[name](options)
        write(report, options.out, "scale")
    (options.out / "scale.md").write_text("\n\n".join(tables(report)) + "\n", encoding="utf-8")


def batch(options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds of a case around what is done to it: folders, checksums, journal, ``summary.csv``."""
    out = options.work / "batch"
    shutil.rmtree(out, ignore_errors=True)
    found = {}
    for count in BATCHES:
        texts = scans(out / "texts", ["good"] * count)
        place = out / str(count)
        place.mkdir()
        started, used = time.perf_counter(), time.process_time()
        with (out / "said").open("w") as said, redirect_stdout(said):
            run_batch(QuietVerb(out / "log"), as_cases(texts), Place(place), open_engine(1))
        wall, cpu = time.perf_counter() - started, time.process_time() - used
        found[count] = {"wall_ms": round(1000 * wall / count, 2), "cpu_ms": round(1000 * cpu / count, 2)}
    return {"cases": found, "summary": _table_of(out / "table", ROWS)}


def _table_of(out: Path, rows: int) -> dict[str, float]:
    """Processor seconds of a ``summary.csv`` of so many rows: writing the journal, and publishing it once more."""
    out.mkdir()
    used = time.process_time()
    with Summary(out, (*FIRST_COLUMNS, *COLUMNS)) as summary:
        for number in range(rows):
            row = dict.fromkeys(COLUMNS, "0.1234") | {"scan_id": f"ct-{number:07}", "status": "done"}
            summary.add(row)
        written, used = time.process_time() - used, time.process_time()
    published = time.process_time() - used
    size = (out / "summary.csv").stat().st_size / 1e6
    return {"rows": rows, "written_s": round(written, 1), "published_s": round(published, 1), "mb": round(size, 1)}


@dataclass(frozen=True)
class QuietWork(FakeWork):
    """Keeps no log, whose reading would grow with it."""

    def _note(self, what: str) -> int:
        return 1


@dataclass(frozen=True)
class QuietVerb(FakeVerb):
    """Does nothing to a scan."""

    def load(self) -> QuietWork:
        """Its work."""
        return QuietWork(self.log)


def throughput(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of a CT by the number of CTs, and where all are done already."""
    out = options.work / "throughput"
    shutil.rmtree(out, ignore_errors=True)
    lists = {count: manifest(options, count) for count in sorted({1, *map(int, options.counts.split(","))})}
    taken = {count: Cost.of(staged(listed, out / str(count))) for count, listed in lists.items()}
    again = {count: Cost.of(staged(listed, out / str(count))) for count, listed in lists.items()}
    start, most = again[1], max(lists)
    per_ct = {count: _each(cost, start, count) for count, cost in taken.items()}
    first = per_ct[min(per_ct)]
    return {
        "start_s": {"wall": round(start.wall_s, 2), "cpu": round(start.cpu_s, 2)},
        "per_ct_s": per_ct,
        "ratio_to_first": {
            count: {name: round(value / first[name], 3) for name, value in one.items()} for count, one in per_ct.items()
        },
        "per_ct_that_is_done_s": _each(again[most], start, most - 1),
    }


def _each(cost: Cost, start: Cost, count: int) -> dict[str, float]:
    return {
        "wall": round((cost.wall_s - start.wall_s) / count, 3),
        "cpu": round((cost.cpu_s - start.cpu_s) / count, 3),
    }


def staged(listed: Path, out: Path) -> Sequence[str]:
    """The command that stages the CTs of a manifest in one process."""
    return [*COMMAND, "stage", "--manifest", str(listed), "--out", str(out), "--skip", "report", "--skip", "dicom"]


def manifest(options: argparse.Namespace, count: int) -> Path:
    """A manifest of so many CTs, which name ten simulated patients in turn."""
    cohort = options.out / "small_cohort"
    size = ("--patients", str(PATIENTS), "--grid", "small", "--seed", "7")
    subprocess.run([*COMMAND, "phantom", *size, "--out", str(cohort)], check=True, capture_output=True)
    with (cohort / "cohort.csv").open(encoding="utf-8", newline="") as stream:
        images = [str(cohort / row["image"]) for row in csv.DictReader(stream)]
    listed = options.work / f"{count}.csv"
    rows = [f"{images[number % PATIENTS]},ct-{number:06}" for number in range(count)]
    listed.write_text("\n".join(["image,scan_id", *rows]) + "\n", encoding="utf-8")
    return listed


def ray_overhead(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds between two cases of one worker, of local processes and of a Ray cluster's; the engines take turns."""
    out = options.work / "ray"
    shutil.rmtree(out, ignore_errors=True)
    texts = scans(out / "texts", ["good"] * options.cases)
    taken: dict[str, list[float]] = {"local": [], "ray": []}
    with cluster(cores()) as nodes:
        os.environ |= nodes.environment
        sys.path[:0] = nodes.environment["PYTHONPATH"].split(os.pathsep)
        for number in range(ROUNDS):
            for name, address in (("local", None), ("ray", nodes.address)):
                place = out / f"{name}{number}"
                place.mkdir()
                timed = Timed(FakeVerb(out / "log", SLEEP), place / "notes")
                run_batch(timed, as_cases(texts), Place(place / "out"), open_engine(cores(), address))
                taken[name].append(timed.seconds_per_case())
    local, on_ray = (statistics.mean(taken[name]) for name in taken)
    found = {"local_s": round(local, 4), "ray_s": round(on_ray, 4), "overhead": round(on_ray / local - 1, 4)}
    return {"workers": cores(), "cases": options.cases, "rounds": ROUNDS, **found}


def memory(options: argparse.Namespace) -> dict[str, Any]:
    """Whole processes on a CT as it is and on one of 1000 slices, and the bytes that they leave."""
    out = options.work / "memory"
    shutil.rmtree(out, ignore_errors=True)
    usual = options.out / "usual.nii.gz"
    if not usual.exists():
        patient = sample_patient(np.random.default_rng(1), 3, "bench")
        ct = render(patient, full_grid(patient)).hu
        write_nifti(repeated(ct, LONG), options.out / "long.nii.gz")
        write_nifti(ct, usual)
    found = {}
    for name in ("usual", "long"):
        command = [*COMMAND, "stage", str(options.out / f"{name}.nii.gz"), "--force", "--out", str(out / name)]
        command += ["--skip", "report", "--skip", "dicom"]
        cost = Cost.of(command)
        folder = out / name / name
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        found[name] = {
            "slices": result["input"]["shape"][2],
            "peak_gb": round(cost.peak_gb, 2),
            "wall_s": round(cost.wall_s, 1),
            "cpu_s": round(cost.cpu_s, 1),
            "mb": {p.name: round(p.stat().st_size / 1e6, 2) for p in sorted(folder.rglob("*")) if p.is_file()},
            "steps_s": json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["timings_s"],
        }
    ratio = found["long"]["peak_gb"] / found["usual"]["peak_gb"]
    return found | {"peak_ratio": round(ratio, 2)}


def repeated(ct: Volume, slices: int) -> Volume:
    """The same patient in thinner slices, each like its neighbour in the CT."""
    count = ct.geometry.shape[0]
    array = ct.array[np.arange(slices) * count // slices]
    thin = ct.geometry.spacing[0] * count / slices
    geometry = replace(ct.geometry, shape=array.shape, spacing=(thin, *ct.geometry.spacing[1:]))
    return Volume(array, geometry)


def tables(report: Mapping[str, Any]) -> list[str]:
    """The figures as tables of a page."""
    makers: dict[str, Callable[[Any], str]] = {
        "batch": _batch,
        "throughput": _throughput,
        "ray": _ray,
        "memory": _memory,
    }
    return [maker(report[name]) for name, maker in makers.items() if name in report]


def _batch(found: Mapping[Any, Any]) -> str:
    rows = [(n, one["wall_ms"], one["cpu_ms"]) for n, one in found["cases"].items()]
    return _table(("cases", "wall, ms per case", "processor, ms per case"), rows)


def _throughput(found: Mapping[str, Any]) -> str:
    ratios = found["ratio_to_first"]
    rows = [(n, one["wall"], one["cpu"], ratios[n]["cpu"]) for n, one in found["per_ct_s"].items()]
    return _table(("CTs", "wall, s per CT", "processor, s per CT", "ratio to the first"), rows)


def _ray(found: Mapping[str, Any]) -> str:
    row = (f"{found['local_s']:.3f}", f"{found['ray_s']:.3f}", f"{100 * found['overhead']:.1f} %")
    return _table(("local, s", "Ray, s", "overhead"), [row])


def _memory(found: Mapping[str, Any]) -> str:
    rows = [
        (one["slices"], one["peak_gb"], one["wall_s"], one["cpu_s"], f"{sum(one['mb'].values()):.0f}")
        for one in found.values()
        if isinstance(one, Mapping)
    ]
    return _table(("slices", "peak, GB", "wall, s", "processor, s", "written, MB"), rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


if __name__ == "__main__":
    main()
