"""Files that appear whole."""

import pytest

from fibrolens.aside import appearing, aside_of, write_whole


def test_a_file_appears_when_its_block_ends(tmp_path):
    path = tmp_path / "figure.png"

    with appearing(path) as aside:
        aside.write_bytes(b"whole")
        assert not path.exists()

    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_what_stood_there_stays_where_the_new_one_fails(tmp_path):
    path = tmp_path / "result.json"
    write_whole(path, "old")

    with pytest.raises(OSError, match="No space"), appearing(path) as aside:
        aside.write_text("ne")
        raise OSError("No space left on device")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_why_it_could_not_be_written_is_told_where_nothing_can_be_removed_either(tmp_path):
    (tmp_path / "file").write_text("no folder")

    with pytest.raises(OSError, match="No space"), appearing(tmp_path / "file" / "result.json"):
        raise OSError("No space left on device")


def test_what_a_killed_run_left_aside_is_replaced(tmp_path):
    path = tmp_path / "report.html"
    aside_of(path).write_text("hal")

    write_whole(path, "whole")

    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_private_file_is_nobody_else_s_even_where_a_killed_run_left_an_open_one(tmp_path):
    path = tmp_path / "tokens.json"
    aside_of(path).write_text("hal")

    write_whole(path, "secret", private=True)

    assert (path.read_text(), path.stat().st_mode & 0o777) == ("secret", 0o600)
