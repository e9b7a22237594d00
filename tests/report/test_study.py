import csv
import json
import re
import shutil

import pytest
from matplotlib.figure import Figure

from fibrolens.errors import UsageError
from fibrolens.plan import Plan, write_plan
from fibrolens.report.captions import CAPTIONS
from fibrolens.report.drawing import save_both
from fibrolens.report.study import write_report
from fibrolens.result import REGIONS
from fibrolens.study.tables import ATTENTION, read_table, write_table

TABLES = (
    *("ordinal", "calibration", "calibration_bins", "temperature"),
    *("decision_curve", "rule_in_out", "predictive_values"),
    *("shortcuts", "shortcut_facts", "map_or_marker"),
    *("table1", "table2", "table2_without_controls", "performance", "per_fold", "confusion", "side_by_side"),
    *(
        "attention",
        "attention_tests",
        "patterns",
        "map_quality_control",
        "exclusions",
        "markers",
        "quality",
        "conformal",
        "deferral",
        "subgroups",
    ),
)


@pytest.fixture
def study(evaluated, tmp_path):
    """A copy of the study, to be changed at will; with one figure."""
    out = tmp_path / "study"
    shutil.copytree(evaluated, out)
    (out / "figures").mkdir()
    save_both(Figure(figsize=(3.31, 1)), out / "figures" / "confusion")
    return out


def page(out):
    write_report(out)
    return (out / "report.html").read_text(encoding="utf-8")


def test_every_table_becomes_a_csv_file(study):
    page(study)
    assert sorted(path.stem for path in (study / "tables").iterdir()) == sorted(TABLES)
    with (study / "tables" / "confusion.csv").open(newline="") as stream:
        assert sum(int(row["scans"]) for row in csv.DictReader(stream)) == 47


def test_the_page_is_whole_in_itself_and_says_what_it_is_for(study):
    text = page(study)
    assert text.index("Research use only") < text.index("<h1>")
    assert "http://" not in text
    assert "https://" not in text
    assert "<script" not in text
    assert 'style="width: 84mm" src="data:image/png;base64,' in text
    for part in ("48 scans of 46 patients", "Table 2. Performance", "Beside the paper", "stratified by stage and"):
        assert part in text


def test_folds_are_said_once_to_be_numbered_from_0(study):
    text = page(study)
    assert text.count("numbered from 0") == 1
    assert "in fold 0, 1, 2, 3, 4" in text


def test_maps_of_zeros_are_counted_in_the_layer_that_is_shown(study):
    rows = read_table(study / "attention.csv")
    zeros = {f"{region}_mean": "" for region in REGIONS}
    known = [row | zeros if row["scan_id"] == "s3" or row["layer"] == "conv3" else row for row in rows]
    write_table(known, ATTENTION, study / "attention.csv")
    assert "The location maps of 1 of 48 scans are zero everywhere" in page(study)


def test_every_link_of_the_contents_has_its_place(study):
    text = page(study)
    links = set(re.findall(r'href="#([^"]+)"', text))
    assert {"confusion", "table-table2", "methods", "warnings"} <= links
    assert links <= set(re.findall(r'id="([^"]+)"', text))


def test_values_are_escaped(study):
    text = page(study)
    assert "&lt;Age&gt;" in text
    assert "<Age>" not in text


def test_the_same_folder_gives_the_same_bytes(study):
    assert page(study) == page(study)


def test_what_an_older_folder_lacks_is_said(study):
    for name in ("flow.json", "markers.csv", "quality.csv", "attention.csv", "tables/table1.csv"):
        (study / name).unlink()
    write_plan(Plan(), study / "plan.json")
    text = page(study)
    for part in (
        "who was left out (flow.json)",
        "Table 1 (tables/table1.csv)",
        "the markers",
        "the quality",
        "the attention",
        "Fig. 3",
    ):
        assert part in text
    assert not (study / "tables" / "exclusions.csv").exists()


def test_a_study_without_controls_has_one_table_2(study):
    content = json.loads((study / "evaluation.json").read_text())
    (study / "evaluation.json").write_text(json.dumps(content | {"without_controls": None, "controls": 0}))
    text = page(study)
    assert "without the imaging-negative controls" not in text
    assert not (study / "tables" / "table2_without_controls.csv").exists()


def test_a_study_that_was_not_evaluated_is_refused(study):
    (study / "evaluation.json").unlink()
    with pytest.raises(UsageError, match=r"evaluation\.json is missing"):
        write_report(study)


def test_captions_are_in_the_paper_s_order():
    assert [caption.number for caption in CAPTIONS] == [f"Fig. {n}" for n in range(1, len(CAPTIONS) + 1)]


def test_an_evaluation_of_before_the_measures_of_probabilities_still_gives_a_report(study):
    content = json.loads((study / "evaluation.json").read_text())
    known = {key: value for key, value in content.items() if key not in ("ordinal", "calibration", "decision")}
    (study / "evaluation.json").write_text(json.dumps(known))
    text = page(study)
    assert "Rule-in and rule-out at" not in text
    assert not (study / "tables" / "calibration.csv").exists()


def test_a_shortcut_is_an_alarm_above_everything_else(study, evaluation):
    assert 'class="alarm"' not in page(study)
    found = evaluation["shortcuts"] | {"level": "alarm", "p_value": 0.0001}
    (study / "evaluation.json").write_text(json.dumps(evaluation | {"shortcuts": found}))
    text = page(study)
    assert text.index("<h1>") < text.index("ALARM: a shortcut.") < text.index("Result in brief")
    assert text.count("ALARM: a shortcut.") == 1


def test_a_folder_of_an_older_version_has_no_audit_and_says_so(study, evaluation):
    older = {name: part for name, part in evaluation.items() if name not in ("shortcuts", "map_or_marker")}
    (study / "evaluation.json").write_text(json.dumps(older))
    text = page(study)
    assert "how the CTs were made (acquisition.csv)" in text
    assert "Can the stage be told" not in text
