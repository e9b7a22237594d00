"""What must be there before a step of the campaign, by name."""

import csv
import hashlib
import shutil
from pathlib import Path

import torch
from pydicom import dcmread
from tests.planted import NAME, word
from tests.source_files import put_series, put_table

from fibrolens import demo
from fibrolens.phantom.render import small_grid
from fibrolens.weights import load_model_folder


def foreign(home: Path) -> None:
    """A file of torch.save, as other programs give it."""
    torch.save({"state_dict": dict(load_model_folder(home / "models" / "toy").weights)}, home / "theirs.pth")


def broken(home: Path) -> None:
    """The CT with a hole in it."""
    shutil.copytree(home / "study", home / "broken")
    for path in sorted((home / "broken").iterdir())[5:9]:
        path.unlink()


def broken_cohort(home: Path) -> None:
    """A table of which one CT breaks off, one has a hole, and one is the other's."""
    folder = home / "cohort"
    for name, scan in (("cut", "s1"), ("hole", "s2")):
        shutil.copytree(folder / scan, folder / name)
    slices = sorted((folder / "cut").iterdir())
    slices[3].write_bytes(slices[3].read_bytes()[:3000])
    sorted((folder / "hole").iterdir())[4].unlink()
    rows = list(csv.DictReader((folder / "cohort.csv").open(encoding="utf-8")))
    for row, image in zip(rows, ("cut", "hole", "s3", "s3"), strict=False):
        row["image"] = image
    put_table(folder / "broken.csv", rows)


def download(home: Path) -> None:
    """A public data set's files, whose headers are marked too."""
    tags = {"PatientName": NAME, "AccessionNumber": word(0x00080050), "PatientBirthDate": "19470513"}
    put_series(home / "download", "1.9", slices=3, PatientID="TCGA-DD-A001", SeriesDescription="PV Abd", **tags)
    row = {"bcr_patient_barcode": "TCGA-DD-A001", "ishak_fibrosis_score": "0 - No Fibrosis", "age_at_diagnosis": "60"}
    put_table(
        home / "download" / "clinical_patient_lihc.txt", [row, row | {"bcr_patient_barcode": "CDE_ID:1"}, row], "\t"
    )


def filled_in(home: Path) -> None:
    """The first row of reader A's sheet."""
    path = home / "results" / "reading" / "sheets" / "A" / "readings.csv"
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    rows[0] |= {"pattern": "surface", "confidence": "4", "comment": "clear"}
    put_table(path, rows)


def small_demo(home: Path) -> None:
    """The demonstration's patient on the small grid; its study is the one that `study` and its steps have made."""
    demo.medium_grid = small_grid
    demo.simulated_study = lambda *_: home / "results" / "study"


def known(home: Path) -> dict[str, str]:
    """What a command line can only be given when earlier steps have run: words in capitals and what they stand for."""
    uid = str(dcmread(min((home / "study").iterdir())).SeriesInstanceUID)
    found = {"SCAN_ID": hashlib.sha256(uid.encode()).hexdigest()[:12]}
    predictions = home / "results" / "study" / "predictions.csv"
    if predictions.exists():
        row = next(csv.DictReader(predictions.open(encoding="utf-8")))
        found["PREDICTED"] = max(("F0", "F1", "F2", "F3", "F4"), key=lambda stage: float(row[f"p_{stage}"]))
    return found
