"""`fibrolens train` from the command line."""

from dataclasses import replace

import numpy as np
import pytest
from tests.study.conftest import quick_organs
from tests.study.masked_cohort import PLAN as SEGMENTATION_PLAN
from tests.study.masked_cohort import write_cohort

from fibrolens import cli, engine
from fibrolens.io import write_nifti
from fibrolens.plan import GridPlan, NetworkPlan, Plan, SlabPlan
from fibrolens.segment.predict import Segmenter
from fibrolens.segment.vnet import Cascade
from fibrolens.staging.network import new_network
from fibrolens.volume import Geometry, Volume
from fibrolens.weights import load_model_folder, save_model_folder

__all__ = ["quick_organs"]

PLAN = Plan(
    grid=GridPlan(spacing_mm=(5.0, 12.0, 12.0), in_plane=(24, 24)),
    slab=SlabPlan(slices=4, stride=4),
    network=NetworkPlan((2, 2, 2, 2), (3, 3, 3), pools=((1, 2, 2), (1, 2, 2), (1, 1, 1)), pooled=(1, 1, 1), hidden=4),
)


@pytest.fixture
def cohort(tmp_path):
    """Five scans of one bright cube each."""
    lines = ["patient_id,scan_id,stage,image,liver_mask"]
    for k in range(5):
        hu = np.full((8, 24, 24), -1000, np.int16)
        hu[:, 4:20, 4:20] = 40 + 10 * k
        volume = Volume(hu, Geometry(hu.shape, (5.0, 12.0, 12.0)))
        write_nifti(volume, tmp_path / f"ct{k}.nii.gz")
        write_nifti(volume.with_array((hu > 0).astype(np.uint8)), tmp_path / f"liver{k}.nii.gz")
        lines.append(f"p{k},s{k},F{k},ct{k}.nii.gz,liver{k}.nii.gz")
    (tmp_path / "cohort.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "cohort.csv"


@pytest.fixture
def start(tmp_path):
    """A model folder to begin with."""
    card = {"name": "toy", "trained_on": "nothing", "intended_use": "tests", "figures": {}, "seed": 0}
    save_model_folder(tmp_path / "start", new_network(PLAN.network, 3).state_dict(), PLAN, card)
    return tmp_path / "start"


@pytest.mark.usefixtures("quick_organs")
def test_trains_from_a_model_folder_as_many_steps_as_asked(cohort, start, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(engine, "MOST_WORKERS", 1)
    out = tmp_path / "model"
    arguments = ["train", str(cohort), "--out", str(out), "--from", str(start), "--steps", "2", "--seed", "3"]
    assert cli.main(arguments) == 0
    assert "research use only" in capsys.readouterr().out
    model = load_model_folder(out)
    assert "from toy (sha256" in model.card["trained_on"]
    plan = model.plan(Plan)
    assert (plan.network, plan.training.steps, plan.training.seed) == (PLAN.network, 2, 3)
    assert cli.main(arguments) == 0
    assert cli.main([*arguments[:-1], "4"]) == 2
    assert "--out" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--steps", "0"], ["--seed", "-1"], ["--seed", "4294967296"]])
def test_impossible_training_is_wrong_use(cohort, tmp_path, options):
    assert cli.main(["train", str(cohort), "--out", str(tmp_path / "model"), *options]) == 2


def test_a_cohort_that_cannot_be_used_has_status_3(tmp_path, capsys):
    assert cli.main(["train", str(tmp_path / "none.csv"), "--out", str(tmp_path / "model")]) == 3
    assert "none.csv" in capsys.readouterr().err


def test_weights_that_cannot_be_used_have_status_4(cohort, start, tmp_path, capsys):
    arguments = ["train", str(cohort), "--out", str(tmp_path / "model"), "--from"]
    assert cli.main([*arguments, str(tmp_path / "nowhere")]) == 4
    other = replace(PLAN, network=replace(PLAN.network, hidden=5))
    card = load_model_folder(start).card
    save_model_folder(start, new_network(PLAN.network, 3).state_dict(), other, card | {"weights_sha256": None})
    assert cli.main([*arguments, str(start)]) == 4
    assert "does not fit" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_has_status_5(cohort, start, tmp_path):
    (tmp_path / "file").write_text("")
    assert cli.main(["train", str(cohort), "--out", str(tmp_path / "file" / "model"), "--from", str(start)]) == 5


def segmentation_folder(folder):
    """A model folder with small V-Nets to begin with."""
    card = {"name": "small", "trained_on": "nothing", "intended_use": "tests", "figures": {}, "seed": 0}
    save_model_folder(folder, Cascade(SEGMENTATION_PLAN).state_dict(), SEGMENTATION_PLAN, card)
    return folder


def test_the_segmentation_is_fine_tuned_on_masks(tmp_path, capsys):
    cohort, out = write_cohort(tmp_path, 5, without_spleen=(2,)), tmp_path / "model"
    arguments = ["train", str(cohort), "--task", "segmentation", "--out", str(out), "--steps", "2"]
    arguments += ["--from", str(segmentation_folder(tmp_path / "small"))]
    assert cli.main(arguments) == 0
    said = capsys.readouterr()
    assert "1 CT of 1 patient held out: liver" in said.out
    assert "--segmentation-model" in said.out
    assert "training 2/2" in said.err
    assert Segmenter.load(out).plan.steps == 2
    assert cli.main(arguments) == 0
    assert cli.main([*arguments, "--label-map", "fibrolens"]) == 2
    (tmp_path / "liver0.nii.gz").write_text("")
    assert cli.main([*arguments[:-3], "4", *arguments[-2:], "--overwrite"]) == 3
    assert "line 2" in capsys.readouterr().err


def test_what_belongs_to_the_other_task_is_wrong_use(cohort, tmp_path, capsys):
    arguments = ["train", str(cohort), "--out", str(tmp_path / "model")]
    assert cli.main([*arguments, "--label-map", "amos"]) == 2
    assert cli.main([*arguments, "--task", "segmentation", "--from", "scratch"]) == 2
    assert "model folder" in capsys.readouterr().err


def test_staging_weights_cannot_segment(cohort, start, tmp_path, capsys):
    arguments = ["train", str(cohort), "--out", str(tmp_path / "model"), "--task", "segmentation"]
    assert cli.main([*arguments, "--from", str(start)]) == 4
    assert "plan" in capsys.readouterr().err


def test_what_one_process_does_refuses_torchrun(cohort, tmp_path, capsys, monkeypatch):
    told = {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29555"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["train", str(cohort), "--out", str(tmp_path / "vnet"), "--task", "segmentation"]) == 2
    assert "The V-Nets are trained by one process; start fibrolens train without torchrun." in capsys.readouterr().err
    assert cli.main(["train", str(tmp_path)]) == 2
    assert "The folds of a study are trained side by side by --workers" in capsys.readouterr().err
