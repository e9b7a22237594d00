"""Kills at random moments: one of each verb's kinds that is fast enough for every day; `benchmarks.faults` has 200."""

import numpy as np
import pytest
from benchmarks.faults.campaign import is_good
from benchmarks.faults.kills import by_work, chain, kills
from benchmarks.faults.outputs import differing, found, halves, share
from benchmarks.faults.processes import import_all
from benchmarks.faults.verbs import OUT, Verb, Whole


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    import_all()
    verb = Verb("phantom", ("phantom", "--patients=1", "--grid=small"), chain=3)
    return Whole.of(verb, tmp_path_factory.mktemp("faults"))


def test_a_killed_simulation_leaves_nothing_half_and_ends_with_the_same_bytes(phantom):
    told = kills(phantom, 3, np.random.default_rng(0))

    assert told["kills"]
    assert is_good(told)


def test_kills_by_what_stands_come_in_the_order_of_the_work(phantom):
    phantom.verb.clear(phantom.out)
    rng = np.random.default_rng(0)

    made = chain(phantom, by_work(phantom, 4, rng), rng)

    stood = [share(kill["reached"]) for kill in made]
    assert 0 < stood[0] < 1
    assert stood == sorted(stood)


def test_a_file_cut_short_is_found_as_half(phantom):
    assert differing(found(phantom.place / "phantom_whole" / OUT), phantom.files) == []
    image = phantom.out / "images" / "P0001.nii.gz"
    content = image.read_bytes()

    image.write_bytes(content[:-1])

    assert halves(phantom.out, phantom.files) == ["images/P0001.nii.gz"]
    image.write_bytes(content)
