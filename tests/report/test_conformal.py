import pytest
from tests.report.svg import words

from fibrolens.report.conformal import coverage, coverage_printed, deferral, deferral_figure, deferral_printed


def test_every_claim_stage_and_size_is_a_row(evaluation):
    table = coverage(evaluation)
    assert len(table.rows) == 3 * (1 + 5 + 5)
    claim, _, _, count, of, share, low, high, size = table.rows[0]
    found = evaluation["conformal"]["claims"][0]
    assert (claim, count, of, size) == (0.8, found["coverage"]["count"], 48, found["mean_size"])
    assert low < share == 1.0
    assert high == pytest.approx(1.0)


def test_coverage_is_printed_with_the_folds_that_have_too_few_scans(evaluation):
    """The made-up study has no inner splits: all sets hold all stages, and that is said."""
    table = coverage_printed(evaluation)
    rows = table.printed()
    assert [row[0] for row in rows] == ["80 %", "", "90 %", "", "95 %", ""]
    assert rows[0][2].startswith("100.0")
    assert rows[1][2] == "5.0"
    assert "At 90 % these were too few in fold 0, 1, 2, 3, 4" in table.note
    assert "not for each stage" in table.note


def test_the_deferral_table_shows_a_few_shares_and_the_file_all(evaluation):
    table = deferral_printed(evaluation)
    assert [row[0] for row in table.printed()] == ["0 %", "10 %", "20 %", "30 %", "50 %"]
    curve = evaluation["deferral"]["curve"]
    assert table.rows[-1][1] == curve[10]["kept"] == 24
    assert "F0" in table.rows[-1][-1]
    assert len(deferral(evaluation).rows) == 5 * len(curve)
    assert "certainty knows nothing" in table.note


def test_the_figure_has_claims_errors_and_aucs(evaluation, tmp_path):
    deferral_figure(evaluation["conformal"], evaluation["deferral"]["curve"], tmp_path / "one")
    text = words(tmp_path / "one.svg")
    for part in ("claim 80 %", "claim 95 %", "Staged wrongly (%)", "AUC", "F≥3", "Deferred scans (%)"):
        assert f"<!-- {part} -->" in text
    assert "Research use only" in text
    assert (tmp_path / "one.png").stat().st_size > 0
