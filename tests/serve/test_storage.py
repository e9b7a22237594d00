"""The data folder of the service has a name of its own, whole or not yet."""

import pytest
from tests.full_disk import full_disk

from fibrolens.errors import OutputError
from fibrolens.serve.storage import Storage


def test_a_name_that_found_no_room_is_drawn_by_the_next_start(tmp_path):
    with full_disk(), pytest.raises(OutputError, match="Choose another --data"):
        Storage.open(tmp_path / "data")

    assert len(Storage.open(tmp_path / "data").name) == 32


def test_a_folder_keeps_its_name_and_another_has_another(tmp_path):
    name = Storage.open(tmp_path / "one").name

    assert Storage.open(tmp_path / "one").name == name
    assert Storage.open(tmp_path / "two").name != name
