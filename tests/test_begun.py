import json
from unittest.mock import Mock

import pytest

from fibrolens.begun import State, begin, complete, state, tidy
from fibrolens.errors import OutputError, UsageError
from fibrolens.output import read_manifest, write_manifest

RUN = {"command": "phantom", "seed": 1}
OTHER = {"command": "phantom", "seed": 2}


def finish(out, run):
    begin(out, run, State.FREE)
    write_manifest(out, run, {})


def test_absent_and_empty_folders_are_free(tmp_path):
    assert state(tmp_path / "new", RUN) is State.FREE
    assert state(tmp_path, RUN) is State.FREE
    assert list(tmp_path.iterdir()) == []


def test_folder_goes_from_free_to_begun_to_complete(tmp_path):
    out = tmp_path / "c"
    begin(out, RUN, state(out, RUN))
    assert state(out, RUN) is State.BEGUN
    write_manifest(out, RUN, {})
    assert state(out, RUN) is State.COMPLETE


def test_what_only_the_making_needed_goes_once_the_result_stands(tmp_path, monkeypatch):
    begin(tmp_path, RUN, State.FREE)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "checkpoint").write_text("hours")
    # The process ends at the moment at which the work would go.
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("shutil.rmtree", Mock(side_effect=KeyboardInterrupt))
        complete(tmp_path, RUN, {}, "work")
    assert state(tmp_path, RUN) is State.COMPLETE
    assert set(read_manifest(tmp_path)["files"]) == {"run.json"}
    tidy(tmp_path, "work")
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "manifest.json"}


@pytest.mark.parametrize("make", [lambda out, run: begin(out, run, State.FREE), finish])
def test_result_of_other_options_is_replaced_only_if_asked_for(tmp_path, make):
    out = tmp_path / "c"
    make(out, OTHER)
    with pytest.raises(UsageError, match="--overwrite"):
        state(out, RUN)
    begin(out, RUN, state(out, RUN, overwrite=True))
    assert json.loads((out / "run.json").read_text()) == RUN
    assert not (out / "manifest.json").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize(
    ("make", "left"), [(lambda out, run: begin(out, run, State.FREE), State.BEGUN), (finish, State.COMPLETE)]
)
def test_the_work_of_the_same_options_is_kept_also_where_others_might_be_replaced(tmp_path, make, left):
    out = tmp_path / "c"
    make(out, RUN)
    assert state(out, RUN, overwrite=True) is left


@pytest.mark.parametrize("name", ["thesis.txt", "run.json", "manifest.json"])
def test_folder_of_somebody_else_is_never_replaced(tmp_path, name):
    (tmp_path / name).write_text('{"command": "study", "run": {"command": "study"}}')
    with pytest.raises(UsageError, match="was not made by fibrolens phantom"):
        state(tmp_path, RUN, overwrite=True)


def test_file_in_the_way_is_never_replaced(tmp_path):
    (tmp_path / "c").write_text("mine")
    with pytest.raises(UsageError, match="was not made by fibrolens phantom"):
        state(tmp_path / "c", RUN, overwrite=True)


def test_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be written"):
        begin(tmp_path / "file" / "c", RUN, State.FREE)


def test_a_folder_whose_first_file_was_cut_off_is_free(tmp_path):
    (tmp_path / ".run.json.partial").write_text('{"comm')
    assert state(tmp_path, RUN) is State.FREE


def test_a_manifest_that_was_cut_off_is_none_where_we_know_what_was_begun(tmp_path):
    out = tmp_path / "c"
    finish(out, RUN)
    (out / "manifest.json").write_text('{"run"')
    assert state(out, RUN) is State.BEGUN
    with pytest.raises(UsageError, match="--overwrite"):
        state(out, OTHER)
    (out / "run.json").unlink()
    with pytest.raises(OutputError, match="cannot be read"):
        state(out, RUN)
