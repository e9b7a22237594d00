import csv
import json

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from fibrolens.begun import State, begin
from fibrolens.cohort.table import read_cohort
from fibrolens.errors import OutputError, UsageError
from fibrolens.io import read_labels, read_volume
from fibrolens.phantom import folder, scanfiles
from fibrolens.phantom.cohort import CohortOptions, Setting, Twin, cohort_run, sample_cohort, write_cohort
from fibrolens.phantom.severity import SIGNS

STAGES, SEED = [0, 4], 1
TRUTH = {"scan_id", "patient_id", "stage", "severity", "liver_volume_ml", "spleen_volume_ml", "lsvr", "nodularity_mm",
         "lsn", "texture_sd_hu", "septa_hu", "portal_vein_mm", "hepatic_vein_mm", "liver_hu", "ascites", "varices",
         "steatosis", "lesions", "mass", "splenectomy", "metal", "partial", "kvp", "slice_mm", "pixel_mm", "noise_hu",
         "psf_mm", "kernel", "vendor", "table", "phase", "liver_mask_ml", "spleen_mask_ml", "lsvr_mask"}  # fmt: skip


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_cohort(tmp_path_factory.mktemp("cohorts") / "one", STAGES, SEED)


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """One cirrhosis and its twin with the spleen of F0, as DICOM."""
    options = CohortOptions(format="dicom", twins=(Twin("spleen", 0),))
    return write_cohort(tmp_path_factory.mktemp("cohorts") / "twins", [4], SEED, options).parent


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def files(out):
    return json.loads((out / "manifest.json").read_text())["files"]


def test_every_row_names_files_that_exist(cohort):
    for row in read_cohort(cohort):
        volume = read_volume(row.image)
        labels = read_labels(cohort.parent / "labels" / f"{row.scan_id}.nii.gz")
        volume.require_grid(labels)
        assert set(np.unique(labels.array)) == {0, 1, 2}
        assert ((labels.array == 1) == (read_labels(row.liver_mask).array == 1)).all()
        assert ((labels.array == 2) == (read_labels(row.spleen_mask).array == 1)).all()


def test_organs_and_segments_are_there_by_name(cohort):
    names = json.loads((cohort.parent / "labels" / "organs.json").read_text())
    for row in read_cohort(cohort):
        organs = read_labels(cohort.parent / "labels" / f"{row.scan_id}_organs.nii.gz").array
        segments = read_labels(cohort.parent / "labels" / f"{row.scan_id}_segments.nii.gz").array
        liver = read_labels(row.liver_mask).array > 0
        assert ((organs == names["liver"]) == liver).all()
        assert ((segments > 0) <= liver).all()
        assert (organs == names["kidney"]).any()


def test_evidence_of_each_sign_lies_on_the_grid_of_the_ct(cohort):
    for row in read_cohort(cohort):
        volume = read_volume(row.image)
        found = {p.name.removesuffix(".nii.gz"): p for p in (cohort.parent / "evidence").glob(f"{row.scan_id}_*")}
        named = {name.removeprefix(f"{row.scan_id}_") for name in found}
        assert {"spleen", "surface", "texture", "lobes"} <= named <= {*SIGNS, "table", "shortcut"}
        spleen = read_labels(found[f"{row.scan_id}_spleen"])
        volume.require_grid(spleen)
        assert ((spleen.array > 0) == (read_labels(row.spleen_mask).array > 0)).all()


def test_tables_carry_stage_record_and_truth(cohort):
    control, cirrhosis = rows(cohort)
    assert (control["stage"], control["reference"], control["histology_date"]) == ("F0", "imaging_negative", "")
    assert (cirrhosis["stage"], cirrhosis["reference"], cirrhosis["phase"]) == ("F4", "histology", "portal venous")
    assert {"age", "sex", "bmi", "aetiology", "specimen", "ct_date", "platelets", "afp"} <= set(control)
    for row in rows(cohort.parent / "truth.csv"):
        assert set(row) >= TRUTH
        assert float(row["spleen_mask_ml"]) == pytest.approx(float(row["spleen_volume_ml"]), rel=0.1)
        assert float(row["liver_mask_ml"]) == pytest.approx(float(row["liver_volume_ml"]), rel=0.1)


def test_interrupted_cohort_goes_on_to_the_same_bytes_with_any_number_of_workers(cohort, tmp_path, monkeypatch):
    """Killed after the first of two scans, in the middle of the second."""
    out, done = tmp_path / "two", []

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_cohort(out, STAGES, SEED, on_patient=interrupt)
    assert not (out / "manifest.json").exists()
    first = (out / "images" / "P0001.nii.gz").stat().st_mtime_ns
    for half in (out / "images" / "P0002.nii.gz", out / folder.SCANS / "P0002" / "images" / "P0002.nii.gz"):
        half.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(b"half")
    write_cohort(out, STAGES, SEED, CohortOptions(workers=2), lambda: done.append(1))
    assert files(out) == files(cohort.parent)
    assert (out / "images" / "P0001.nii.gz").stat().st_mtime_ns == first
    assert len(done) == 2
    assert not (out / folder.UNFINISHED).exists()


