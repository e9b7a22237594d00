import pytest

from fibrolens.explain.agreement import agreement, doubt
from fibrolens.explain.reference import PatternCount


def counted(pattern, count, of=100, predicted="F4"):
    return PatternCount("integrated", "conv3", predicted, pattern, count, of)


@pytest.mark.parametrize(
    ("found", "predicted", "expected", "agrees"),
    [
        ("surface", "F0", "surface", True),
        ("core", "F0", "surface", False),
        ("core", "F4", "core", True),
        ("off_organ", "F4", "core", False),
        ("unknown", "F4", "core", None),
        ("core", "F2", None, None),
    ],
)
def test_the_papers_patterns_are_expected_of_the_two_ends_alone(found, predicted, expected, agrees):
    fits = agreement(found, predicted)
    assert (fits.expected, fits.agrees) == (expected, agrees)
    assert (fits.frequency, fits.unusual, fits.of) == (None, None, 0)


def test_a_pattern_that_few_maps_of_the_stage_show_makes_its_reader_reconsider():
    fits = agreement("off_organ", "F4", counted("off_organ", 4))
    assert fits.unusual
    assert doubt("integrated conv3", "off_organ", "F4", fits) == (
        "Reconsider: the map of F4 by integrated conv3 shows the pattern off_organ, as do 4 % "
        "of this network's 100 reference maps of F4."
    )


@pytest.mark.parametrize("known", [counted("mixed", 5), counted("mixed", 0, of=19), None])
def test_a_frequent_pattern_or_too_few_maps_say_nothing(known):
    fits = agreement("mixed", "F4", known)
    assert not fits.unusual
    assert doubt("gradcam conv4", "mixed", "F4", fits) is None


def test_a_map_that_shows_the_papers_pattern_is_not_to_be_reconsidered_however_rare_it_is():
    assert agreement("core", "F4", counted("core", 1)).unusual is False


def test_an_unknown_pattern_is_not_unusual():
    assert agreement("unknown", "F4", counted("unknown", 0)).unusual is None
