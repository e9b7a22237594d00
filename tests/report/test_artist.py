"""A process that draws: the same pictures, and no harm where it ends before its time."""

import gc
import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from tests.report.test_scene import volumes  # noqa: F401 - a fixture
from tests.test_workers import ended

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


def test_it_draws_what_is_drawn_here_as_often_as_it_is_asked(pictures):
    artist = Artist()
    first, second = artist.draw(pictures), artist.draw(pictures)
    assert same(first(), pictures)
    assert first() is first()
    assert same(second(), pictures)
    assert artist._process.poll() is None


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_where_the_process_is_killed_it_is_drawn_here(pictures, when):
    artist = Artist()
    if when == "before":
        artist._process.kill()
        artist._process.wait()
    drawn = artist.draw(pictures)
    artist._process.kill()
    assert same(drawn(), pictures)
    assert same(artist.draw(pictures)(), pictures)


@dataclass(frozen=True)
class Spoilt:
    """Pictures that another process fails to draw."""

    home: int

    def draw(self):
        if os.getpid() != self.home:
            raise MemoryError
        return "drawn here"


class Wrong:
    """Pictures that nobody can draw."""

    def draw(self):
        raise ZeroDivisionError


def test_what_the_process_cannot_draw_is_drawn_here_and_so_a_defect_is_told():
    assert Artist().draw(Spoilt(os.getpid()))() == "drawn here"
    with pytest.raises(ZeroDivisionError):
        Artist().draw(Wrong())()
    unsent = Spoilt(os.getpid())
    object.__setattr__(unsent, "home", lambda: None)
    with pytest.raises(MemoryError):
        Artist().draw(unsent)()


def test_it_ends_with_its_owner_at_once():
    artist = Artist()
    process = artist._process
    del artist
    gc.collect()
    assert process.poll() is not None


OWNER = """
from fibrolens.report.artist import Artist
artist = Artist()
print(artist._process.pid, flush=True)
input()
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="there is no /proc on this system")
@pytest.mark.parametrize("how", ["killed", "ends"])
def test_it_ends_when_its_owner_does_which_is_not_run_again(tmp_path, how):
    (tmp_path / "owner.py").write_text(OWNER)
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    owner = subprocess.Popen([sys.executable, tmp_path / "owner.py"], text=True, **pipes)
    pid = int(owner.stdout.readline())
    if how == "killed":
        owner.kill()
    assert owner.communicate("\n") == ("", "")
    assert ended(pid, 60)
