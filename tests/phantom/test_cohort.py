import csv
import json

import numpy as np
import pytest

from fibrolens.io import read_labels, read_volume
from fibrolens.phantom.cohort import CohortOptions, sample_cohort, write_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_cohort(tmp_path_factory.mktemp("cohorts") / "one", [0, 4], seed=1)


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_names_files_that_exist(cohort):
    for row in rows(cohort):
        volume = read_volume(cohort.parent / row["image"])
        labels = read_labels(cohort.parent / "labels" / f"{row['scan_id']}.nii.gz")
        liver = read_labels(cohort.parent / row["liver_mask"])
        spleen = read_labels(cohort.parent / row["spleen_mask"])
        volume.require_grid(labels)
        assert set(np.unique(labels.array)) == {0, 1, 2}
        assert ((labels.array == 1) == (liver.array == 1)).all()
        assert ((labels.array == 2) == (spleen.array == 1)).all()


def test_tables_carry_stage_and_truth(cohort):
    assert [row["stage"] for row in rows(cohort)] == ["F0", "F4"]
    truth = rows(cohort.parent / "truth.csv")
    for row in truth:
        assert float(row["spleen_mask_ml"]) == pytest.approx(float(row["spleen_volume_ml"]), rel=0.1)
    assert {"scan_id", "stage", "severity", "liver_volume_ml", "lsvr", "nodularity_mm", "texture_sd_hu"} <= set(
        truth[0]
    )


def test_bytes_do_not_depend_on_the_number_of_workers(cohort, tmp_path):
    done = []
    write_cohort(tmp_path / "two", [0, 4], 1, CohortOptions(workers=2), lambda: done.append(1))
    one, two = (json.loads((f / "manifest.json").read_text())["files"] for f in (cohort.parent, tmp_path / "two"))
    assert one == two
    assert len(done) == 2


def test_dicom_cohorts_have_one_folder_per_scan(tmp_path):
    table = write_cohort(tmp_path / "c", [2], 3, CohortOptions(format="dicom"))
    assert read_volume(table.parent / rows(table)[0]["image"]).get("modality") == "CT"


def test_a_patient_does_not_depend_on_the_others():
    assert sample_cohort([0, 4, 2], 9)[2] == sample_cohort([1, 1, 2], 9)[2]


def test_an_empty_cohort_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one patient"):
        write_cohort(tmp_path / "none", [], 0)
