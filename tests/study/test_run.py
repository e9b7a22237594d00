import csv
import json
import shutil
from dataclasses import replace

import pytest

from fibrolens.errors import CohortError, ModelError, UsageError
from fibrolens.io.nifti import read_nifti
from fibrolens.progress import Silent
from fibrolens.staging.network import new_network
from fibrolens.study.run import Networks, run_study
from fibrolens.study.steps import Running
from fibrolens.study.tune import Start, tune
from fibrolens.weights import save_model_folder

pytestmark = pytest.mark.usefixtures("quick_organs")


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
    for name in ("plan.json", "splits.json", "flow.json", "markers.csv", "quality.csv", "report.html"):
        assert (study / name).is_file()
    for name in ("fig1_flow", "fig2_scheme", "fig3_roc", "fig4_maps", "fig5_attention"):
        assert (study / "figures" / f"{name}.png").stat().st_size > 5000
        assert (study / "figures" / f"{name}.svg").is_file()
    assert (study / "tables" / "table1.csv").is_file()
    assert (study / "cohort.csv").read_bytes() == toy_cohort.read_bytes()
    assert not (study / "cases").exists()


def test_attention_is_measured_per_layer_and_region_and_compared(study):
    looked = table(study / "attention.csv")
    assert {row["layer"] for row in looked} == {"conv3", "conv4", "mean", "contrast conv2"}
    assert len(looked) == 40
    row = next(r for r in looked if r["liver_share"])
    assert sum(float(row[f"{r}_share"]) for r in ("liver", "spleen", "elsewhere")) == pytest.approx(1.0, abs=1e-6)
    evaluation = json.loads((study / "evaluation.json").read_text())
    assert evaluation["thresholds"]["F>=2"]["positives"] == 5
    liver = evaluation["attention"]["layers"]["mean"]["regions"]["liver"]
    assert 0 < liver["true stage"]["stages"]["F4"]["n"] <= 5
    assert evaluation["training"]["initial_weights"] == "random weights"


def test_maps_lie_on_the_network_grid(study):
    values, geometry = read_nifti(study / "folds" / "0" / "maps" / next((study / "folds/0/maps").iterdir()).name)
    assert values.shape == (8, 24, 24)
    assert geometry.spacing == pytest.approx((5.0, 12.0, 12.0))


@pytest.fixture
def start(toy_plan, tmp_path):
    """A model folder to begin with."""
    card = {"name": "toy", "trained_on": "nothing", "intended_use": "tests", "figures": {}, "seed": 0}
    save_model_folder(tmp_path / "start", new_network(toy_plan.network, 1).state_dict(), toy_plan, card)
    return tmp_path / "start"


def test_each_fold_keeps_an_inner_split_of_other_patients(study):
    for folder in sorted((study / "folds").iterdir()):
        parts = json.loads((folder / "split.json").read_text())
        assert [len(parts[name]) for name in ("train", "inner", "test")] == [6, 2, 2]
        assert len({scan for scans in parts.values() for scan in scans}) == 10
        assert [row["scan_id"] for row in table(folder / "inner_predictions.csv")] == sorted(parts["inner"])
        assert json.loads((folder / "stopping.json").read_text())["scans"] == 2


@pytest.mark.usefixtures("empty_figures")
def test_a_study_that_lost_a_fold_and_its_ending_goes_on_to_the_same_result(study, toy_cohort, study_plan):
    before = {name: (study / name).read_bytes() for name in ("predictions.csv", "attention.csv", "evaluation.json")}
    kept = (study / "folds" / "1" / "weights.safetensors").stat().st_mtime_ns
    shutil.rmtree(study / "folds" / "3")
    for name in ("manifest.json", *before):
        (study / name).unlink()
    run_study(toy_cohort, study, study_plan, how=Running(1))
    assert {name: (study / name).read_bytes() for name in before} == before
    assert (study / "folds" / "1" / "weights.safetensors").stat().st_mtime_ns == kept


