"""A blinded set from a finished study: pictures that tell nothing, and a database with their key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from fibrolens.cohort.problems import Problem, refuse
from fibrolens.engine import Engine
from fibrolens.errors import InputError, UsageError
from fibrolens.evaluate.predicted import Predicted
from fibrolens.explain.patterns import RULE, pattern
from fibrolens.output import MANIFEST, is_done, output_folder, read_manifest
from fibrolens.readers.disguise import disguise
from fibrolens.readers.folder import COMMAND, DATABASE, PICTURES
from fibrolens.readers.item import Item
from fibrolens.readers.items import Wanted, draw_items, draw_order
from fibrolens.readers.maps import PictureJob, draw_scan, scale_top
from fibrolens.readers.shown import KINDS
from fibrolens.readers.store import Store
from fibrolens.study.folder import FOLDS, INPUTS, Study
from fibrolens.study.prepare import files_sha256
from fibrolens.study.steps import Running
from fibrolens.study.tables import ATTENTION_FILE, PREDICTIONS_FILE, read_predictions, read_table


def prepare(study: Study, out: Path, wanted: Wanted, how: Running, overwrite: bool = False) -> Store:
    """Make the set, or find it there: pictures, and the database with key, readers and their orders.

    Args:
        study: finished.
        out: folder of the reader study.
        wanted: what the set shall be made of.
        how: how it runs.
        overwrite: replace a set that nobody has begun to read.

    Raises:
        UsageError: the study is not finished, a stage has no map, or something else is in the way.
        CohortError: a CT or a mask has changed since.
        OutputError: the folder cannot be written.
    """
    made = read_manifest(study.out)
    if made is None:
        raise UsageError(f"{study.out} is not finished; fibrolens study makes it complete.")
    files = json.dumps(made["files"], sort_keys=True).encode()
    run = {"command": COMMAND, "study_sha256": hashlib.sha256(files).hexdigest(), "wanted": asdict(wanted)}
    _protect(out, overwrite)
    if is_done(out, run, overwrite):
        return Store.open(out / DATABASE)
    generator = np.random.default_rng(wanted.seed)
    cases = read_predictions(study.out / PREDICTIONS_FILE)
    items = draw_items(cases, wanted, generator)
    _require_same_files(study, items)
    with output_folder(out, run) as folder:
        (folder / PICTURES).mkdir()
        top = scale_top([_map_file(study, item, wanted.maps) for item in items if item.kind == "map"])
        _draw(study, items, folder / PICTURES, (top, wanted.maps), how)
        known = _with_patterns(study, items, folder / PICTURES, KINDS[wanted.maps].layer)
        disguise([folder / PICTURES / f"{item.item}.png" for item in known], generator)
        orders = {reader: draw_order(known, generator) for reader in wanted.readers}
        Store.create(folder / DATABASE, known, orders, _about(study, wanted, top, cases))
    return Store.open(out / DATABASE)


def _protect(out: Path, overwrite: bool) -> None:
    """Refuse to replace readings, whatever was asked for."""
    if not overwrite or not (out / MANIFEST).is_file() or not (out / DATABASE).is_file():
        return
    store = Store.open(out / DATABASE)
    readings = sum(len(store.history(reader)) for reader in store.readers())
    if readings:
        raise UsageError(f"{out} holds {readings} readings, which --overwrite does not remove; choose another --out.")


def _require_same_files(study: Study, items: Sequence[Item]) -> None:
    """Refuse CTs and masks that are not those that the maps were made of.

    Raises:
        CohortError: there are any; all are named.
    """
    begun = json.loads((study.out / INPUTS).read_text(encoding="utf-8"))
    shown = {item.scan_id for item in items}
    changed = [row for row in study.rows if row.scan_id in shown and files_sha256(row) != begun[row.scan_id]]
    told = "have changed since the study; restore them, or run it anew"
    refuse(study.out / "cohort.csv", [Problem(row.line, f"the files of {row.scan_id} {told}") for row in changed])


def _map_file(study: Study, item: Item, maps: str) -> Path:
    path = study.out / FOLDS / str(item.fold) / KINDS[maps].folder / f"{item.scan_id}.nii.gz"
    if not path.is_file():
        raise InputError(f"{path} is missing; make the maps anew by fibrolens explain {study.out} --overwrite.")
    return path


def _draw(study: Study, items: Sequence[Item], pictures: Path, look: tuple[float, str], how: Running) -> None:
    """Draw every picture, scan by scan; `look` is the upper end of the colours and the kind of map."""
    rows = {row.scan_id: row for row in study.rows}
    plans = [job.plan for job in study.jobs()]
    by_scan: dict[str, list[Item]] = {}
    for item in items:
        by_scan.setdefault(item.scan_id, []).append(item)
    top, maps = look
    jobs = [
        PictureJob(
            row=rows[scan],
            plan=plans[own[0].fold],
            map_file=_map_file(study, own[0], maps),
            segmentations=study.segmentations,
            items=tuple(own),
            out=pictures,
            top=top,
            maps=maps,
        )
        for scan, own in by_scan.items()
    ]
    with Engine(how.workers) as engine, how.progress(len(items), "drawing") as report:
        engine.run(draw_scan, jobs, report)


def _with_patterns(study: Study, items: Sequence[Item], pictures: Path, layer: str) -> tuple[Item, ...]:
    """The items with their computed patterns; what the drawing noted of controls is taken in and removed."""
    looked = {row["scan_id"]: row for row in read_table(study.out / ATTENTION_FILE) if row["layer"] == layer}
    known = []
    for item in items:
        if item.seed is None:
            known.append(replace(item, pattern=_computed(looked[item.scan_id])))
            continue
        note = pictures / f"{item.item}.json"
        known.append(replace(item, **json.loads(note.read_text(encoding="utf-8"))))
        note.unlink()
    return tuple(known)


def _computed(row: dict[str, str]) -> str:
    regions = ("liver_surface", "liver_core", "spleen")
    return pattern({name: float(text) if (text := row[f"{name}_mean"]) else None for name in regions})


def _about(study: Study, wanted: Wanted, top: float, cases: Sequence[Predicted]) -> dict[str, Any]:
    """What the report says of the set."""
    return {
        "wanted": asdict(wanted),
        "scale": "mean1",
        "layer": KINDS[wanted.maps].recipe.name,
        "top": top,
        "rule": RULE,
        "study_scans": len(cases),
        "study_predicted": {stage: sum(f"F{case.predicted}" == stage for case in cases) for stage in wanted.stages},
        "trained_on": study.plan.initial_trained_on,
    }
