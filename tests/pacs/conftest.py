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


@pytest.fixture(scope="session")
def one_orthanc(tmp_path_factory):
    """A real Orthanc for all tests, for it takes seconds to end."""
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


@pytest.fixture
def orthanc(one_orthanc):
    """A real Orthanc without studies and peers; the test is skipped where it is not installed."""
    for kind in ("studies", "modalities"):
        for name in one_orthanc.ask("GET", f"/{kind}"):
            one_orthanc.ask("DELETE", f"/{kind}/{name}")
    return one_orthanc
