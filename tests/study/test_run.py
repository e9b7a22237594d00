import csv
import json
import shutil

import pytest

from fibrolens.errors import CohortError, UsageError
from fibrolens.io.nifti import read_nifti
from fibrolens.progress import Silent
from fibrolens.staging.network import new_network
from fibrolens.study import run_study


@pytest.fixture
def study(finished_study, tmp_path):
    """A copy of the finished study, to be changed at will."""
    shutil.copytree(finished_study, tmp_path / "study")
    return tmp_path / "study"


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_scan_is_predicted_once_by_the_fold_that_never_saw_its_patient(study):
    predictions = table(study / "predictions.csv")
    assert sorted(row["scan_id"] for row in predictions) == sorted(f"s{n}" for n in range(10))
    folds = json.loads((study / "splits.json").read_text())["folds"]
    for row in predictions:
        assert row["scan_id"] in folds[int(row["fold"])]["test"]
        assert sum(float(row[f"p_F{k}"]) for k in range(5)) == pytest.approx(1.0, abs=1e-6)


def test_the_folder_holds_the_contract_s_files(study, toy_cohort):
    for name in ("plan.json", "cohort.csv", "attention.csv", "evaluation.json", "manifest.json"):
        assert (study / name).is_file()
    for name in ("roc", "maps", "attention"):
        assert (study / "figures" / f"{name}.png").stat().st_size > 5000
        assert (study / "figures" / f"{name}.svg").is_file()
    assert (study / "cohort.csv").read_bytes() == toy_cohort.read_bytes()
    assert not (study / "cases").exists()


def test_attention_is_measured_per_layer_and_region_and_compared(study):
    looked = table(study / "attention.csv")
    assert {row["layer"] for row in looked} == {"conv3", "conv4", "mean"}
    assert len(looked) == 30
    row = next(r for r in looked if r["liver_share"])
    assert sum(float(row[f"{r}_share"]) for r in ("liver", "spleen", "elsewhere")) == pytest.approx(1.0, abs=1e-6)
    evaluation = json.loads((study / "evaluation.json").read_text())
    assert evaluation["thresholds"]["F>=2"]["positives"] == 5
    assert evaluation["attention"]["layers"]["mean"]["true stage"]["stages"]["F4"]["n"] <= 5
    assert evaluation["training"]["initial_weights"] == "random"


def test_maps_lie_on_the_network_grid(study):
    values, geometry = read_nifti(study / "folds" / "0" / "maps" / next((study / "folds/0/maps").iterdir()).name)
    assert values.shape == (8, 24, 24)
    assert geometry.spacing == pytest.approx((5.0, 12.0, 12.0))


def test_a_study_that_lost_a_fold_and_its_ending_goes_on_to_the_same_result(study, toy_cohort, toy_plan):
    before = {name: (study / name).read_bytes() for name in ("predictions.csv", "attention.csv", "evaluation.json")}
    kept = (study / "folds" / "1" / "weights.safetensors").stat().st_mtime_ns
    shutil.rmtree(study / "folds" / "3")
    for name in ("manifest.json", *before):
        (study / name).unlink()
    run_study(toy_cohort, study, toy_plan, workers=1)
    assert {name: (study / name).read_bytes() for name in before} == before
    assert (study / "folds" / "1" / "weights.safetensors").stat().st_mtime_ns == kept


def test_a_finished_study_is_left_alone_and_another_one_refused(study, toy_cohort, toy_plan):
    stamp = (study / "manifest.json").read_bytes()
    run_study(toy_cohort, study, toy_plan, workers=1)
    assert (study / "manifest.json").read_bytes() == stamp
    weights = new_network(toy_plan.network, 1).state_dict()
    with pytest.raises(UsageError, match="other inputs"):
        run_study(toy_cohort, study, toy_plan, start_from=weights, workers=1)


def test_progress_counts_scans_then_steps_and_predictions(toy_cohort, toy_plan, tmp_path):
    counted = []

    class Counter(Silent):
        def __init__(self, total, label):
            self.entry = [label, total, 0]
            counted.append(self.entry)

        def advance(self, n=1, note=""):
            self.entry[2] += n

    weights = new_network(toy_plan.network, 1).state_dict()
    run_study(toy_cohort, tmp_path / "s", toy_plan, start_from=weights, workers=1, progress=Counter)
    assert counted == [["preparing scans", 10, 10], ["training and predicting", 40, 40]]


def test_excluded_rows_and_rows_without_a_liver_mask(toy_cohort, toy_plan, tmp_path):
    folder = tmp_path / "cohort"
    shutil.copytree(toy_cohort.parent, folder)
    shutil.copyfile(folder / "s0_image.nii.gz", folder / "again.nii.gz")
    text = toy_cohort.read_text().splitlines()
    lines = [text[0] + ",exclude", *(line + "," for line in text[1:]), "p10,s10,F2,again.nii.gz,,,other cancer"]
    (folder / "cohort.csv").write_text("\n".join(lines) + "\n")
    out = run_study(folder / "cohort.csv", tmp_path / "study", toy_plan, workers=1)
    assert len(table(out / "predictions.csv")) == 10
    (folder / "cohort.csv").write_text("\n".join([*lines[:-1], "p10,s10,F2,again.nii.gz,,,"]) + "\n")
    with pytest.raises(CohortError, match=r"Line 12 \(s10\) has no liver_mask"):
        run_study(folder / "cohort.csv", tmp_path / "other", toy_plan, workers=1)
