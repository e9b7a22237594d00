"""Label files split into organ masks."""

import numpy as np
import pytest
from tests.source_files import put_labels

from fibrolens.cohort.sources.base import Labels
from fibrolens.cohort.sources.split import split_labels
from fibrolens.errors import InputError
from fibrolens.io import read_labels


def test_tumour_counts_as_liver_and_masks_are_0_and_1(tmp_path):
    labels = put_labels(tmp_path / "liver_1.nii.gz", 1, 2)
    (mask,) = split_labels(Labels(labels, "msd"), tmp_path, "s").values()
    assert mask == tmp_path / "s_liver.nii.gz"
    assert np.array_equal(read_labels(mask).array, read_labels(labels).array > 0)


def test_an_organ_that_is_not_there_has_no_mask(tmp_path):
    labels = put_labels(tmp_path / "amos_1.nii.gz", 1, 8)
    assert set(split_labels(Labels(labels, "amos"), tmp_path, "s")) == {"spleen"}


def test_numbers_of_another_set_are_refused(tmp_path):
    labels = put_labels(tmp_path / "liver_1.nii.gz", 1, 9)
    with pytest.raises(InputError, match=r"liver_1.nii.gz holds the label 9"):
        split_labels(Labels(labels, "msd"), tmp_path, "s")
