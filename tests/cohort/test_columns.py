from pathlib import Path

import pytest

from fibrolens.cohort.columns import BY_NAME, COLUMNS, REQUIRED, meant
from fibrolens.markers.serum import LIMITS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "cohort.md"
#: Lines of the reference by column; other tables of the page come after it.
ROWS = {
    line.split("`")[1]: line
    for line in reversed(DOCS.read_text(encoding="utf-8").splitlines())
    if line.startswith("| `")
}


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_the_column_reference_tells_every_column_with_its_unit_choices_and_limits(column):
    line = ROWS[column.name]
    for told in (column.unit, *(f"`{choice}`" for choice in column.choices)):
        assert told in line
    if column.kind == "number":
        assert " to ".join(f"{limit:,g}" for limit in column.limits) in line


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Age", "age"),
        ("Patient ID", "patient_id"),
        ("gender", "sex"),
        ("etiology", "aetiology"),
        ("CA19-9", "ca19_9"),
        ("histologydate", "histology_date"),
        ("livermask", "liver_mask"),
        ("platelet", "platelets"),
        ("ASAT", "ast"),
    ],
)
def test_a_slip_of_a_known_column_is_told(name, known):
    assert meant(name, (name,)) == known


@pytest.mark.parametrize("name", ["comment", "weight_kg", "birth_date", "histology", "steatosis", "ggt", "centre"])
def test_other_names_are_the_user_s_own(name):
    assert meant(name, (*REQUIRED, name)) is None


def test_a_name_beside_the_known_one_is_no_slip_of_it():
    assert meant("ages", ("age", "ages")) is None
    assert meant("age", ("age",)) is None


def test_the_blood_scores_and_the_table_agree_on_units():
    for name in ("ast", "alt", "ast_uln", "platelets"):
        assert (*BY_NAME[name].limits, BY_NAME[name].unit) == LIMITS[name]
