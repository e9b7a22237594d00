"""`fibrolens phantom` and `fibrolens demo` from the command line."""

import pytest

from fibrolens import cli


def test_cohort_is_written_once_and_another_one_is_not_put_in_its_place(tmp_path, capsys):
    out = tmp_path / "cohort"
    arguments = ["phantom", "--out", str(out), "--stages", "0,0,0,0,1", "--grid", "small"]
    assert cli.main(arguments) == 0
    before = (out / "manifest.json").read_bytes()
    assert (out / "cohort.csv").read_text().count("\n") == 2
    assert cli.main(arguments) == 0
    assert (out / "manifest.json").read_bytes() == before
    assert cli.main([*arguments, "--seed", "1"]) == 2
    assert "--overwrite" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [["--patients", "0"], ["--patients", "-1"], ["--stages", "0,0,0,0,0"], ["--seed", "-1"], ["--workers", "0"]],
)
def test_impossible_cohort_is_wrong_use(tmp_path, capsys, options):
    assert cli.main(["phantom", "--out", str(tmp_path / "c"), *options]) == 2
    assert "at least one patient" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("options", [["--patients", "3"], ["--seed", "-1"]])
def test_impossible_demo_is_wrong_use(tmp_path, capsys, options):
    assert cli.main(["demo", "--out", str(tmp_path / "d"), *options]) == 2
    assert "at least 20 patients" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()
