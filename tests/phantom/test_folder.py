import pytest

from fibrolens.errors import OutputError
from fibrolens.phantom.folder import RECORDS, SCANS, make_room, require_space


def test_records_survive_an_interruption_and_half_written_scans_do_not(tmp_path):
    make_room(tmp_path)
    (tmp_path / RECORDS / "P0001.json").write_text("{}")
    (tmp_path / SCANS / "P0002").mkdir()
    make_room(tmp_path)
    assert (tmp_path / RECORDS / "P0001.json").exists()
    assert list((tmp_path / SCANS).iterdir()) == []


def test_space_is_looked_for_where_the_folder_will_stand(tmp_path):
    require_space(tmp_path / "not" / "yet", 0.0)
    with pytest.raises(OutputError, match=r"has .* free"):
        require_space(tmp_path / "not" / "yet", 1e30)
