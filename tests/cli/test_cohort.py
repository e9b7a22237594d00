"""`fibrolens cohort` from the command line."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from tests.cohort_files import ct, mask, write_scans, write_table
from tests.source_files import put_ct, put_labels

from fibrolens import cli
from fibrolens.io import write_nifti
from fibrolens.volume import Geometry, Volume


def sound(number: int, **cells: str) -> dict[str, str]:
    return {
        "patient_id": f"p{number}", "scan_id": f"s{number}", "image": f"ct{number}.nii.gz", "stage": "F3",
        "reference": "histology", "age": "61", "bmi": "24.5", "sex": "M", "phase": "portal venous",
        "ct_date": "2015-03-02", "histology_date": "2015-04-11", "platelets": "150", "specimen": "biopsy",
        "liver_mask": "liver.nii.gz", **cells,
    }  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_scans(tmp_path, 16)
    return tmp_path


def test_fifteen_mistakes_are_fifteen_problems_in_one_go(folder, capsys):
    (folder / "ct2.nii.gz").write_bytes(b"nothing")
    write_nifti(ct(3).with_array(np.full(ct(3).array.shape, 7, np.int16)), folder / "ct3.nii.gz")
    (folder / "ct4.nii.gz").write_bytes(gzip.compress(gzip.decompress((folder / "ct0.nii.gz").read_bytes()), 9))
    write_nifti(mask(first=99), folder / "empty.nii.gz")
    grid = Geometry((4, 6, 8), (5.0, 2.0, 2.0))
    write_nifti(Volume(mask().array, grid), folder / "other_grid.nii.gz")
    mistakes = [
        {"image": "gone.nii.gz"},
        {},  # its CT is damaged
        {},  # its CT is none
        {},  # its CT is that of s0
        {"liver_mask": "empty.nii.gz"},
        {"liver_mask": "other_grid.nii.gz"},
        {"stage": "f3"},
        {"scan_id": "s0"},
        {"age": "1954"},
        {"bmi": "24,5"},
        {"platelets": "150000"},
        {"ct_date": "02.03.2015"},
        {"histology_date": "2015-02-30"},
        {"reference": "imaging_negative", "histology_date": "", "specimen": ""},
        {"patient_id": "p0", "sex": "F"},
    ]
    table = write_table(folder, [sound(0), *(sound(n + 1, **cells) for n, cells in enumerate(mistakes))])
    before = sorted(folder.iterdir())
    assert cli.main(["cohort", "check", str(table)]) == 3
    told = capsys.readouterr()
    problems = [line.strip() for line in told.err.splitlines() if line.startswith("  line ")]
    assert "cohort.csv has 15 problems" in told.err
    starts = [
        "image gone.nii.gz does not exist",
        "image ct2.nii.gz: ct2.nii.gz cannot be read as NIfTI",
        "image ct3.nii.gz: The values of ct3.nii.gz run from 7 to 7, which are not Hounsfield units",
        "image ct4.nii.gz holds the same voxels as ct0.nii.gz in line 2",
        "liver_mask empty.nii.gz is empty",
        "liver_mask other_grid.nii.gz: other_grid.nii.gz (8x6x4 voxels of 2.00 x 2.00 x 5.00 mm, LPS) is not on",
        "stage must be one of F0, F1, F2, F3, F4, or a set such as F2|F3; it is 'f3'; write F3",
        "scan_id s0 stands in line 2 already",
        "age is 1954, not within 0 to 120 years",
        "bmi must be a number (kg/m2); it is '24,5', write 24.5",
        "platelets is 150000, not within 2 to 2000 10^9/L; check the unit: 150,000 per microlitre are 150",
        "ct_date is '02.03.2015'; write year-month-day",
        "histology_date is '2015-02-30'; there is no such day",
        "reference is imaging_negative, but the stage is F3; a control is F0",
        "patient p0 has sex F, and M in line 2",
    ]
    wanted = [f"line {n}: {start}" for n, start in enumerate(starts, 3)]
    assert [problem[: len(start)] for problem, start in zip(problems, wanted, strict=True)] == wanted
    assert told.out == ""
    assert sorted(folder.iterdir()) == before


def test_a_sound_cohort_is_summed_up(folder, capsys):
    table = write_table(folder, [sound(0), sound(1, stage="F2|F3")])
    assert cli.main(["cohort", "check", str(table)]) == 0
    told = capsys.readouterr()
    assert "2 scans of 2 patients, no problem found. Research use only." in told.out
    assert "reading scans 2/2" in told.err


def test_the_flow_is_written_with_the_criteria_of_a_file(folder, capsys):
    table = write_table(folder, [sound(0), sound(1, age="17")])
    criteria = folder / "criteria.json"
    criteria.write_text(json.dumps({"min_age_years": 18}))
    command = ["cohort", "flow", str(table), "--out", str(folder / "flow")]
    assert cli.main([*command, "--criteria", str(criteria)]) == 0
    assert "1 scan of 1 patient in the study, of 2 scans of 2 patients" in capsys.readouterr().out
    assert (folder / "flow" / "flow.png").exists()
    assert cli.main(command) == 2
    assert cli.main([*command, "--overwrite"]) == 0
    assert "2 scans of 2 patients in the study" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--debug", "check"], ["check", "--debug"]])
def test_debug_may_stand_on_either_side(folder, capsys, arguments):
    assert cli.main(["cohort", *arguments, str(folder / "gone.csv")]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_sources_are_listed_with_licence_and_whether_they_were_checked(capsys):
    assert cli.main(["cohort", "import", "--list"]) == 0
    told = capsys.readouterr().out
    assert "tcga_lihc" in told
    assert "licence: CC BY-SA 4.0" in told
    assert "not checked against the original files" in told
    assert cli.main(["cohort", "import", "tcga-lihc", "--how"]) == 0
    assert "idc download tcga_lihc --download-dir DIR" in capsys.readouterr().out


def test_a_source_is_imported_and_passes_the_check(folder, capsys):
    put_ct(folder / "btcv" / "img" / "img0001.nii.gz")
    put_labels(folder / "btcv" / "label" / "label0001.nii.gz", 6, 1)
    table = str(folder / "btcv.csv")
    command = ["cohort", "import", "btcv", "--from", str(folder / "btcv"), "--out", table]
    assert cli.main(command) == 0
    assert "1 case of 1 patient from BTCV" in capsys.readouterr().out
    assert cli.main(["cohort", "check", table]) == 0
    assert cli.main([*command[:-1], str(folder / "again.csv"), "--beside", table, "--exclude-shared"]) == 0
    assert "same case in btcv.csv: 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ([], 2, "Name a source"),
        (["bctv", "--how"], 2, "did you mean btcv?"),
        (["btcv", "--from", "."], 2, "--out COHORT.csv"),
        (["btcv", "--from", ".", "--out", "x.csv", "--quick"], 2, "--beside"),
        (["btcv", "--from", "gone", "--out", "x.csv"], 3, "gone is no folder"),
        (["tcga_lihc", "--table", "gone.txt", "--out", "x.csv"], 3, "gone.txt does not exist"),
    ],
)
def test_wrong_imports_end_with_a_sentence_and_write_nothing(tmp_path, monkeypatch, capsys, arguments, status, says):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["cohort", "import", *arguments]) == status
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["cohort"], ["cohort", "flow", "x.csv"], ["cohort", "draw"]])
def test_wrong_use_ends_with_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage" in capsys.readouterr().err
