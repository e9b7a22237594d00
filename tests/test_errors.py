import pytest

from fibrolens import errors
from fibrolens.errors import FibrolensError


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
