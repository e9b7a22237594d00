"""Pixels as a stream: the bytes of the frames in their order, of which only one is in memory at a time."""

import os
import tracemalloc

import numpy as np
import pytest
from pydicom import Dataset

from fibrolens.io.dicom.objects.pixel_stream import pixel_stream
from fibrolens.transforms import Enlarged, Taps

FRAMES = np.random.default_rng(0).integers(0, 256, (5, 3, 7)).astype(np.uint8)


def enlarged(shape):
    """A map of 6 x 6 x 6 voxels on a finer grid."""
    small = np.random.default_rng(1).random((6, 6, 6), np.float32)
    return Enlarged(small, tuple(Taps.at(np.linspace(0, 5, size), 6) for size in shape))


@pytest.mark.parametrize("order", [range(5), range(4, -1, -1), [3, 1], [2, 2, 0, 4], []])
@pytest.mark.parametrize("size", [1, 4, 20, 21, 22, 10_000])
def test_it_gives_the_frames_in_their_order_however_it_is_read(order, size):
    stream = pixel_stream(FRAMES, order)
    expected = FRAMES[list(order)].tobytes()
    expected += bytes(len(expected) % 2)
    for _ in range(2):
        read = b"".join(iter(lambda: stream.read(size), b""))
        assert read == expected
        assert stream.seek(0, os.SEEK_END) == len(expected)
        assert stream.seek(0) == 0


def test_it_is_read_from_anywhere():
    stream = pixel_stream(FRAMES, range(5))
    stream.seek(30)
    assert stream.read(40) == FRAMES.tobytes()[30:70]
    assert stream.seek(-20, os.SEEK_CUR) == 50
    assert stream.read() == FRAMES.tobytes()[50:] + b"\0"
    stream.seek(500)
    assert stream.read() == b""


def test_a_part_of_a_larger_array_is_read_like_a_copy_of_it():
    part = np.random.default_rng(2).random((4, 6, 8))[:, ::2, 3:]
    assert pixel_stream(part, range(4)).read() == part.tobytes()


def test_a_file_of_a_map_is_written_with_one_frame_in_memory(tmp_path):
    values = enlarged((40, 256, 256))
    data = Dataset()
    data.FloatPixelData = pixel_stream(values, range(40))
    tracemalloc.start()
    try:
        data.save_as(tmp_path / "map", implicit_vr=False, little_endian=True)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    whole = values.whole()
    assert (tmp_path / "map").read_bytes().endswith(whole.tobytes())
    assert most < whole.nbytes / 5
