"""Tables of docs/performance.md come from what the benchmarks wrote; a GPU is measured where there is one."""

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "performance_table.py"
MACHINE = {"cores": 2, "threads": 2, "vectors": "AVX2", "memory_gb": 25, "torch": "2.13.0"}
LOOPS = {"fibrolens": 0.4, "MONAI, no worker": 0.8}


@pytest.fixture
def page(tmp_path):
    copy = tmp_path / "performance.md"
    copy.write_text((ROOT / "docs" / "performance.md").read_text(encoding="utf-8"), encoding="utf-8")
    return copy


def render(page, monkeypatch):
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, "--out", str(page.parent), "--page", str(page)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    return page.read_text(encoding="utf-8")


def test_what_was_measured_stands_between_the_marks_and_the_rest_stays(page, monkeypatch):
    found = {
        "step_s": LOOPS, "waiting": dict.fromkeys(LOOPS, 0.01), "rival": "MONAI, no worker", "times_as_fast": 2.0,
        "drawing_s": 0.05, "floor_s": 0.2,
    }  # fmt: skip
    report = {"machine": MACHINE, "rounds": 5, "steps": 5, "shipped": found}
    (page.parent / "training.json").write_text(json.dumps(report))
    before = page.read_text(encoding="utf-8").split("## Results")[0]
    first = render(page, monkeypatch)
    assert first.startswith(before)
    assert "| shipped, fibrolens | 0.40 | 1.0% |  |" in first
    assert "2.0 times as fast as MONAI, no worker" in first
    assert "On 2 cores" in first
    assert render(page, monkeypatch) == first


def test_the_section_of_a_benchmark_that_was_not_run_stays_as_it_was(page, monkeypatch):
    before = page.read_text(encoding="utf-8")
    assert "### On a GPU" in before
    assert render(page, monkeypatch) == before
    costs = {"stage, masks given": {"wall_s": 1.0, "cpu_s": 2.0, "peak_gb": 0.5}}
    floor = {"arithmetic_s": {}, "multiply_gflops": 90, "copy_gb_per_s": 16, "bytes_s": 0.02}
    (page.parent / "one_ct.json").write_text(json.dumps({"runs": 3, "costs": costs, "floor": floor}))
    after = render(page, monkeypatch)
    assert "| stage, masks given | 1.0 | 2.0 | 0.50 |" in after
    assert after.split("### Maps of a slab")[1] == before.split("### Maps of a slab")[1]


def test_the_first_measurement_of_a_benchmark_comes_last(page, monkeypatch):
    (page.parent / "scale.md").write_text("| workers | s |")
    assert render(page, monkeypatch).split("### ")[-1].startswith("Many CTs\n\n`benchmarks/scale.py`.\n\n| workers")


def gpu_benchmark(out, *options):
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--out", str(out), *options]
    hidden = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=hidden).stdout


def test_without_a_gpu_its_benchmark_is_skipped_by_name(tmp_path):
    assert gpu_benchmark(tmp_path).startswith("gpu.py is skipped: torch sees no GPU here")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_gpu_benchmark_can_be_rehearsed_on_a_processor(tmp_path):
    gpu_benchmark(tmp_path, "--rehearse", "--rounds", "1")
    (found,) = (v for k, v in json.loads((tmp_path / "gpu_rehearsed.json").read_text()).items() if "plan" in k)
    assert found["bf16_within_limit"]
    assert found["not_available"] == {}
    assert set(found["floor_ms"]) == {"fp32", "TF32", "bf16"}
