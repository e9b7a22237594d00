"""Deflate streams hold what was put in, and are the same wherever the compressor lies in memory."""

import zlib

import numpy as np
import pytest
from isal import isal_zlib

from fibrolens.io.deflate import deflated

#: Enough for the address to show some times, if it does at all.
TRIALS = 30_000


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 400, 300_000])
def test_streams_in_a_row_hold_what_was_put_in(size):
    content = np.random.default_rng(0).bytes(size // 2) * 2

    streams = deflated(content) + deflated(memoryview(b"and more"))

    assert zlib.decompressobj(-zlib.MAX_WBITS).decompress(streams) == content + b"and more"


def test_the_bytes_do_not_depend_on_where_the_compressor_lies():
    rng = np.random.default_rng(0)
    for _ in range(TRIALS):
        word = rng.bytes(5)
        content = word + rng.bytes(40) + word + word[1:] + word[2:] + bytes(300)
        here = deflated(content)
        # It lies where the next one would.
        held = isal_zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        assert deflated(content) == here
        del held
