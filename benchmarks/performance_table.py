"""Puts what `make bench` measured into docs/performance.md, between its two marks.

One section per file of the folder that it knows; that of a benchmark which was not run stays as it was.

usage: performance_table.py [--out DIR] [--page FILE]
"""

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- measured by make bench -->", "<!-- end of what was measured -->"

Report = Mapping[str, Any]


def main() -> None:
    """Write the page anew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench"), help="where the benchmarks wrote")
    parser.add_argument("--page", type=Path, default=Path("docs/performance.md"))
    options = parser.parse_args()
    text = options.page.read_text(encoding="utf-8")
    options.page.write_text(placed(text, measured(options.out)), encoding="utf-8")


def placed(page: str, found: str) -> str:
    """The page with the sections of `found` between its marks, in the place of those with the same heading."""
    before, rest = page.split(BEGIN)
    there, after = rest.split(END)
    sections = by_heading(there) | by_heading(found)
    return "\n\n".join([f"{before}{BEGIN}", *sections.values(), f"{END}{after}"])


def by_heading(text: str) -> dict[str, str]:
    """The sections of a text, each with its heading, by the heading."""
    sections = [part.strip() for part in re.split(r"^(?=### )", text, flags=re.MULTILINE)]
    return {section.splitlines()[0]: section for section in sections if section}


def measured(folder: Path) -> str:
    """All sections of a folder."""
    parts = []
    for name, section in SECTIONS.items():
        path = folder / f"{name}.json"
        if path.exists():
            report = json.loads(path.read_text(encoding="utf-8"))
            parts += [*section(report), told(report["machine"])] if "machine" in report else section(report)
    written = folder / "scale.md"
    if written.exists():
        parts += ["### Many CTs", "`benchmarks/scale.py`.", written.read_text(encoding="utf-8").strip()]
    return "\n\n".join(parts)


def told(machine: Report) -> str:
    """The machine in a sentence."""
    cores, threads = machine["cores"], machine["threads"]
    vectors, memory = machine["vectors"], machine["memory_gb"]
    return f"On {cores} cores ({threads} torch threads, {vectors}), {memory} GB of memory, torch {machine['torch']}."


def table(*rows: Sequence[object]) -> str:
    """A Markdown table; the first row is its head, and its first column holds words."""
    head, *rest = ("| " + " | ".join(map(str, row)) + " |" for row in rows)
    return "\n".join([head, "|" + "|".join(["---"] + ["---:"] * (len(rows[0]) - 1)) + "|", *rest])


def one_ct(report: Report) -> list[str]:
    """Whole processes over one CT, beside a MONAI script."""
    targets = {"stage, masks given": "0.1", "stage, organs found": "0.25", "fibrolens --help": "0.3 s"}
    ratios, floor = report.get("ratios", {}), report["floor"]
    rows = [
        (
            name,
            f"{cost['wall_s']:.1f}",
            f"{cost['cpu_s']:.1f}",
            f"{cost['peak_gb']:.2f}",
            ratios.get(name, {}).get("wall_s", ""),
            targets.get(name, ""),
            ratios.get(name, {}).get("peak_gb", ""),
        )
        for name, cost in report["costs"].items()
    ]
    head = (
        "process",
        "wall s",
        "processor s",
        "peak GB",
        "wall, of MONAI's",
        "target",
        "peak, of MONAI's (target 0.5)",
    )
    counted = ", ".join(f"{name}: {value} s" for name, value in floor["arithmetic_s"].items())
    return [
        "### One CT, five maps",
        f"`benchmarks/one_ct.py`, medians of {report['runs']} rounds.",
        table(head, *rows),
        f"Floor: arithmetic at {floor['multiply_gflops']} GFLOP/s ({counted}); files at {floor['copy_gb_per_s']} GB/s "
        f"({floor['bytes_s']} s).",
    ]


def location_maps(report: Report) -> list[str]:
    """Grad-CAM in forward passes."""
    plans = [name for name in report if "plan" in name]
    ways = report[plans[0]]["forward_passes"]
    rows = [(way, *(report[plan]["forward_passes"].get(way, "") for plan in plans)) for way in ways]
    return [
        "### Maps of a slab, in forward passes",
        f"`benchmarks/location_maps.py`, medians of {report['rounds']} rounds; the target for five stages is 1.25.",
        table(("maps", *plans), *rows),
    ]


def reading(report: Report) -> list[str]:
    """A series of DICOM."""
    shape = " x ".join(map(str, report["shape"]))
    return [
        "### Reading a DICOM series",
        f"`benchmarks/reading.py`, {shape} voxels, medians of {report['rounds']} rounds.",
        _seconds(report["seconds"]),
    ]


def bootstraps(report: Report) -> list[str]:
    """An interval of the AUC."""
    return [
        "### Three AUCs with intervals",
        f"`benchmarks/bootstraps.py`, {report['scans']} scans, {report['replicates']} replicates, medians of "
        f"{report['rounds']} rounds.",
        _seconds(report["seconds"]),
    ]


def _seconds(taken: Mapping[str, float]) -> str:
    first = next(iter(taken.values()))
    return table(("by", "s", "of ours"), *((name, f"{s:.3g}", f"{s / first:.3g}") for name, s in taken.items()))


def training(report: Report) -> list[str]:
    """A step beside MONAI's loop."""
    plans = {name: found for name, found in report.items() if isinstance(found, dict) and "step_s" in found}
    rows = [
        (
            f"{name}, {way}",
            f"{seconds:.2f}",
            f"{found['waiting'][way]:.1%}",
            "" if way == "fibrolens" else f"{seconds / found['step_s']['fibrolens']:.2f}",
        )
        for name, found in plans.items()
        for way, seconds in found["step_s"].items()
    ]
    told = "; ".join(
        f"{name} plan: {found['times_as_fast']} times as fast as {found['rival']} (target 1.5), a batch drawn in "
        f"{found['drawing_s']} s, floor {found['floor_s']} s"
        for name, found in plans.items()
    )
    return [
        "### A step of training",
        f"`benchmarks/training.py`, medians of {report['rounds']} rounds of {report['steps']} steps; waiting "
        "is for data (target below 5%).",
        table(("plan and loop", "s per step", "waiting", "of ours"), *rows),
        f"{told}.",
    ]


def gpu(report: Report) -> list[str]:
    """Milliseconds of a slab on a GPU."""
    parts = ["### On a GPU", f"`benchmarks/gpu.py`, {report['gpu']['name']}, medians of {report['rounds']} rounds."]
    for name, found in report.items():
        if isinstance(found, dict) and "forward_ms" in found:
            ways = found["forward_ms"] | {f"five maps, {way}": ms for way, ms in found["maps_ms"].items()}
            floors = ", ".join(f"{mode} {ms} ms" for mode, ms in found["floor_ms"].items())
            scans = ", ".join(f"{way} {ms:.0f} ms" for way, ms in found["scan_ms"].items())
            error = found["error"]["bf16"]
            parts += [
                table((name, "ms per slab"), *ways.items()),
                f"Floor of a forward pass: {floors}. All slabs of a scan with their maps, transfers included: {scans}. "
                f"bf16 changes probabilities by {error['probabilities']:.1g}, maps by {error['maps']:.1g} of the "
                "highest value (target for both: below 0.01).",
            ]
    return parts


SECTIONS: dict[str, Callable[[Report], list[str]]] = {
    "one_ct": one_ct,
    "location_maps": location_maps,
    "reading": reading,
    "bootstraps": bootstraps,
    "training": training,
    "gpu": gpu,
}


if __name__ == "__main__":
    main()
