"""What tests of the DICOM node get."""

import pytest
from tests.pacs.kit import Kit
from tests.pacs.orthanc import running_orthanc


@pytest.fixture
def kit(tmp_path):
    """A data folder with its queue."""
    kit = Kit.open(tmp_path / "data")
    yield kit
    kit.engine.dispose()


@pytest.fixture
def orthanc(tmp_path):
    """A real Orthanc; the test is skipped where it is not installed."""
    with running_orthanc(tmp_path / "orthanc") as running:
        yield running
