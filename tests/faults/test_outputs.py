"""What counts as the same bytes, and what as half written."""

import json

import pytest
from benchmarks.faults.outputs import differing, found, halves


def write_manifest(folder, **volatile):
    folder.mkdir(exist_ok=True)
    content = {"run": {"seed": 0}, "files": {"a.json": "1", "dicom/map.dcm": "2"}, **volatile}
    (folder / "manifest.json").write_text(json.dumps(content))


def test_runs_that_differ_in_times_alone_are_the_same(tmp_path):
    write_manifest(tmp_path / "one", created="2026-01-01", timings_s={"read": 1.0})
    write_manifest(tmp_path / "two", created="2026-01-02", timings_s={"read": 2.0})

    assert differing(found(tmp_path / "one"), found(tmp_path / "two")) == []


def test_a_file_that_only_one_run_has_differs(tmp_path):
    write_manifest(tmp_path / "one")
    write_manifest(tmp_path / "two")
    (tmp_path / "two" / "left").touch()

    assert differing(found(tmp_path / "one"), found(tmp_path / "two")) == ["left"]


@pytest.mark.parametrize("name", ["timings.json", "work/scan.nii.gz", "work/model.safetensors", "table.csv"])
def test_a_file_that_cannot_be_read_to_its_end_is_half(tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b'{"a": 1,\n2')

    assert halves(tmp_path, {}) == [name]


def test_what_is_hidden_or_partial_has_no_final_name(tmp_path):
    (tmp_path / ".report.html.partial").write_text("<ht")
    (tmp_path / "scan.partial").write_text("1")
    (tmp_path / ".unfinished").mkdir()
    (tmp_path / ".unfinished" / "scan.json").write_text("{")

    assert halves(tmp_path, {}) == []
