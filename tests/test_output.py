"""Folders that appear whole or not at all."""

import json

import pytest

from fibrolens.errors import OutputError, UsageError
from fibrolens.output import is_done, output_folder, read_manifest

RUN = {"command": "stage", "inputs": ("a", "b")}


def write(folder, run=RUN, text="1"):
    with output_folder(folder, run, {"read": 1.23456}) as inside:
        (inside / "sub").mkdir()
        (inside / "sub" / "x.txt").write_text(text)


def test_complete_folder_has_a_manifest_with_the_hash_of_every_file(tmp_path):
    write(tmp_path / "scan")
    manifest = read_manifest(tmp_path / "scan")
    assert manifest["files"] == {"sub/x.txt": "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"}
    assert manifest["timings_s"] == {"read": 1.235}
    assert "research use only" in manifest["intended_use"]


def test_failure_inside_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), output_folder(tmp_path / "scan", RUN) as inside:
        (inside / "x.txt").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_failure_keeps_the_earlier_result(tmp_path):
    write(tmp_path / "scan")
    with pytest.raises(RuntimeError), output_folder(tmp_path / "scan", RUN):
        raise RuntimeError
    assert (tmp_path / "scan" / "sub" / "x.txt").read_text() == "1"


def test_success_replaces_the_earlier_result_wholly(tmp_path):
    write(tmp_path / "scan")
    with output_folder(tmp_path / "scan", RUN) as inside:
        (inside / "y.txt").write_text("2")
    assert sorted(p.name for p in (tmp_path / "scan").iterdir()) == ["manifest.json", "y.txt"]
    assert [p.name for p in tmp_path.iterdir()] == ["scan"]


def test_same_run_is_done_and_another_run_stops(tmp_path):
    write(tmp_path / "scan")
    assert is_done(tmp_path / "scan", RUN)
    assert is_done(tmp_path / "scan", json.loads(json.dumps(RUN)))
    with pytest.raises(UsageError, match="other inputs or options"):
        is_done(tmp_path / "scan", {**RUN, "inputs": ["c"]})
    assert not is_done(tmp_path / "scan", {**RUN, "inputs": ["c"]}, overwrite=True)


def test_the_result_of_another_verb_is_not_replaced_even_with_overwrite(tmp_path):
    write(tmp_path / "scan")
    with pytest.raises(UsageError, match="a result of fibrolens stage"):
        is_done(tmp_path / "scan", {**RUN, "command": "segment"}, overwrite=True)


def test_absent_and_empty_folders_are_not_done(tmp_path):
    assert not is_done(tmp_path / "scan", RUN)
    (tmp_path / "scan").mkdir()
    assert not is_done(tmp_path / "scan", RUN)


def test_folder_of_somebody_else_is_not_touched(tmp_path):
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="not a fibrolens result"):
        is_done(tmp_path / "scan", RUN)


def test_overwrite_does_not_replace_what_is_not_ours(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="not a fibrolens result"):
        is_done(tmp_path / "home", RUN, overwrite=True)
    (tmp_path / "home" / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match="not a fibrolens result"):
        is_done(tmp_path / "home", RUN, overwrite=True)


def test_incomplete_folder_of_our_own_files_is_made_again(tmp_path):
    (tmp_path / "scan").mkdir()
    (tmp_path / "scan" / "result.json").write_text("{}")
    assert not is_done(tmp_path / "scan", RUN, ours=("result.json", "map.nii.gz"))
    with pytest.raises(UsageError):
        is_done(tmp_path / "scan", RUN)


def test_broken_manifest_is_named(tmp_path):
    write(tmp_path / "scan")
    (tmp_path / "scan" / "manifest.json").write_text("{")
    with pytest.raises(OutputError, match=r"manifest\.json"):
        is_done(tmp_path / "scan", RUN)


def test_place_that_cannot_be_written_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="could not be written"), output_folder(tmp_path / "file" / "scan", RUN):
        pass