def test_finished_cohort_is_left_alone_and_one_of_other_options_is_not_replaced(cohort, monkeypatch):
    monkeypatch.setattr(scanfiles, "render", None)
    before = (cohort.parent / "manifest.json").read_bytes()
    assert write_cohort(cohort.parent, STAGES, SEED) == cohort
    with pytest.raises(UsageError, match="result of other inputs or options"):
        write_cohort(cohort.parent, STAGES, SEED + 1)
    assert (cohort.parent / "manifest.json").read_bytes() == before


def test_twins_differ_from_their_originals_by_one_organ(twins):
    (original,), (twin,) = rows(twins / "cohort.csv"), rows(twins / "twins.csv")
    assert (twin["twin_of"], twin["sign"], twin["stage_of_sign"]) == (original["scan_id"], "spleen", "F0")
    assert twin["scan_id"] == "P0001_twin-spleen-F0"
    ct, other = (read_volume(twins / row["image"]) for row in (original, twin))
    spleen, smaller = (read_labels(twins / row["spleen_mask"]).array > 0 for row in (original, twin))
    assert smaller.sum() < 0.8 * spleen.sum()
    away = distance_transform_edt(~(spleen | smaller), sampling=ct.geometry.spacing)
    assert (ct.array == other.array)[away > 80].all()
    assert (ct.array == other.array)[away > 30].mean() > 0.999
    assert (ct.array != other.array)[spleen & ~smaller].mean() > 0.9


def test_twins_truth_differs_by_the_moved_sign_alone(twins):
    (original,), (twin,) = rows(twins / "truth.csv"), rows(twins / "twins.csv")
    measured = {"liver_mask_ml", "spleen_mask_ml", "lsvr_mask"}
    assert {name for name in set(original) - measured if original[name] != twin[name]} == {
        "scan_id",
        "spleen_volume_ml",
    }


def test_dicom_cohorts_have_one_folder_per_scan(twins):
    (row,) = read_cohort(twins / "cohort.csv")
    assert row.image.is_dir()
    assert read_volume(row.image).get("modality") == "CT"


def test_truth_alone_needs_no_rendering(tmp_path, monkeypatch):
    monkeypatch.setattr(scanfiles, "render", None)
    table = write_cohort(tmp_path / "c", [0, 4] * 50, SEED, CohortOptions(truth_only=True))
    assert sorted(p.name for p in table.parent.iterdir()) == ["manifest.json", "run.json", "truth.csv"]
    truth = rows(table)
    assert len(truth) == 100
    assert set(truth[0]) >= TRUTH
    assert float(truth[0]["liver_volume_ml"]) == round(sample_cohort([0], SEED)[0].liver_volume_ml, 4)


def test_too_small_disk_is_refused_before_the_start_with_both_figures(tmp_path, monkeypatch):
    monkeypatch.setattr(folder.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 5e9}))
    options = CohortOptions(grid="full", format="dicom", setting=Setting(arm="none"))
    with pytest.raises(OutputError, match=r"needs about 5\.\d GB, but .* has 5\.0 GB free"):
        write_cohort(tmp_path / "new" / "c", [4] * 100, SEED, options)
    assert not (tmp_path / "new").exists()


def test_a_cohort_that_lacks_its_manifest_alone_needs_no_space(tmp_path, monkeypatch):
    """Killed while the records were removed, after the last table."""
    stand_in = tmp_path / "c" / "truth.csv"
    begin(tmp_path / "c", cohort_run(STAGES, SEED, CohortOptions()), State.FREE)
    stand_in.write_text("scan_id\n")
    monkeypatch.setattr(folder.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 0}))
    monkeypatch.setattr(scanfiles, "render", None)
    write_cohort(tmp_path / "c", STAGES, SEED)
    assert set(files(tmp_path / "c")) == {"run.json", "truth.csv"}


def test_an_empty_cohort_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one patient"):
        write_cohort(tmp_path / "none", [], 0)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"workers": 0}, "workers must be 1 or more"),
        ({"truth_only": True, "twins": (Twin("spleen", 0),)}, "leave one of them out"),
        ({"twins": (Twin("spleen", 0),) * 2}, "twins must differ"),
    ],
)
def test_impossible_options_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        CohortOptions(**options)
