import pytest

from fibrolens.report.side_by_side import compared, exact, printed


def test_every_figure_of_the_paper_stands_beside_ours_with_the_difference(evaluation):
    rows = {row.what: row for row in compared(evaluation, "mean")}
    assert len(rows) == 6 + 3 + 9 + 2 + 2 + 2
    auc = rows["AUC, cirrhosis (F4)"]
    assert (auc.paper.value, auc.paper.low, auc.paper.high) == (0.88, 0.79, 0.94)
    assert auc.difference == pytest.approx(evaluation["thresholds"]["F4"]["auc"]["value"] - 0.88)
    assert rows["Scans with F0"].ours == 17
    assert rows["Sensitivity, significant fibrosis (F2–F4)"].paper.value == 83.0
    assert rows["Attention in the liver, predicted F4, median"].paper.value == 1.43
    assert rows["Maps of F0 with the pattern “liver surface”"].paper.value == 91.0
    assert rows["Liver masks, Dice"].ours is None


def test_the_paper_s_value_is_inside_our_range_or_not(evaluation):
    rows = compared(evaluation, "mean")
    for row in rows:
        inside = None if row.ends is None else row.ends[0] <= row.paper.value <= row.ends[1]
        assert row.inside == {None: None, True: "yes", False: "no"}[inside]


def test_every_row_says_what_differs_and_why_it_can(evaluation):
    rows = compared(evaluation, "mean")
    assert all(cells[-1].endswith(".") for cells in exact(rows).rows)
    table = printed(rows)
    letters = dict.fromkeys(cells[-1] for cells in table.rows)
    assert list(letters) == list("abcdef")
    assert [line[:2] for line in table.note.splitlines()[1:]] == [f"{letter}:" for letter in letters]


def test_what_the_cases_cannot_give_is_not_measured(evaluation):
    nothing = evaluation["thresholds"]["F4"] | {"auc": None, "operating_point": None}
    changed = evaluation | {"thresholds": evaluation["thresholds"] | {"F4": nothing}}
    rows = {cells[0]: cells for cells in printed(compared(changed, "mean")).rows}
    assert rows["AUC, cirrhosis (F4)"][2:4] == ("not measured", None)
    assert rows["Accuracy, cirrhosis (F4) (%)"][2] == "not measured"
