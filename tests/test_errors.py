import pytest

from fibrolens import errors
from fibrolens.errors import FibrolensError, brief


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("FibrolensError", 1),
        ("UsageError", 2),
        ("InputError", 3),
        ("SeriesError", 3),
        ("GeometryError", 3),
        ("PhaseError", 3),
        ("CoverageError", 3),
        ("CohortError", 3),
        ("ModelError", 4),
        ("ExplanationError", 4),
        ("OutputError", 5),
    ],
)
def test_exit_status_follows_the_contract(name, status):
    assert getattr(errors, name)("why").exit_status == status


def test_the_tree_in_the_docstring_is_the_tree_in_the_code():
    raised = {n for n, c in vars(errors).items() if isinstance(c, type) and issubclass(c, FibrolensError)}
    assert raised == {word for word in (errors.__doc__ or "").split() if word.endswith("Error")}


def test_a_message_does_not_drive_the_terminal():
    error = FibrolensError("The zip holds \x1b[2J\u202eevil\udcff.\nIts second line: Ü.")
    assert str(error) == "The zip holds \\x1b[2J\\u202eevil\\udcff.\nIts second line: Ü."


def test_a_long_message_keeps_what_to_do():
    said = str(FibrolensError(f"It is {'x' * 5000}; give another."))
    assert len(said) < 1100
    assert said.startswith("It is xxx")
    assert said.endswith("; give another.")


@pytest.mark.parametrize("value", ["x" * 10**6, list(range(10**5)), 10**3000])
def test_of_a_large_value_a_part_is_told(value):
    assert len(brief(value)) < 150
