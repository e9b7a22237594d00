from dataclasses import replace

import numpy as np
import pytest

from fibrolens.cohort.table import read_cohort
from fibrolens.errors import UsageError
from fibrolens.io import read_volume
from fibrolens.segment.predict import Segmentation, Segmenter
from fibrolens.study import organs
from fibrolens.study.organs import Segmentations, own_organs


class Network:
    """Finds a liver of one slice, a spleen of one slice, and an aorta."""

    name, sha256, files_sha256 = "stand-in", "ab" * 32, ""

    def segment(self, ct):
        labels, aorta = np.zeros((2, *ct.array.shape), np.uint8)
        labels[3, 5:9, 5:9], labels[5, 12:16, 15:18], aorta[:, 14, 14] = 1, 2, 1
        return Segmentation(ct.with_array(labels), ct.with_array(aorta), self.name)

    def glance(self, ct):
        return self.segment(ct)


def glanced(ct, aorta):
    return Segmentation(ct.with_array(np.zeros_like(aorta)), ct.with_array(aorta), "glance")


@pytest.fixture
def row(toy_cohort):
    return read_cohort(toy_cohort)[1]


@pytest.fixture
def ct(row):
    return read_volume(row.image)


@pytest.fixture
def network(monkeypatch):
    loaded = []
    monkeypatch.setattr(organs, "load_segmenter", lambda name, model: loaded.append(name) or Network())
    monkeypatch.setattr(Segmenter, "glance", lambda self, ct: glanced(ct, np.ones(ct.array.shape, np.uint8)))
    return loaded


def counts(volume):
    return [int((volume.array == k).sum()) for k in (1, 2)]


def test_a_row_with_both_masks_needs_the_network_for_the_aorta_alone(row, ct, tmp_path, network):
    found = Segmentations(tmp_path / "kept").find(row, ct)
    assert counts(found.labels) == [6 * 8 * 7, 4 * 4 * 3]
    assert counts(own_organs(row, ct)[0]) == counts(found.labels)
    assert found.sources.liver.name == "s1_liver_mask.nii.gz"
    assert found.kind == "given"
    assert found.aorta.array.all()
    assert found.aorta_source.name.startswith("vnet")
    assert network == []
    assert not (tmp_path / "kept").exists()


def test_a_row_without_masks_gets_the_network_s_which_are_kept_on_the_ct_s_grid(row, ct, tmp_path, network):
    bare = replace(row, liver_mask=None, spleen_mask=None)
    kept = Segmentations(tmp_path / "kept")
    found = kept.find(bare, ct)
    kept.find(replace(bare, scan_id="again"), ct)
    assert network == ["fibrolens"], "loaded once"
    assert counts(found.labels) == [16, 12]
    assert str(found.sources) == "stand-in (weights abababababab)"
    assert found.kind == "network"
    assert found.aorta.array.any()
    again = kept.labels(bare, ct)
    np.testing.assert_array_equal(again.array, found.labels.array)
    again.require_grid(ct)


def test_where_one_mask_is_the_user_s_the_other_is_the_network_s(row, ct, tmp_path, network):
    half = replace(row, spleen_mask=None)
    kept = Segmentations(tmp_path)
    found = kept.find(half, ct)
    assert counts(found.labels) == [6 * 8 * 7, 12]
    assert found.sources.liver.kind == "file"
    assert found.sources.spleen.kind == "segmenter"
    assert found.kind == "both"
    assert counts(kept.labels(half, ct)) == counts(found.labels)


def test_what_rows_without_masks_need_is_loaded_before_they_wait_for_it(row, tmp_path, network):
    Segmentations(tmp_path).require([row])
    assert network == []
    Segmentations(tmp_path).require([row, replace(row, spleen_mask=None)])
    assert network == ["fibrolens"]


def test_a_folder_of_weights_does_not_go_with_another_segmenter(row, tmp_path):
    with pytest.raises(UsageError, match="--segmentation-model"):
        Segmentations(tmp_path, "totalsegmentator", tmp_path).require([row])
