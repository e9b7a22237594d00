"""A small set without pictures, and one made from a finished toy study."""

from pathlib import Path

import pytest
from tests.study.conftest import finished_study, study_plan, toy_cohort, toy_plan

from fibrolens.readers.item import Item
from fibrolens.readers.items import Wanted
from fibrolens.readers.prepare import prepare
from fibrolens.readers.store import Store
from fibrolens.study.folder import Study
from fibrolens.study.steps import Running
from fibrolens.study.tables import read_predictions

__all__ = ["finished_study", "study_plan", "toy_cohort", "toy_plan"]


def small_items() -> tuple[Item, ...]:
    """Four maps, a control, and one map again."""
    items = [
        Item(f"map{n}", "map", None, f"s{n}", f"p{n}", 0, stage, stage, None, pattern)
        for n, (stage, pattern) in enumerate([("F0", "surface"), ("F0", "surface"), ("F4", "core"), ("F4", "mixed")])
    ]
    items.append(Item("none", "control", None, "s0", "p0", 0, "F0", "F0", 5, "off_organ"))
    items.append(Item("again", "repeat", "map2", "s2", "p2", 0, "F4", "F4", None, "core"))
    return tuple(items)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Two readers, nothing read."""
    items = small_items()
    names = [item.item for item in items]
    orders = {"A": names, "B": names[::-1]}
    return Store.create(tmp_path / "readings.sqlite3", items, orders, {"top": 6.0, "rule": "a rule"})


@pytest.fixture(scope="session")
def toy_set(finished_study, tmp_path_factory) -> Path:
    """Every map of the toy study whose stage is predicted, controls and repeats; to be read only."""
    out = tmp_path_factory.mktemp("readers") / "set"
    predicted = toy_stages(finished_study)
    prepare(Study.open(finished_study), out, Wanted(("Ada", "Ben"), predicted, controls=0.5), Running(1))
    return out


def toy_stages(study: Path) -> tuple[str, ...]:
    """The stages that the toy study predicts."""
    return tuple(sorted({f"F{case.predicted}" for case in read_predictions(study / "predictions.csv")}))
