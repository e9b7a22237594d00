import csv

import numpy as np
import pytest

from fibrolens.evaluate.predicted import Predicted
from fibrolens.study.acquisition import ACQUISITION
from fibrolens.study.audits import audits

N = 40
CASES = [
    Predicted(f"s{k}", f"p{k}", k % 5, (4 * (k % 2),), (1 - q, 0.0, 0.0, 0.0, q))
    for k, q in enumerate(np.random.default_rng(0).random(N).tolist())
]


def written(path, rows):
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(1)
    known = [{"scan_id": case.scan_id, "patient_id": case.patient_id} for case in CASES]
    cohort = [
        row | {"image": "gone.nii.gz", "stage": "F0", "age": 40 + n, "sex": "MF"[n // 20]}
        for n, row in enumerate(known)
    ]
    written(tmp_path / "cohort.csv", cohort)
    written(
        tmp_path / "markers.csv",
        [row | {"spleen_volume_ml": f"{v:.3f}"} for row, v in zip(known, rng.random(N), strict=True)],
    )
    empty = dict.fromkeys(ACQUISITION, "")
    tables = [empty | row | {"table_hu": f"{-600 + 200 * (n % 2)}"} for n, row in enumerate(known)]
    written(tmp_path / "acquisition.csv", tables)
    return tmp_path


def test_both_audits_read_the_tables_of_the_folder(folder):
    found = audits(folder, CASES, 0)
    assert found["shortcuts"]["level"] == "alarm", "every cirrhosis lay on another table"
    assert found["shortcuts"]["facts"][0]["fact"] == "table_hu"
    assert found["map_or_marker"]["groups"]["spleen size"]["columns"] == {"spleen_volume_ml": N}
    assert found["map_or_marker"]["groups"]["age and sex"]["columns"] == {"age": N, "sex": N}


def test_a_folder_of_an_older_version_has_neither(folder):
    (folder / "acquisition.csv").unlink()
    (folder / "markers.csv").unlink()
    assert audits(folder, CASES, 0) == {}


def test_the_same_seed_gives_the_same_figures(folder):
    assert audits(folder, CASES, 3) == audits(folder, CASES, 3)
