"""How long a click on a scan takes to the first slice with its map, and how fast slices scroll, in a real browser.

A simulated CT of 512 x 512 x 129 is staged by ``fibrolens serve`` and opened in Chromium, which draws in software where
there is no graphics card. The clock runs from the click until a screenshot shows the map's colours; scrolling is a key
press per slice, each awaited until the browser has drawn, and a screenshot at the end. Writes ``viewer_speed.json``.

usage: viewer_speed.py [--out DIR] [--ct FILE] [--runs 3] [--reading 5] [--chromium PATH]
"""

import argparse
import io
import json
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import numpy as np
from matplotlib.image import imread
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from fibrolens.io import write_nifti
from fibrolens.phantom.patient import sample_patient
from fibrolens.phantom.render import full_grid, render
from fibrolens.volume import Geometry
from fibrolens.workers import cores

TARGET_S, TARGET_FPS = 10.0, 5.0
SLICES, SCROLLED = 129, 40
LONGEST_MS = 300_000


def main() -> None:
    """Stage once, open and scroll several times."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/bench/viewer_speed"))
    parser.add_argument("--ct", type=Path, help="a CT to open instead of the simulated one")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--reading", type=float, default=5.0, metavar="S", help="seconds that the list is looked at")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    ct = options.ct or simulated(options.out / "ct.nii.gz")
    link, server = served(options.out / "data")
    try:
        job = staged(link, ct)
        with sync_playwright() as play:
            runs = [
                one(play.chromium.launch(executable_path=options.chromium), link, job, options.reading)
                for _ in range(options.runs)
            ]
            direct = one(play.chromium.launch(executable_path=options.chromium), link, job, None)
    finally:
        server.terminate()
        server.wait()
    report = {
        "runs": runs,
        "without_a_list_before": {"first_slice_s": direct["first_slice_s"]},
        "worst": {
            "first_slice_s": max(r["first_slice_s"] for r in runs),
            "slices_per_s": min(r["slices_per_s"] for r in runs),
        },
        "target": {"first_slice_s": TARGET_S, "slices_per_s": TARGET_FPS},
        "reading_s": options.reading,
        "cores": cores(),
        "machine": platform.machine(),
    }
    (options.out / "viewer_speed.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def simulated(path: Path) -> Path:
    """A patient with cirrhosis on 129 slices."""
    patient = sample_patient(np.random.default_rng(0), 4, "P1")
    grid = full_grid(patient)
    thick = grid.shape[0] * grid.spacing[0] / SLICES
    shape, spacing = (SLICES, *grid.shape[1:]), (thick, *grid.spacing[1:])
    write_nifti(render(patient, Geometry(shape, spacing, grid.origin, grid.direction)).hu, path)
    return path


def served(data: Path) -> tuple[str, subprocess.Popen[str]]:
    """A running service and the link that it prints."""
    shutil.rmtree(data, ignore_errors=True)
    command = [sys.executable, "-m", "fibrolens", "serve", "--data", str(data), "--port", "0"]
    with data.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    first = process.stdout.readline() if process.stdout else ""
    return first.removeprefix("Open ").strip(), process


def staged(link: str, ct: Path) -> dict[str, Any]:
    """The job of a CT, when it is done."""
    place = urlsplit(link)
    headers = {"Authorization": f"Bearer {parse_qs(place.query)['token'][0]}"}

    def ask(path: str, body: bytes | None = None) -> dict[str, Any]:
        request = Request(f"http://{place.netloc}/api/v1/jobs{path}", body, headers)
        with urlopen(request) as answer:  # noqa: S310
            return dict(json.load(answer))

    job = ask(f"?filename={ct.name}", ct.read_bytes())
    while job["state"] in ("queued", "running"):
        time.sleep(1)
        job = ask(f"/{job['id']}")
    if job["state"] != "done":
        sys.exit(f"The CT was not staged: {job['reason']}")
    return job


def one(browser: Browser, link: str, job: dict[str, Any], reading: float | None) -> dict[str, Any]:
    """Open the scan in a fresh browser, from the list or by its own address where `reading` is None."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(LONGEST_MS)
    page.goto(link)
    row = page.get_by_role("link", name=job["name"])
    row.wait_for()
    if reading is None:
        page.goto("about:blank")
        since = time.monotonic()
        page.goto(f"http://{urlsplit(link).netloc}/#/scan/{job['id']}")
    else:
        time.sleep(reading)
        since = time.monotonic()
        row.click()
    canvas = page.locator("main canvas.slices").first
    canvas.wait_for()
    while not has_map(canvas):
        time.sleep(0.02)
    first = time.monotonic() - since
    page.locator("main[data-shown^='#/scan']").wait_for()
    measured = {"first_slice_s": round(first, 2)} | scrolled(page, canvas)
    browser.close()
    return measured


def has_map(canvas: Locator) -> bool:
    """Whether red, orange or purple is on the canvas: neither CT nor crosshair nor outlines have that."""
    seen = imread(io.BytesIO(canvas.screenshot()))
    return bool((seen[..., 0] - seen[..., 1] > 0.15).mean() > 0.005)


def scrolled(page: Page, canvas: Locator) -> dict[str, Any]:
    """Slices per second of the axial plane."""
    time.sleep(2)
    canvas.focus()
    number = page.locator(".slice-number").first
    before, _, slices = number_of(number)
    key = "PageUp" if before + SCROLLED < slices else "PageDown"
    since = time.monotonic()
    for _ in range(SCROLLED):
        page.keyboard.press(key)
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    canvas.screenshot()
    seconds = time.monotonic() - since
    moved = abs(number_of(number)[0] - before)
    return {"slices_per_s": round(moved / seconds, 1), "slices": slices}


def number_of(told: Locator) -> tuple[int, str, int]:
    """From "axial slice 40 of 129"."""
    words = told.inner_text().split()
    return int(words[2]), words[3], int(words[4])


if __name__ == "__main__":
    main()
