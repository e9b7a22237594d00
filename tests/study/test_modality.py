"""A study of MR: what is asked of its cohort, its plan and its weights, and that it runs to its end."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fibrolens.cli import main
from fibrolens.cohort.check import check_cohort
from fibrolens.cohort.criteria import Criteria, select
from fibrolens.cohort.table import read_cohort
from fibrolens.errors import CohortError, ModelError, UsageError
from fibrolens.io import write_nifti
from fibrolens.pipeline import Models
from fibrolens.plan import Plan, read_plan
from fibrolens.staging.network import new_network
from fibrolens.study.modality import default_criteria, fitted_plan, modality_for, require_modality, require_weights
from fibrolens.study.plans import StudyPlan
from fibrolens.study.run import run_study
from fibrolens.study.steps import Running
from fibrolens.study.tune import Start, tune
from fibrolens.volume import Geometry, Volume
from fibrolens.weights import save_model_folder

SHAPE = (8, 24, 24)


def mr_cohort(folder: Path, **cells: str) -> Path:
    """Ten patients whose liver shines less, the higher the stage; `cells` go into the last row."""
    grid = Geometry(SHAPE, (5.0, 12.0, 12.0))
    rows = []
    for n in range(10):
        stage = ("F0", "F4")[n % 2]
        rng = np.random.default_rng(n)
        liver, spleen = np.zeros((2, *SHAPE), np.uint8)
        liver[1:7, 8:16, 5:12] = 1
        spleen[2:6, 12:16, 15:18] = 1
        signal = np.zeros(SHAPE)
        signal[:, 3:21, 3:21] = 0.9
        signal[spleen > 0] = 1.0
        signal[liver > 0] = 2.0 if stage == "F0" else 1.3
        scanned = rng.uniform(100, 900) * np.hypot(signal + 0.02 * rng.standard_normal(SHAPE), 0.02)
        row = {"patient_id": f"p{n}", "scan_id": f"s{n}", "stage": stage, "modality": "MR"}
        row |= {"phase": "hepatobiliary", "field_strength": "3", "reference": "histology"}
        for column, array in (("image", scanned.astype(np.int16)), ("liver_mask", liver), ("spleen_mask", spleen)):
            row[column] = f"{row['scan_id']}_{column}.nii.gz"
            write_nifti(Volume(array, grid), folder / row[column])
        rows.append(row)
    rows[-1] |= cells
    with (folder / "cohort.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "cohort.csv"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    return mr_cohort(tmp_path_factory.mktemp("mr"))


@pytest.fixture
def mr_plan(study_plan) -> StudyPlan:
    return replace(study_plan, staging=fitted_plan(study_plan.staging, "MR"), criteria=default_criteria("MR"))


@pytest.fixture(scope="module")
def finished(cohort, toy_plan, tmp_path_factory) -> Path:
    plan = StudyPlan(fitted_plan(toy_plan, "MR"), inner_folds=4, criteria=default_criteria("MR"))
    return run_study(cohort, tmp_path_factory.mktemp("study") / "study", plan, how=Running(1))


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_check_takes_mr_as_it_is(cohort):
    assert len(check_cohort(cohort)) == 10
    assert modality_for(cohort) == "MR"


def test_a_cohort_with_a_ct_is_one_of_ct(tmp_path):
    assert modality_for(mr_cohort(tmp_path, modality="CT")) == "CT"
    assert modality_for(mr_cohort(tmp_path, modality="")) == "CT"


def test_an_excluded_ct_does_not_count(tmp_path):
    table_path = mr_cohort(tmp_path)
    text = table_path.read_text().replace("reference", "reference,exclude").replace("histology,", "histology,,")
    lines = text.splitlines()
    lines[-1] = lines[-1].replace(",MR,", ",CT,").replace("histology,,", "histology,motion,")
    table_path.write_text("\n".join(lines))
    assert modality_for(table_path) == "MR"


def test_the_criteria_of_mr_ask_for_the_hepatobiliary_phase(cohort):
    rows = check_cohort(cohort)
    assert len(select(rows, default_criteria("MR")).included) == 10
    assert not select(rows, default_criteria("CT")).included
    assert default_criteria("CT") == Criteria()


@pytest.mark.slow
def test_a_study_of_mr_runs_to_its_report(finished):
    assert (finished / "report.html").is_file()
    assert (finished / "manifest.json").is_file()
    assert len(table(finished / "predictions.csv")) == 10
    plan = read_plan(finished / "plan.json", StudyPlan)
    assert plan.staging.grid.intensity == "mr"
    evaluation = json.loads((finished / "evaluation.json").read_text())
    assert evaluation["training"]["modality"] == "MR"


@pytest.mark.slow
def test_its_report_says_mr_and_how_its_signals_were_scaled(finished):
    text = (finished / "report.html").read_text()
    assert "10 MR scans of 10 patients" in text
    assert "from the 0.5 to the 99.5 percentile of its body" in text
    assert "CT numbers were windowed" not in text
    assert "portal venous phase" not in text


@pytest.mark.slow
def test_sizes_are_measured_and_what_needs_hounsfield_units_is_not(finished):
    for row in table(finished / "markers.csv"):
        assert float(row["liver_volume_ml"]) > 0
        assert not any(row[name] for name in ("lsn", "texture_sd_hu", "liver_minus_spleen_hu", "liver_hu", "aorta_hu"))
    for row in table(finished / "quality.csv"):
        assert row["phase"] == ""
        assert row["mask_kind"] == "given"


@pytest.mark.slow
def test_acquisition_holds_what_a_grid_tells(finished):
    for row in table(finished / "acquisition.csv"):
        assert (row["spacing_mm"], row["slices"], row["table_hu"], row["noise_hu"]) == ("12", "8", "", "")


@pytest.mark.parametrize("mask", ["liver_mask", "spleen_mask"])
def test_an_mr_without_a_mask_is_named_by_its_line(tmp_path, mr_plan, mask):
    cohort = mr_cohort(tmp_path, **{mask: ""})
    with pytest.raises(CohortError, match=f"line 11: {mask} empty; .* an MR needs both masks"):
        run_study(cohort, tmp_path / "study", mr_plan, how=Running(1))
    assert not (tmp_path / "study").exists()


def test_ct_and_mr_in_one_study_are_refused(tmp_path, mr_plan):
    cohort = mr_cohort(tmp_path, modality="CT")
    both = replace(mr_plan, criteria=Criteria(modalities=("CT", "MR"), phases=()))
    with pytest.raises(CohortError, match="mixes CT and MR"):
        require_modality(select(read_cohort(cohort), both.criteria).included, both.staging, cohort)


@pytest.mark.parametrize("of_mr", [True, False])
def test_a_plan_of_the_other_modality_is_refused_before_anything_is_written(
    cohort, toy_cohort, study_plan, mr_plan, tmp_path, of_mr
):
    plan, table_path = (study_plan, cohort) if of_mr else (mr_plan, toy_cohort)
    plan = replace(plan, criteria=Criteria(modalities=("CT", "MR"), phases=()))
    with pytest.raises(CohortError, match="the plan's grid has the intensity"):
        run_study(table_path, tmp_path / "study", plan, how=Running(1))
    assert not (tmp_path / "study").exists()


def test_weights_of_another_modality_are_refused(toy_plan):
    require_weights(toy_plan, "CT", "shipped")
    with pytest.raises(UsageError, match=r"The weights shipped were trained on CT and the cohort is MR; begin with "):
        require_weights(toy_plan, "MR", "shipped")
    with pytest.raises(UsageError, match="were trained on MR and the cohort is CT"):
        require_weights(fitted_plan(toy_plan, "MR"), "CT", "mine")


def test_a_study_of_mr_from_the_shipped_weights_says_how_to_begin(cohort, tmp_path, capsys):
    assert main(["study", str(cohort), "--out", str(tmp_path / "study")]) == 2
    assert "begin with --from scratch" in capsys.readouterr().err
    assert not (tmp_path / "study").exists()


def test_the_command_line_chooses_the_plan_by_the_cohort(cohort, tmp_path):
    out = tmp_path / "study"
    assert main(["study", str(cohort), "--out", str(out), "--from", "scratch", "--prepare-only", "--workers", "1"]) == 0
    plan = read_plan(out / "plan.json", StudyPlan)
    assert plan.staging.grid.intensity == "mr"
    assert (plan.criteria.modalities, plan.criteria.phases) == (("MR",), ("hepatobiliary",))


def test_weights_of_mr_do_not_stage_a_ct(toy_plan, tmp_path):
    plan: Plan = fitted_plan(toy_plan, "MR")
    card = {"name": "toy", "trained_on": "MR", "intended_use": "tests", "figures": {}, "seed": 0}
    save_model_folder(tmp_path / "mr", new_network(plan.network, 1).state_dict(), plan, card)
    with pytest.raises(ModelError, match="was trained on MR, and a CT is staged"):
        Models.load(tmp_path / "mr")


def test_a_model_trained_on_mr_says_so(cohort, toy_plan, tmp_path):
    plan = fitted_plan(toy_plan, "MR")
    tune(cohort, tmp_path / "m", plan, Start("random weights"), workers=1)
    assert json.loads((tmp_path / "m" / "card.json").read_text())["trained_on"].startswith("10 MRs of 10 patients")
    assert read_plan(tmp_path / "m" / "plan.json", Plan).grid.intensity == "mr"


def test_a_training_on_mr_from_the_shipped_weights_is_refused(cohort, tmp_path, capsys):
    assert main(["train", str(cohort), "--out", str(tmp_path / "m")]) == 2
    assert "were trained on CT and the cohort is MR" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()
