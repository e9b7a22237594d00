import pytest

from fibrolens.report.inner import places


@pytest.mark.parametrize(
    ("scans", "told"),
    [
        ((5, 4, 5), "in every fold"),
        ((5, 0, 5), "in every fold but 1"),
        ((5, 0, 5, 0), "in folds 0, 2 alone"),
        ((0, 5, 0), "in fold 1 alone"),
        ((0, 0, 0), None),
        ((), None),
    ],
)
def test_folds_with_an_inner_split_are_named_from_0(scans, told):
    assert places(scans) == told
