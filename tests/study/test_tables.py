import math

import pytest

from fibrolens.errors import CohortError
from fibrolens.study.tables import PREDICTIONS, number, read_predictions, read_table, write_table


def prediction(**changed):
    row = {"scan_id": "s1", "patient_id": "p1", "fold": 2, "stage": "F2|F3"}
    return row | {f"p_F{k}": p for k, p in enumerate((0.1, 0.2, 0.4, 0.2, 0.1))} | changed


def test_predictions_survive_their_table(tmp_path):
    write_table([prediction()], PREDICTIONS, tmp_path / "predictions.csv")
    (case,) = read_predictions(tmp_path / "predictions.csv")
    assert (case.scan_id, case.patient_id, case.fold, case.stages) == ("s1", "p1", 2, (2, 3))
    assert case.probabilities == (0.1, 0.2, 0.4, 0.2, 0.1)
    assert case.predicted == 2


def test_what_is_unknown_is_an_empty_cell(tmp_path):
    write_table([{"a": None, "b": 1.0}], ("a", "b"), tmp_path / "t.csv")
    (row,) = read_table(tmp_path / "t.csv")
    assert math.isnan(number(row["a"]))
    assert number(row["b"]) == 1.0


def test_a_table_of_something_else_is_refused(tmp_path):
    write_table([prediction(stage="cirrhosis")], PREDICTIONS, tmp_path / "predictions.csv")
    with pytest.raises(CohortError, match="not a table of predictions"):
        read_predictions(tmp_path / "predictions.csv")
