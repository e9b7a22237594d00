"""Tables as others publish them."""

import gzip
import sys

import pytest
from tests.source_files import put_table, put_workbook

from fibrolens.cohort.sources.tabular import Role, find_tables, read_table
from fibrolens.errors import InputError

ROWS = [{"id": "a", "note": "x, y"}, {"id": "b", "note": ""}]
ROLE = Role("main", "main table", (("id", "ID"), ("note",)), ("main*.csv",))
OTHER = Role("more", "further table", (("extra",), ("id",)), ("more.csv",), required=False)


@pytest.mark.parametrize(("separator", "encoding"), [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8")])
def test_separator_and_byte_order_mark_are_understood(tmp_path, separator, encoding):
    table = read_table(put_table(tmp_path / "t.csv", ROWS, separator, encoding))
    assert table.columns == ("id", "note")
    assert table.rows == ({"id": "a", "note": "x, y"}, {"id": "b", "note": ""})


def test_a_gzipped_table_reads_as_the_table(tmp_path):
    plain = put_table(tmp_path / "t.csv", ROWS)
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_table(packed).rows == read_table(plain).rows


def test_a_workbook_gives_its_first_sheet_with_whole_numbers(tmp_path):
    path = put_workbook(tmp_path / "t.xlsx", [{"id": "a", "n": 1.0, "x": 2.5, "none": None}])
    assert read_table(path).rows == ({"id": "a", "n": "1", "x": "2.5", "none": ""},)


def test_without_openpyxl_a_workbook_asks_for_it(tmp_path, monkeypatch):
    path = put_workbook(tmp_path / "t.xlsx", [{"id": "a", "n": 1}])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(InputError, match=r"pip install 'fibrolens\[sources\]', or save its first sheet as CSV"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "name", "says"),
    [
        (b"", "t.csv", "no header"),
        (b"only one column\nx\n", "t.csv", "no header"),
        (b"id,note\n", "t.csv", "no rows"),
        (b"\xff\xfe\x00\x01", "t.csv", "cannot be read as a table"),
        (b"\x1f\x8bnot gzip", "t.csv.gz", "cannot be read as a table"),
        (b"no zip", "t.xlsx", "cannot be read as a workbook"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(tmp_path, content, name, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=says):
        read_table(path)


def test_tables_are_told_by_their_columns_in_any_order(tmp_path):
    main = put_table(tmp_path / "anything.csv", ROWS)
    more = put_table(tmp_path / "else.csv", [{"extra": "1", "id": "a"}])
    found = find_tables([more, main], None, (ROLE, OTHER))
    assert found["main"].path == main
    assert found["more"].path == more


def test_a_table_that_fits_two_roles_has_the_one_that_asks_for_more(tmp_path):
    both = put_table(tmp_path / "both.csv", [{"id": "a", "note": "", "extra": "1", "more": ""}])
    main = put_table(tmp_path / "main.csv", ROWS)
    wide = Role("wide", "wide table", (("id",), ("note",), ("extra",)), ("wide.csv",))
    assert find_tables([both, main], None, (ROLE, wide))["wide"].path == both


def test_tables_of_published_name_are_found_in_the_folder_but_not_their_shadows(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "._main.csv").write_bytes(b"shadow")
    path = put_table(tmp_path / "deep" / "main_v2.csv", ROWS)
    assert find_tables([], tmp_path, (ROLE,))["main"].path == path


def test_the_error_names_what_is_missing(tmp_path):
    wrong = put_table(tmp_path / "wrong.csv", [{"ID": "a", "other": "b"}])
    with pytest.raises(InputError, match=r"wrong.csv has no column note; a main table has it"):
        find_tables([wrong], None, (ROLE, OTHER))
    with pytest.raises(InputError, match=r"No main table is given; give it with --table FILE \(columns id or ID, note"):
        find_tables([], None, (ROLE,))
    with pytest.raises(InputError, match="both a main table"):
        find_tables([put_table(tmp_path / f"{n}.csv", ROWS) for n in "ab"], None, (ROLE,))
    with pytest.raises(InputError, match="reads no table"):
        find_tables([wrong], None, ())
    with pytest.raises(InputError, match="is no folder"):
        find_tables([], tmp_path / "gone", (ROLE,))
    with pytest.raises(InputError, match="does not exist"):
        find_tables([tmp_path / "gone.csv"], None, (ROLE,))
