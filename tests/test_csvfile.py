import pytest

from fibrolens.csvfile import write_csv


def test_a_table_is_written_exactly(tmp_path):
    write_csv(tmp_path / "t.csv", ("x", "y"), [(None, 1 / 3), ("a, b", 2), ("", float("nan"))])
    assert (tmp_path / "t.csv").read_bytes() == b'x,y\n,0.333333333\n"a, b",2\n,nan\n'
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_what_stands_there_stays_until_the_table_is_whole(tmp_path):
    def rows():
        yield (1,)
        raise OSError("disk full")

    write_csv(tmp_path / "t.csv", ("x",), [(0,)])
    with pytest.raises(OSError, match="disk full"):
        write_csv(tmp_path / "t.csv", ("x",), rows())
    assert (tmp_path / "t.csv").read_text() == "x\n0\n"
