from pathlib import Path

import pytest

from fibrolens.cohort.problems import Problem, refuse
from fibrolens.errors import CohortError


def test_problems_are_told_by_line_whatever_order_they_were_found_in():
    with pytest.raises(CohortError) as caught:
        refuse(Path("folder/cohort.csv"), [Problem(9, "b"), Problem(3, "c"), Problem(3, "a")])
    assert str(caught.value) == (
        "cohort.csv has 3 problems; correct and run again:\n  line 3: a\n  line 3: c\n  line 9: b"
    )


def test_one_problem_is_one():
    with pytest.raises(CohortError, match="has 1 problem;"):
        refuse(Path("cohort.csv"), [Problem(2, "a")])


def test_no_problem_is_no_error():
    refuse(Path("cohort.csv"), [])
