import copy

import numpy as np
import pytest

from fibrolens.evaluate.predicted import Predicted
from fibrolens.evaluate.subgroups import subgroups
from fibrolens.report.subgroups import exact, printed

CUTS = {k: {0: 0.5} for k in (2, 3, 4)}


@pytest.fixture(scope="module")
def grouped(evaluation):
    """The made-up study with 80 scans of two sexes and three sites."""
    generator = np.random.default_rng(0)
    cases = []
    for n in range(80):
        raw = generator.random(5) + np.eye(5)[n % 5]
        cases.append(Predicted(f"s{n}", f"p{n}", 0, (n % 5,), tuple(float(p) for p in raw / raw.sum())))
    groupings = {
        "Age": {},
        "Site": {c.scan_id: ("Alpha", "Beta", "Gamma")[n % 3] for n, c in enumerate(cases) if n > 4},
        "Sex": {c.scan_id: ("women", "men")[n % 2] for n, c in enumerate(cases)},
    }
    found = subgroups(cases, groupings, CUTS, np.ones(80, bool))
    return copy.deepcopy(evaluation) | {"subgroups": found}


def test_every_group_has_a_row_per_figure(grouped):
    table = exact(grouped)
    assert len(table.rows) == 5 * (1 + 3 * 4)
    assert table.rows[0][:6] == ("Sex", "women", 40, None, "coverage", 1.0)
    tests = [row for row in table.rows if row[4] == "auc minus rest"]
    assert sum(row[-2] is not None for row in tests) == sum(row[-1] is not None for row in tests) > 0


def test_groups_are_printed_in_order_with_what_is_not_there_below(grouped):
    table = printed(grouped)
    rows = table.printed()
    sites = ["Site: Gamma (25)", "Site: Alpha (25)", "Site: Beta (25)"]
    assert [row[0] for row in rows[::3]] == ["Sex: women (40)", "Sex: men (40)", *sites]
    assert [row[1] for row in rows[:3]] == ["F2", "F3", "F4"]
    assert "], p\u00a0" in rows[0][4]
    assert rows[3][4] == "–"
    assert "(thin)" in rows[2][2]
    assert "No groups by Age (not known of any scan)." in table.note
    assert "Scans whose group is not known: Site 5." in table.note
