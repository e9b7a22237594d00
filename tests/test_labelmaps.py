from pathlib import Path

import pytest

from fibrolens.errors import UsageError
from fibrolens.labelmaps import LABEL_MAPS, label_map

#: Liver and spleen as the sets publish them, written down here a second time.
PUBLISHED = {
    "totalsegmentator": ({5}, {1}),
    "amos": ({6}, {1}),
    "btcv": ({6}, {1}),
    "flare": ({1}, {3}),
    "word": ({1}, {2}),
    "abdomenatlas": ({5, 19}, {8}),
    "abdomenct1k": ({1}, {3}),
    "msd": ({1, 2}, set()),
    "msd-spleen": (set(), {1}),
    "lits": ({1, 2}, set()),
    "chaos": ({1, 255}, set()),
    "totalsegmentator-liver-segments": (set(range(1, 9)), set()),
    "fibrolens": ({1}, {2}),
}


def test_the_numbers_are_the_published_ones():
    assert {name: (set(m.liver), set(m.spleen)) for name, m in LABEL_MAPS.items()} == PUBLISHED


@pytest.mark.parametrize("numbers", LABEL_MAPS.values(), ids=LABEL_MAPS)
def test_a_number_means_one_thing(numbers):
    meant = [*numbers.liver, *numbers.spleen, *numbers.others]
    assert len(meant) == len(set(meant))
    assert 0 not in meant


@pytest.mark.parametrize(("name", "highest"), [("totalsegmentator", 117), ("amos", 15), ("btcv", 13), ("lits", 2)])
def test_every_number_of_the_set_is_known_and_no_more(name, highest):
    assert label_map(name).known == set(range(highest + 1))


def test_an_unknown_map_lists_the_known_ones():
    with pytest.raises(UsageError, match=r"--label-map must be one of .*amos.*; it is 'amoss'"):
        label_map("amoss")


def test_the_documentation_lists_every_map_with_its_numbers():
    page = (Path(__file__).parents[1] / "docs" / "masks.md").read_text()
    for name, numbers in LABEL_MAPS.items():
        organs = [", ".join(map(str, values)) or "the network's" for values in (numbers.liver, numbers.spleen)]
        assert f"| `{name}` | " in page
        assert (
            f" | {organs[0]} | {organs[1]} | {max(numbers.known)} |" in page.split(f"| `{name}` | ")[1].split("\n")[0]
        )