def test_a_finished_study_is_left_alone_and_another_one_refused(study, toy_cohort, study_plan, start):
    stamp = (study / "manifest.json").read_bytes()
    run_study(toy_cohort, study, study_plan, how=Running(1))
    assert (study / "manifest.json").read_bytes() == stamp
    with pytest.raises(UsageError, match="other inputs"):
        run_study(toy_cohort, study, study_plan, Networks(start), Running(1))


def test_another_ct_under_the_same_name_is_another_study(study, toy_cohort, study_plan, tmp_path):
    folder = tmp_path / "cohort"
    shutil.copytree(toy_cohort.parent, folder)
    run_study(folder / "cohort.csv", study, study_plan, how=Running(1))
    with (folder / "s3_image.nii.gz").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(UsageError, match="other inputs"):
        run_study(folder / "cohort.csv", study, study_plan, how=Running(1))


@pytest.mark.usefixtures("empty_figures")
def test_progress_counts_scans_steps_and_predictions(toy_cohort, study_plan, start, tmp_path):
    counted, said = [], []

    class Counter(Silent):
        def __init__(self, total, label):
            self.entry = [label, total, 0]
            counted.append(self.entry)

        def advance(self, n=1, note=""):
            self.entry[2] += n

    run_study(toy_cohort, tmp_path / "s", study_plan, Networks(start), Running(1, Counter, said.append))
    assert all(total == done for _, total, done in counted)
    units = {label: total for label, total, _ in counted}
    assert units["preparing scans"] == 10
    assert units["training"] == 30
    assert units["predicting"] == 20
    assert units["explaining"] == 10
    assert said[0].startswith("10 scans, 5 folds of at most 6 steps, 1 at a time: at most about ")


def rewritten(toy_cohort, tmp_path, change):
    folder = tmp_path / "cohort"
    shutil.copytree(toy_cohort.parent, folder)
    lines = [line.split(",") for line in toy_cohort.read_text().splitlines()]
    (folder / "cohort.csv").write_text("\n".join(",".join(change(line)) for line in lines) + "\n")
    return folder / "cohort.csv"


@pytest.mark.usefixtures("empty_figures")
def test_excluded_rows_are_left_out_and_counted(toy_cohort, study_plan, tmp_path):
    reasons = {"scan_id": "exclude", "s3": "other cancer"}
    cohort = rewritten(toy_cohort, tmp_path, lambda cells: [*cells, reasons.get(cells[1], "")])
    out = run_study(cohort, tmp_path / "study", replace(study_plan, folds=3), how=Running(1))
    assert "s3" not in {row["scan_id"] for row in table(out / "predictions.csv")}
    assert "other cancer" in (out / "flow.json").read_text()


def test_a_cohort_with_mistakes_is_refused_and_nothing_is_written(toy_cohort, study_plan, tmp_path):
    cohort = rewritten(toy_cohort, tmp_path, lambda cells: [*cells[:2], cells[2].replace("F4", "F5"), *cells[3:]])
    with pytest.raises(CohortError, match="5 problems"):
        run_study(cohort, tmp_path / "study", study_plan, how=Running(1))
    assert not (tmp_path / "study").exists()


def test_nobody_who_meets_the_criteria_is_an_error(toy_cohort, study_plan, tmp_path):
    cohort = rewritten(toy_cohort, tmp_path, lambda cells: [*cells, "age" if cells[1] == "scan_id" else "12"])
    with pytest.raises(CohortError, match="meets the criteria"):
        run_study(cohort, tmp_path / "study", study_plan, how=Running(1))
    assert not (tmp_path / "study").exists()


def test_weights_that_were_trained_on_the_cohort_are_refused(toy_cohort, toy_plan, study_plan, tmp_path):
    model = tune(toy_cohort, tmp_path / "model", toy_plan, Start("random weights"), workers=1)
    with pytest.raises(ModelError, match=r"trained on cohort\.csv itself"):
        run_study(toy_cohort, tmp_path / "study", study_plan, Networks(model), Running(1))
    assert not (tmp_path / "study").exists()


def test_too_few_patients_are_found_before_anything_is_written(toy_cohort, study_plan, tmp_path):
    with pytest.raises(CohortError, match="11 folds need"):
        run_study(toy_cohort, tmp_path / "study", replace(study_plan, folds=11), how=Running(1))
    assert not (tmp_path / "study").exists()
