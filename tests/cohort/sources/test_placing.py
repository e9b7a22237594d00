"""Files that appear together or not at all."""

import pytest

from fibrolens.cohort.sources.placing import place
from fibrolens.errors import UsageError


def put(folder, **contents):
    for name, text in contents.items():
        (folder / f"{name}.csv").write_text(text)


def test_files_take_their_places_beside_the_table_and_nothing_else_is_left(tmp_path):
    with place(tmp_path / "new" / "c.csv", overwrite=False) as aside:
        put(aside, c="1", other="2")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["c.csv", "other.csv"]


def test_an_error_leaves_neither_files_nor_the_folder(tmp_path):
    with pytest.raises(RuntimeError), place(tmp_path / "new" / "deep" / "c.csv", overwrite=False) as aside:
        put(aside, c="1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_one_file_of_other_content_keeps_all_from_being_written(tmp_path):
    put(tmp_path, other="mine")
    with pytest.raises(UsageError, match=r"other.csv holds something else"), place(tmp_path / "c.csv", False) as aside:
        put(aside, c="1", other="2")
    assert [path.name for path in tmp_path.iterdir()] == ["other.csv"]
    with place(tmp_path / "c.csv", True) as aside:
        put(aside, c="1", other="2")
    assert (tmp_path / "other.csv").read_text() == "2"


def test_side_tables_of_an_earlier_import_go_only_where_it_was_one(tmp_path):
    (tmp_path / "c.shared.csv").write_text("a table of one's own")
    with place(tmp_path / "c.csv", True) as aside:
        put(aside, c="1")
    assert (tmp_path / "c.shared.csv").exists()
    (tmp_path / "c.provenance.json").write_text("{}")
    with place(tmp_path / "c.csv", True) as aside:
        put(aside, c="1")
        (aside / "c.provenance.json").write_text("{}")
    assert not (tmp_path / "c.shared.csv").exists()
