import csv

from tests.report.conftest import flow

from fibrolens.report import findings


def read(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_attention_has_a_row_per_layer_region_grouping_and_stage(evaluation):
    table = findings.attention(evaluation)
    assert len(table.rows) == 3 * 5 * 2 * 5
    assert sum(row[4] for row in table.rows if row[:3] == ("mean", "liver", "true stage")) == 47
    tests = findings.attention_tests(evaluation)
    assert len(tests.rows) == 3 * 5 * 2
    row = dict(zip(tests.columns, tests.rows[1], strict=True))
    assert row["effect_low"] <= row["effect"] <= row["effect_high"]
    assert row["p_adjusted"] >= row["p_value"]


def test_printed_attention_has_counts_and_the_test_beside(evaluation):
    row = findings.attention_printed(evaluation, "mean").rows[1]
    assert row[:2] == ("Liver", "true stage")
    assert row[2].endswith("; 17)")
    assert row[-2].startswith("p ")
    assert row[-1] is None


def test_patterns_are_shares_with_counts_and_the_rule_stands_below(evaluation):
    table = findings.patterns(evaluation)
    assert sum(row[4] for row in table.rows if row[:3] == ("mean", "true stage", "F0")) == 17
    printed = findings.patterns_printed(evaluation, "mean")
    assert printed.columns[2:4] == ("Liver surface", "Liver and spleen centres")
    assert "surface:" in printed.note
    assert any(cell.endswith("/17)") for cell in printed.rows[5])


def test_markers_tell_how_many_could_not_be_measured():
    rows = [{"stage": "F0", "liver_volume_ml": "1000"}, {"stage": "F4", "liver_volume_ml": ""}]
    exact, printed = findings.markers(rows)
    found = {(row[0], row[2]): row[3:] for row in exact.rows}
    assert found["liver_volume_ml", "all"] == (1, 1, 1000.0, 1000.0, 1000.0)
    assert found["liver_volume_ml", "F4"] == (0, 1, None, None, None)
    assert found["apri", "F0"][:2] == (0, 1)
    assert printed.rows[0][:3] == ("Liver volume (mL)", "1000 (1000–1000; 1)", "1000 (1000–1000; 1)")


def test_exclusions_are_the_flowchart_s_numbers():
    table = findings.exclusions(flow())
    assert ("histology", "excluded", "age", "age below 16 years", 3, 3) in table.rows


def test_quality_counts_every_value(evaluated):
    rows = findings.quality(read(evaluated / "quality.csv")).rows
    assert ("Contrast phase", "arterial", 1) in rows
    assert ("Resembles the training data", "not known", 47) in rows
    assert [row[1:] for row in rows if row[0] == "Organ masks"] == [
        ("given", 42),
        ("given and by a network", 1),
        ("by a network", 5),
    ], "as mask_kind says, whatever the files are called"


def test_a_table_that_does_not_say_who_made_the_masks_counts_none(evaluated):
    old = [{name: row[name] for name in row if name != "mask_kind"} for row in read(evaluated / "quality.csv")]
    assert "Organ masks" not in {row[0] for row in findings.quality(old).rows}


def test_printed_attention_stands_against_its_null_band(evaluation):
    bands = {"mean": {"liver": [0.4, 1.44]}}
    known = evaluation | {"attention": evaluation["attention"] | {"null_bands": bands}}
    rows = findings.attention_printed(known, "mean").rows
    assert {row[-1] for row in rows if row[0] == "Liver"} == {"0.4 to 1.4"}
    assert {row[-1] for row in rows if row[0] == "Spleen"} == {None}
