"""TotalSegmentator by its command line; a small program stands in for it, for its weights are a download."""

import json
import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.staged import simulated

from fibrolens import cli
from fibrolens.errors import ModelError, UsageError
from fibrolens.io import write_nifti
from fibrolens.phantom.labels import Organ
from fibrolens.segment.segmenters import load_segmenter
from fibrolens.segment.totalsegmentator import TotalSegmentator

#: Answers with a version, as the real program does.
TELLS = """
import sys
if sys.argv[1:] == ["--version"]:
    print("{version}")
    sys.exit()
"""
#: Copies the label file that the test prepared to where the real program would write its own.
COPIES = """
import shutil
call = sys.argv[1:]
assert call[call.index("--roi_subset") + 1 :] == ["liver", "spleen", "aorta"] and "--ml" in call
assert open(call[call.index("-i") + 1], "rb").read(2) == b"\\x1f\\x8b"
shutil.copy("{labels}", call[call.index("-o") + 1])
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a program of that name on the path."""

    def put(source: str, version: str = "2.4.0", python: str = sys.executable) -> None:
        program = tmp_path / "bin" / "TotalSegmentator"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!{python}\n{TELLS.format(version=version)}{source}")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(program.parent))

    return put


def numbers(path: Path, rendering, thinned: int = 1) -> Path:
    organs = rendering.labels.array
    known = np.select([organs == o for o in (Organ.LIVER, Organ.SPLEEN, Organ.AORTA)], [5, 1, 52], 0).astype(np.uint8)
    volume = rendering.hu.with_array(known)
    if thinned > 1:
        array = known[::thinned]
        a, b, c = volume.geometry.spacing
        volume = replace(
            volume, array=array, geometry=replace(volume.geometry, shape=array.shape, spacing=(a * thinned, b, c))
        )
    write_nifti(volume, path)
    return path


def test_its_numbers_become_liver_spleen_and_aorta(install, tmp_path):
    rendering = simulated()
    install(COPIES.format(labels=numbers(tmp_path / "organs.nii.gz", rendering)))
    segmenter = TotalSegmentator.find()
    assert segmenter.name == "TotalSegmentator 2.4.0"
    found, organs = segmenter.segment(rendering.hu), rendering.labels.array
    assert np.array_equal(found.labels.array == 1, organs == Organ.LIVER)
    assert np.array_equal(found.labels.array == 2, organs == Organ.SPLEEN)
    assert np.array_equal(found.aorta.array == 1, organs == Organ.AORTA)
    found.labels.require_grid(rendering.hu)


def test_segment_names_it_beside_every_figure(install, tmp_path):
    rendering = simulated()
    install(COPIES.format(labels=numbers(tmp_path / "organs.nii.gz", rendering)))
    write_nifti(rendering.hu, tmp_path / "ct.nii.gz")
    call = ["segment", str(tmp_path / "ct.nii.gz"), "--out", str(tmp_path / "out"), "--segmenter", "totalsegmentator"]
    assert cli.main(call) == 0
    result = json.loads((tmp_path / "out" / "ct" / "result.json").read_text())
    assert result["masks"]["liver"] == {
        "kind": "segmenter",
        "name": "TotalSegmentator 2.4.0",
        "sha256": "",
        "label_map": None,
    }
    assert result["quality"]["agreement"] == {}
    assert {marker["mask_source"] for marker in result["marker_details"]} - {None} == {"TotalSegmentator 2.4.0"}
    install("", version="2.5.0")
    assert cli.main(call) == 2  # another version is another option


def test_masks_on_another_grid_or_that_are_none_are_the_programs_fault(install, tmp_path):
    rendering = simulated()
    install(COPIES.format(labels=numbers(tmp_path / "organs.nii.gz", rendering, thinned=2)))
    with pytest.raises(ModelError, match="not on the grid"):
        TotalSegmentator.find().segment(rendering.hu)
    (tmp_path / "organs.nii.gz").write_bytes(b"nothing of that kind")
    with pytest.raises(ModelError, match="damaged"):
        TotalSegmentator.find().segment(rendering.hu)


@pytest.mark.parametrize(
    ("source", "said"),
    [("import sys; sys.exit('no weights')", "status 1: no weights"), ("print('done')", "status 0: done")],
)
def test_a_failure_tells_its_last_words(install, source, said):
    install(source)
    with pytest.raises(ModelError, match=said):
        TotalSegmentator.find().segment(simulated().hu)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ({"version": "1.5.7"}, "1.5.7 is not of version 2"),
        ({"version": "none"}, r"does not tell its version \(none\)"),
        ({"python": "/nowhere/python"}, "cannot be started .* install it again"),
    ],
)
def test_a_program_that_cannot_be_used_is_told_before_any_scan(install, program, said):
    install("", **program)
    with pytest.raises(ModelError, match=said):
        load_segmenter("totalsegmentator")


def test_where_it_is_not_installed_one_learns_how(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ModelError, match="pip install 'TotalSegmentator>=2,<3'"):
        load_segmenter("totalsegmentator")


def test_beside_this_python_it_needs_no_path(install, monkeypatch, tmp_path):
    install("")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    assert TotalSegmentator.find().path == str(tmp_path / "bin" / "TotalSegmentator")


def test_its_weights_are_not_a_folder_of_ours(tmp_path):
    with pytest.raises(UsageError, match="--segmenter"):
        load_segmenter("totalsegmentator", tmp_path)
