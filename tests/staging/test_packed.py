"""Images in one file are the images, and are read where they are looked at."""

import numpy as np

from fibrolens.staging.data import StagingCase
from fibrolens.staging.packed import packed


def cases():
    rng = np.random.default_rng(0)
    sizes = ((4, 6, 6), (7, 6, 6), (3, 5, 4))
    return [StagingCase(str(k), "p", (k,), rng.integers(0, 255, s, np.uint8), 0, 2) for k, s in enumerate(sizes)]


def test_every_image_is_as_it_was(tmp_path):
    expected, found = cases(), packed(cases(), tmp_path / "images")
    for before, after in zip(expected, found, strict=True):
        np.testing.assert_array_equal(after.image, before.image)
        assert (after.scan_id, after.stages, after.liver_last) == (before.scan_id, before.stages, before.liver_last)


def test_an_image_that_is_not_contiguous_is_packed_as_it_looks(tmp_path):
    (case,) = cases()[:1]
    turned = StagingCase("t", "p", (0,), case.image.transpose(2, 1, 0), 0, 2)
    np.testing.assert_array_equal(packed([turned], tmp_path / "images")[0].image, turned.image)


def test_images_lie_in_the_file_and_not_in_memory(tmp_path):
    found = packed(cases(), tmp_path / "images")
    assert (tmp_path / "images").stat().st_size == sum(case.image.size for case in found)
    with (tmp_path / "images").open("r+b") as stream:
        stream.write(b"\x07")
    assert found[0].image[0, 0, 0] == 7
    assert all(not case.image.flags.owndata for case in found)


def test_one_image_at_a_time_is_asked_for(tmp_path):
    alive = []

    def read():
        for case in cases():
            alive.append(case.scan_id)
            yield case

    assert [case.scan_id for case in packed(read(), tmp_path / "images")] == alive


def test_no_case_is_no_file_to_map(tmp_path):
    assert packed([], tmp_path / "images") == []
