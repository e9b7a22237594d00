"""The campaign, run once for a whole test run."""

from pathlib import Path

import pytest
from tests.verbs.campaign import Campaign, finished


@pytest.fixture(scope="session")
def campaign(shared: Path) -> Campaign:
    """Every verb has run; to be read only."""
    return finished(shared)
