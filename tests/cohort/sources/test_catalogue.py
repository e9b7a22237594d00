"""What a person can read about the sources."""

import pytest

from fibrolens.cohort.sources.catalogue import SOURCES, how_to, listing, source
from fibrolens.errors import UsageError

NAMES = {
    "tcga_lihc", "hcc_tace_seg", "rsna2023_abdominal_trauma", "waw_tace", "chaos", "msd_liver", "lits", "btcv", "amos",
    "flare", "totalsegmentator", "lifs", "merlin",
}  # fmt: skip


def test_the_sources_are_those_of_the_issue():
    assert set(SOURCES) == NAMES


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_says_licence_citation_assumptions_and_how_to_get_it(name):
    about = SOURCES[name].about
    assert all((about.title, about.licence, about.citation, about.gives, about.needs, about.how, about.assumes))
    text = how_to(SOURCES[name])
    assert all(line in text for line in (*about.how, *about.assumes, *about.also_in, about.citation, about.licence))
    assert f"fibrolens cohort import {name} --from DIR" in text


def test_only_the_two_at_hand_are_checked():
    assert {name for name, one in SOURCES.items() if one.about.checked} == {"tcga_lihc", "hcc_tace_seg"}
    assert listing().count("not checked against the original files") == 11


def test_capitals_and_hyphens_make_no_difference_and_slips_are_met_with_a_hint():
    assert source("TCGA-LIHC") is SOURCES["tcga_lihc"]
    with pytest.raises(UsageError, match="did you mean btcv"):
        source("bctv")
    with pytest.raises(UsageError, match="the sources are tcga_lihc"):
        source("xyz")


def test_sources_that_share_cases_say_so():
    for name in ("msd_liver", "lits", "flare", "btcv", "chaos", "amos", "tcga_lihc"):
        assert SOURCES[name].about.also_in
