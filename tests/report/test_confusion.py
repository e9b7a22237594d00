from tests.report.svg import words

from fibrolens.report.confusion import confusion_figure


def test_cells_hold_counts_and_the_share_of_the_true_stage(tmp_path):
    counts = [[6, 0, 0, 0, 2], [0] * 5, [0] * 5, [0] * 5, [0, 0, 0, 0, 11]]
    confusion_figure({"counts": counts}, tmp_path / "confusion")
    text = words(tmp_path / "confusion.svg")
    for part in ("6", "75%", "25%", "11", "100%", "n = 8", "n = 0", "True stage"):
        assert f"<!-- {part} -->" in text.replace("\n", " --><!-- ")
