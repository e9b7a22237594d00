"""`fibrolens phantom` and `fibrolens demo` from the command line."""

import json

import pytest

from fibrolens import cli
from fibrolens.phantom import scanfiles
from fibrolens.phantom.cohort import paper_stages


def phantom(out, *options):
    return cli.main(["phantom", "--out", str(out), *options])


def run_of(out):
    return json.loads((out / "manifest.json").read_text())["run"]


def test_cohort_is_written_once_and_another_one_is_not_put_in_its_place(tmp_path, capsys):
    out = tmp_path / "cohort"
    arguments = (out, "--stages", "0,0,0,0,1", "--grid", "small")
    assert phantom(*arguments) == 0
    before = (out / "manifest.json").read_bytes()
    assert (out / "cohort.csv").read_text().count("\n") == 2
    assert str(out / "cohort.csv") in capsys.readouterr().out
    assert phantom(*arguments) == 0
    assert (out / "manifest.json").read_bytes() == before
    assert phantom(*arguments, "--seed", "1") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert phantom(*arguments, "--truth-only", "--overwrite") == 0
    assert not (out / "cohort.csv").exists()


def test_options_reach_the_cohort(tmp_path):
    options = "--stages 1,0,0,0,1 --truth-only --arm spleen --effect strong --confounded paper --phase arterial"
    shares = "--splenectomy 0.1 --metal 0.2 --partial-coverage 0.3 --seed 7"
    assert phantom(tmp_path / "c", *options.split(), *shares.split()) == 0
    run = run_of(tmp_path / "c")
    assert run["setting"] == {
        "arm": "spleen", "strong": True, "confounded": True, "phase": "arterial",
        "splenectomy": 0.1, "metal": 0.2, "partial": 0.3,
    }  # fmt: skip
    assert (run["stages"], run["seed"]) == ([0, 4], 7)


def test_patients_come_in_the_mix_of_the_paper(tmp_path):
    assert phantom(tmp_path / "c", "--patients", "20", "--truth-only") == 0
    assert run_of(tmp_path / "c")["stages"] == paper_stages(20)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--patients 0", "at least one patient"),
        ("--patients -1", "at least one patient"),
        ("--patients 1000001", "at most 1000000"),
        ("--stages 0,0,0,0,0", "at least one patient"),
        ("--seed -1", "--seed must be 0 or more"),
        ("--workers 0", "workers must be 1 or more"),
        ("--arm kidney", "arm must be one of"),
        ("--phase late", "phase must be one of"),
        ("--splenectomy 1.5", "splenectomy must be between 0 and 1"),
        ("--metal -0.1", "metal must be between 0 and 1"),
        ("--partial-coverage nan", "partial must be between 0 and 1"),
        ("--twin kidney=F0", "the sign of a twin must be one of"),
        ("--twin spleen=F5", "--twin takes a sign and a stage"),
        ("--twin spleen", "--twin takes a sign and a stage"),
        ("--twin spleen=F0 --truth-only", "leave one of them out"),
        ("--modality pet", "modality must be one of ct, mr-hbp"),
        ("--modality mr-hbp --format dicom", "MR is written as NIfTI alone"),
        ("--modality mr-hbp --arm shortcut:kvp", "are of CT scanners"),
        ("--modality mr-hbp --twin enhancement=F0", "does not show with modality mr-hbp"),
    ],
)
def test_impossible_cohort_is_wrong_use(tmp_path, capsys, options, sentence):
    assert phantom(tmp_path / "c", *options.split()) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("stages", ["1,2,3,4", "1,1,1,1,1,1", "1,1,1,1,-1", "one"])
def test_stages_are_five_counts(tmp_path, capsys, stages):
    with pytest.raises(SystemExit) as ended:
        phantom(tmp_path / "c", "--stages", stages)
    assert ended.value.code == 2
    assert "five counts" in capsys.readouterr().err


def test_folder_that_cannot_be_written_is_an_output_error(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert phantom(tmp_path / "file" / "c", "--truth-only") == 5
    assert "could not be written" in capsys.readouterr().err


def test_interrupted_cohort_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(scanfiles, "render", interrupted)
    assert phantom(tmp_path / "c", "--patients", "1", "--grid", "small") == 130
    assert "run the same command again" in capsys.readouterr().err
    assert not (tmp_path / "c" / "manifest.json").exists()


@pytest.mark.parametrize("options", [["--patients", "3"], ["--seed", "-1"]])
def test_impossible_demo_is_wrong_use(tmp_path, capsys, options):
    assert cli.main(["demo", "--out", str(tmp_path / "d"), *options]) == 2
    assert "at least 20 patients" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()
