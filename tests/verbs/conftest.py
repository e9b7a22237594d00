"""The campaign, run once for a whole test run."""

import os

import pytest
from tests.verbs.campaign import Campaign, finished


@pytest.fixture(scope="session")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """Every verb has run; to be read only."""
    base = tmp_path_factory.getbasetemp()
    # Processes of pytest-xdist have folders of their own in a common one.
    return finished(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)
