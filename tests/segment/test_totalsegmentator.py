"""TotalSegmentator by its command line; a small program stands in for it, for its weights are a download."""

import stat
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.staged import simulated

from fibrolens.errors import GeometryError, ModelError, UsageError
from fibrolens.io import write_nifti
from fibrolens.phantom.labels import Organ
from fibrolens.segment.segmenters import load_segmenter
from fibrolens.segment.totalsegmentator import TotalSegmentator

#: Copies the label file that the test prepared to where the real program would write its own.
COPIES = """
import shutil, sys
call = sys.argv[1:]
assert call[call.index("--roi_subset") + 1 :] == ["liver", "spleen", "aorta"] and "--ml" in call
assert open(call[call.index("-i") + 1], "rb").read(2) == b"\\x1f\\x8b"
shutil.copy("{labels}", call[call.index("-o") + 1])
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a program of that name on the path."""

    def put(source: str) -> TotalSegmentator:
        program = tmp_path / "bin" / "TotalSegmentator"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!{sys.executable}\n{source}")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(program.parent))
        return TotalSegmentator.find()

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
    segmenter = install(COPIES.format(labels=numbers(tmp_path / "organs.nii.gz", rendering)))
    assert segmenter.name.startswith("TotalSegmentator")
    found, organs = segmenter.segment(rendering.hu), rendering.labels.array
    assert np.array_equal(found.labels.array == 1, organs == Organ.LIVER)
    assert np.array_equal(found.labels.array == 2, organs == Organ.SPLEEN)
    assert np.array_equal(found.aorta.array == 1, organs == Organ.AORTA)
    found.labels.require_grid(rendering.hu)


def test_masks_on_another_grid_are_refused(install, tmp_path):
    rendering = simulated()
    segmenter = install(COPIES.format(labels=numbers(tmp_path / "organs.nii.gz", rendering, thinned=2)))
    with pytest.raises(GeometryError, match="not on the grid"):
        segmenter.segment(rendering.hu)


@pytest.mark.parametrize(
    ("source", "said"),
    [("import sys; sys.exit('no weights')", "status 1: no weights"), ("print('done')", "status 0: done")],
)
def test_a_failure_tells_its_last_words(install, source, said):
    with pytest.raises(ModelError, match=said):
        install(source).segment(simulated().hu)


def test_where_it_is_not_installed_one_learns_how(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelError, match="pip install TotalSegmentator"):
        load_segmenter("totalsegmentator")


def test_its_weights_are_not_a_folder_of_ours(tmp_path):
    with pytest.raises(UsageError, match="--segmenter"):
        load_segmenter("totalsegmentator", tmp_path)
