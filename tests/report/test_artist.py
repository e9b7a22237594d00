"""A process that draws: the same pictures, and no harm where it ends before its time."""

import gc
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.report.test_scene import volumes  # noqa: F401 - a fixture

from fibrolens.report.artist import Artist
from fibrolens.report.overlay_captions import Captions
from fibrolens.report.pictures import Pictures
from fibrolens.report.scene import Scene
from fibrolens.report.sheets import FrameSheet, OverlaySheet, StripSheet


@pytest.fixture
def pictures(volumes):  # noqa: F811
    scene = Scene.of(*volumes)
    sheet, words = OverlaySheet.of(scene, Captions("title")), Captions()
    return Pictures((sheet,), (StripSheet.of(scene, "mean1"),), FrameSheet.of(scene, words))


def same(drawn, pictures):
    here = pictures.draw()
    return drawn.overlays == here.overlays and drawn.strips == here.strips and np.array_equal(drawn.frames, here.frames)


def process_of(artist):
    (process,) = artist._pool._processes.values()
    return process


def test_it_draws_what_is_drawn_here_as_often_as_it_is_asked(pictures):
    artist = Artist()
    process = process_of(artist)
    first, second = artist.draw(pictures), artist.draw(pictures)
    assert same(first(), pictures)
    assert first() is first()
    assert same(second(), pictures)
    assert process_of(artist) is process


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_where_the_process_is_killed_it_is_drawn_here(pictures, when):
    artist = Artist()
    process = process_of(artist)
    if when == "before":
        process.kill()
        process.join()
    drawn = artist.draw(pictures)
    process.kill()
    assert same(drawn(), pictures)
    assert same(artist.draw(pictures)(), pictures)


def test_it_ends_with_its_owner():
    artist = Artist()
    pid = process_of(artist).pid
    del artist
    gc.collect()
    assert has_ended(pid)


OWNER = """
from fibrolens.report.artist import Artist
if __name__ == "__main__":
    artist = Artist()
    (process,) = artist._pool._processes.values()
    print(process.pid, flush=True)
    input()
"""


def test_it_ends_when_the_process_that_began_it_is_killed(tmp_path):
    (tmp_path / "owner.py").write_text(OWNER)
    owner = subprocess.Popen([sys.executable, tmp_path / "owner.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.communicate()
    assert has_ended(pid)


def has_ended(pid):
    """Whether a process ends within a minute, though nobody may have asked for its status yet."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False
