"""Headers of code streams, made by hand: they tell the size that the file tells, or are refused."""

import struct

import pytest

from fibrolens.io.dicom.codestream import require_size


def jpeg(rows=32, columns=40, components=1, bits=12, frame=0xC3, before=b"\xff\xfe\x00\x04ab\xff"):
    head = struct.pack(">BBHBHHB", 0xFF, frame, 8 + 3 * components, bits, rows, columns, components)
    return b"\xff\xd8" + before + head + b"\x01\x11\x00" * components


def jpeg_2000(rows=32, columns=40, components=1, depth=15, step=1):
    size = struct.pack(
        ">HH8IH3B", 41, 0, columns + 4, rows + 8, 4, 8, columns, rows, 0, 0, components, depth, step, step
    )
    return b"\xff\x4f\xff\x51" + size


@pytest.mark.parametrize("stream", [jpeg(), jpeg(frame=0xF7, bits=16), jpeg_2000(), b"jP box" + jpeg_2000(depth=0x8B)])
def test_an_image_of_the_size_of_the_file_is_let_pass(stream):
    require_size(stream, 32, 40, 16)


@pytest.mark.parametrize(
    "stream",
    [
        jpeg(rows=64), jpeg(columns=39), jpeg(components=3), jpeg(bits=17), jpeg(before=b"x"),
        jpeg(before=b"\xff\xc4\x00\x00"),
        jpeg()[:9], b"", b"BM", jpeg_2000(rows=33), jpeg_2000(columns=41), jpeg_2000(components=2), jpeg_2000(depth=17),
        jpeg_2000(step=2), jpeg_2000()[:30],
    ],
)  # fmt: skip
def test_another_one_is_refused(stream):
    with pytest.raises((ValueError, struct.error)):
        require_size(stream, 32, 40, 16)
