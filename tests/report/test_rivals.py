import pytest

from fibrolens.report.rivals import answer, exact, forest_figure, printed


def entry(auc, difference=None, p=0.01):
    apart = None
    if difference is not None:
        ends = [difference - 0.03, difference + 0.03]
        apart = {"value": difference, "delong": ends, "bootstrap": ends, "p_value": p / 3, "p_adjusted": p, "scans": 90}
    area = {"value": auc, "delong": [auc - 0.05, auc + 0.04], "bootstrap": [auc - 0.05, auc + 0.04]}
    return {"positives": 40, "negatives": 60, "thin": False, "auc": area, "difference": apart}


def system(title, auc, difference=None, against=None, **more):
    thresholds = {name: entry(auc, difference) for name in ("F>=2", "F>=3", "F4")}
    known = {"title": title, "source": "us", "kind": "network", "against": against, "scans": 100}
    return known | {"thresholds": thresholds} | more


@pytest.fixture
def evaluation():
    nothing = {"positives": 0, "negatives": 0, "thin": True, "auc": None, "difference": None, "reason": "no case"}
    systems = {
        "study": system("LFS network", 0.93, initial_weights="lfs-small"),
        "lfs": system("LFS network, random", 0.91, -0.02, "study", initial_weights="random"),
        "liver-only": system("Liver alone", 0.84, -0.07, "lfs", initial_weights="random"),
        "spleen_volume_ml": system("Spleen volume", 0.8, -0.13, "study", kind="markers", markers=["spleen"]),
        "texture_entropy": system("Entropy", 0.7, -0.2, "study", kind="markers", markers=["texture_entropy"]),
        "lsn": system("Nodularity", 0.5, None, "study", kind="markers", markers=[], reason="too few")
        | {"scans": 0, "thresholds": dict.fromkeys(("F>=2", "F>=3", "F4"), nothing)},
    }
    return {"rivals": [{"name": name} | entry for name, entry in systems.items()]}


def test_the_question_of_the_paper_is_answered_with_the_sign_turned(evaluation):
    apart = "+0.07 [+0.04, +0.10], p = 0.003"
    assert answer(evaluation) == (
        "The upper abdomen against the segmented liver, both by the LFS network and begun alike: "
        f"F>=2 {apart}; F>=3 {apart}; F4 {apart}; adjusted over all differences p = 0.010, p = 0.010, p = 0.010."
    )


def test_without_the_segmented_liver_there_is_no_answer(evaluation):
    evaluation["rivals"] = [s for s in evaluation["rivals"] if s["name"] != "liver-only"]
    assert answer(evaluation) == ""


def test_the_printed_table_has_a_row_per_scored_system_and_says_what_was_not_scored(evaluation):
    table = printed(evaluation)
    assert [row[:2] for row in table.rows] == [
        (1, "LFS network"),
        (2, "LFS network, random"),
        (3, "Liver alone"),
        (4, "Spleen volume"),
    ]
    assert table.rows[2][3:6] == (2, "0.84 [0.79, 0.88]", "-0.07 [-0.10, -0.04]; p = 0.010")
    assert "Holm over all 12 differences" in table.note
    assert "Not scored: Nodularity (too few)." in table.note
    assert "began with lfs-small" in table.note


def test_the_exact_table_has_a_row_per_system_and_threshold(evaluation):
    table = exact(evaluation)
    assert len(table.rows) == 18
    row = dict(zip(table.columns, table.rows[6], strict=True))
    assert (row["system"], row["threshold"], row["auc"], row["difference"]) == ("liver-only", "F>=2", 0.84, -0.07)
    assert row["difference_delong_low"] == pytest.approx(-0.1)


def test_the_forest_has_a_line_per_network_and_the_usual_markers(evaluation, tmp_path):
    png, svg = forest_figure(evaluation, tmp_path / "rivals")
    assert png.stat().st_size > 5000
    text = svg.read_text()
    assert "Liver alone" in text
    assert "Spleen volume" in text
    assert "Entropy" not in text
    assert "Nodularity" not in text


def test_two_systems_of_one_title_are_told_apart_by_what_they_began_with(evaluation):
    evaluation["rivals"][1]["title"] = evaluation["rivals"][0]["title"]
    names = [row[1] for row in printed(evaluation).rows]
    assert names[:2] == ["LFS network, trained", "LFS network, random"]
