"""Whose masks a CT is measured with."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fibrolens.errors import InputError, UsageError
from fibrolens.io import write_nifti
from fibrolens.masks import MaskSource, OrganSources, OwnMasks, find_organs
from fibrolens.segment.predict import Segmentation, Segmenter
from fibrolens.volume import Geometry, Volume

SHAPE = (6, 10, 12)
CT = Volume(np.zeros(SHAPE, np.int16), Geometry(SHAPE, (5.0, 1.0, 1.0)), "ct")


@dataclass(frozen=True)
class Found(Segmenter):
    """A segmenter that finds a liver on the left of the array and a spleen on its right."""

    name: str = "vnet"
    sha256: str = "c0ffee" * 10
    network: None = None
    plan: None = None

    def segment(self, ct: Volume) -> Segmentation:
        labels = np.zeros(SHAPE, np.uint8)
        labels[1:5, 2:8, :5], labels[1:5, 2:8, 9:] = 1, 2
        return Segmentation(ct.with_array(labels), ct.with_array(np.zeros(SHAPE, np.uint8)), self.name)

    def glance(self, ct: Volume) -> Segmentation:
        labels = np.zeros(SHAPE, np.uint8)
        labels[1:5, 2:8, :4] = 1
        return Segmentation(ct.with_array(labels), ct.with_array(np.ones(SHAPE, np.uint8)), self.name)


def saved(path: Path, **boxes: tuple[int, slice]) -> Path:
    """A label file with columns `slice` of value `int` for each of `boxes`."""
    array = np.zeros(SHAPE, np.uint8)
    for value, columns in boxes.values():
        array[1:5, 2:8, columns] = value
    write_nifti(CT.with_array(array), path)
    return path


def columns(labels: Volume, value: int) -> list[int]:
    return np.flatnonzero((labels.array == value).any(axis=(0, 1))).tolist()


def test_without_own_masks_the_network_is_named_with_its_weights():
    found = find_organs(CT, Found(), OwnMasks())
    assert str(found.sources) == found.masks.source == "vnet (weights c0ffeec0ffee)"
    assert found.sources.to_dict()["spleen"]["sha256"] == "c0ffee" * 10


def test_an_organ_that_the_set_does_not_label_is_the_networks(tmp_path):
    path = saved(tmp_path / "liver_3.nii.gz", liver=(1, slice(0, 6)), tumour=(2, slice(6, 7)))
    found = find_organs(CT, Found(), OwnMasks(labels=path, label_map="msd"))
    assert columns(found.masks.labels, 1) == list(range(7))
    assert columns(found.masks.labels, 2) == [9, 10, 11]
    assert found.masks.source == "liver from liver_3.nii.gz (labels of msd), spleen from vnet (weights c0ffeec0ffee)"
    record = found.sources.to_dict()
    assert (record["liver"]["kind"], record["liver"]["label_map"], record["spleen"]["kind"]) == (
        "file",
        "msd",
        "segmenter",
    )
    assert len(record["liver"]["sha256"]) == 64


def test_an_organ_that_the_set_labels_but_the_file_lacks_is_absent(tmp_path):
    path = saved(tmp_path / "case.nii.gz", liver=(6, slice(0, 6)))
    found = find_organs(CT, Found(), OwnMasks(labels=path, label_map="amos"))
    assert columns(found.masks.labels, 2) == []
    assert str(found.sources) == "case.nii.gz (labels of amos)"


def test_where_own_masks_overlap_the_liver_wins(tmp_path):
    liver = saved(tmp_path / "liver.nii.gz", liver=(1, slice(0, 8)))
    spleen = saved(tmp_path / "spleen.nii.gz", spleen=(1, slice(6, 12)))
    found = find_organs(CT, Found(), OwnMasks(liver, spleen))
    assert columns(found.masks.labels, 1) == list(range(8))
    assert columns(found.masks.labels, 2) == [8, 9, 10, 11]


def test_with_both_organs_from_the_user_the_network_only_glances(tmp_path):
    liver = saved(tmp_path / "liver.nii.gz", liver=(1, slice(0, 5)))
    spleen = saved(tmp_path / "spleen.nii.gz", spleen=(1, slice(9, 12)))
    assert find_organs(CT, Found(), OwnMasks(liver, spleen)).masks.aorta.array.all()
    assert not find_organs(CT, Found(), OwnMasks(liver)).masks.aorta.array.any()


def test_a_spleen_taken_for_a_liver_raises_a_doubt(tmp_path):
    path = saved(tmp_path / "spleen_2.nii.gz", spleen=(1, slice(9, 12)))
    (doubt,) = find_organs(CT, Found(), OwnMasks(labels=path, label_map="msd")).doubts
    assert "The liver in spleen_2.nii.gz" in doubt
    assert "Dice 0.00" in doubt
    assert find_organs(CT, Found(), OwnMasks(labels=path, label_map="msd-spleen")).doubts == ()


def test_masks_that_exclude_each_other_or_say_nothing_are_wrong_use(tmp_path):
    with pytest.raises(UsageError, match="not both"):
        OwnMasks(liver=tmp_path, labels=tmp_path)
    with pytest.raises(UsageError, match="with --labels"):
        OwnMasks(liver=tmp_path, label_map="amos")
    with pytest.raises(UsageError, match="must be one of"):
        OwnMasks(labels=tmp_path, label_map="amoss")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"mask absent\.nii\.gz cannot be read"):
        OwnMasks(liver=tmp_path / "absent.nii.gz").sha256()


def test_two_sources_are_told_apart():
    mine, theirs = MaskSource("file", "a.nrrd", "1" * 64), MaskSource("segmenter", "vnet", "2" * 64)
    assert str(OrganSources(mine, mine)) == "a.nrrd"
    assert str(OrganSources(mine, theirs)) == "liver from a.nrrd, spleen from vnet (weights 222222222222)"
