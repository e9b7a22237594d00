import pytest

from fibrolens.explain.patterns import PATTERNS, RULE, pattern


def named(surface, core, spleen):
    return pattern({"liver_surface": surface, "liver_core": core, "spleen": spleen, "liver": 1.0, "elsewhere": 1.0})


def test_the_paper_s_f0_pattern_is_a_bright_surface_around_a_dark_centre():
    assert named(1.5, 0.6, 0.2) == "surface"


def test_the_paper_s_f4_pattern_is_a_bright_centre_of_the_liver_and_a_bright_spleen():
    assert named(1.2, 1.8, 2.5) == "core"
    assert named(0.7, 1.1, 2.5) == "core"


@pytest.mark.parametrize("means", [(1.5, 2.0, 0.4), (1.9, 1.4, 2.5), (0.8, 0.7, 2.5)])
def test_other_highlights_are_mixed(means):
    """A bright liver with a dark spleen; a surface brighter than the centre; a bright spleen alone."""
    assert named(*means) == "mixed"


def test_an_even_share_is_no_highlight():
    assert named(1.0, 1.0, 1.0) == "off_organ"
    assert named(1.001, 1.0, 0.0) == "surface"


def test_a_figure_that_decides_must_be_known():
    assert named(None, 1.5, 2.0) == "unknown"
    assert named(1.5, None, 2.0) == "unknown"
    assert named(1.2, 1.8, None) == "unknown"
    assert named(0.2, 0.1, None) == "unknown"
    assert pattern({}) == "unknown"


def test_the_surface_pattern_needs_no_spleen():
    assert named(1.5, 0.6, None) == "surface"


def test_the_rule_tells_every_pattern():
    assert all(f"{name}:" in RULE for name in PATTERNS)
