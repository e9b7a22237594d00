"""What tests of the manual get."""

import pytest
from tests.docs.stock import Stock


@pytest.fixture(scope="session")
def stock(shared):
    """What readers of the manual have, made once for all processes of a run."""
    shared.mkdir(exist_ok=True)
    return Stock(shared / "stock-of-the-manual")
