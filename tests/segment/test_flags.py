import numpy as np
import pytest

from fibrolens.segment.flags import doubts
from fibrolens.volume import Geometry, Volume

SHAPE, SPACING = (60, 80, 80), (4.0, 4.0, 4.0)  # 0.064 mL a voxel
LIVER, SPLEEN = (slice(10, 40), slice(20, 50), slice(8, 34)), (slice(20, 35), slice(40, 55), slice(60, 72))


def scan(liver=LIVER, spleen=SPLEEN, liver_hu=105, spleen_hu=115):
    labels, hu = np.zeros(SHAPE, np.uint8), np.full(SHAPE, -100, np.int16)
    for number, box, value in ((1, liver, liver_hu), (2, spleen, spleen_hu)):
        if box is not None:
            labels[box], hu[box] = number, value
    ct = Volume(hu, Geometry(SHAPE, SPACING), "ct")
    return ct, ct.with_array(labels)


def test_plausible_organs_raise_no_doubt():
    assert doubts(*scan(), {"liver": 0.99, "spleen": 0.98}) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"spleen": None}, "No spleen was found"),
        ({"liver": None}, "No liver was found"),
        ({"liver": (slice(0, 30), *LIVER[1:])}, "The liver reaches the first or last slice"),
        ({"spleen": (*SPLEEN[:2], slice(68, 80))}, "The spleen reaches the side of the picture"),
        ({"liver": (slice(10, 14), *LIVER[1:])}, "The liver measures 200 mL, outside 500 to 4000 mL"),
        ({"spleen": (slice(20, 24), slice(40, 46), slice(60, 72))}, "The spleen measures 18 mL"),
        ({"liver_hu": -90}, "The liver has a median of -90 HU"),
        ({"spleen_hu": 400}, "The spleen has a median of 400 HU"),
    ],
)
def test_each_oddity_is_one_sentence(change, expected):
    (sentence,) = doubts(*scan(**change), {})
    assert sentence.startswith(expected)


def test_passes_that_disagree_are_told():
    (sentence,) = doubts(*scan(), {"liver": 0.99, "spleen": 0.71})
    assert "disagree on the spleen (Dice 0.710" in sentence


def test_the_agreement_of_a_liver_that_is_wrong_is_doubted_though_it_sounds_high():
    (sentence,) = doubts(*scan(), {"liver": 0.968, "spleen": 0.98})
    assert "disagree on the liver (Dice 0.968" in sentence


def test_a_cirrhotic_liver_and_spleen_of_unusual_but_published_size_raise_no_doubt():
    ct, labels = scan((slice(8, 52), slice(18, 52), slice(4, 36)), (slice(10, 48), slice(40, 74), slice(44, 68)))
    assert [round((labels.array == n).sum() * ct.geometry.voxel_ml) for n in (1, 2)] == [3064, 1985]
    assert doubts(ct, labels, {}) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"liver": (slice(0, 30), *LIVER[1:])},
        {"spleen": (*SPLEEN[:2], slice(68, 80))},
        {"liver": (slice(10, 14), *LIVER[1:])},
        {"liver_hu": -90},
        {"liver": None},
        {"spleen": None},
    ],
)
def test_a_sentence_says_what_is_wrong_and_what_to_do(change):
    (sentence,) = doubts(*scan(**change), {})
    assert sentence.partition("; ")[2].startswith(("give", "look"))


def test_the_body_may_run_along_any_axis():
    ct, labels = scan(liver=(slice(0, 30), *LIVER[1:]))
    direction = ct.geometry.direction
    turned = Geometry((80, 60, 80), SPACING, direction=(direction[1], direction[0], direction[2]))
    turn = [Volume(np.ascontiguousarray(v.array.swapaxes(0, 1)), turned, "ct") for v in (ct, labels)]
    (sentence,) = doubts(*turn, {})
    assert "first or last slice" in sentence
