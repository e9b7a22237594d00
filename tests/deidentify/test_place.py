"""Results with and without patients are kept apart."""

import pytest

from fibrolens.deidentify.key import Key
from fibrolens.deidentify.place import MARK, claim
from fibrolens.errors import OutputError, UsageError

KEY, OTHER = Key(b"one secret of many bytes"), Key(b"another secret of many bytes")


def test_a_folder_may_be_gone_on_with_by_the_same_key_and_tells_nothing_of_it(tmp_path):
    claim(tmp_path / "out", KEY)
    (tmp_path / "out" / "summary.csv").write_text("scan_id")
    claim(tmp_path / "out", KEY)
    assert KEY.secret not in (tmp_path / "out" / MARK).read_bytes()


@pytest.mark.parametrize(("first", "then", "said"), [
    (KEY, OTHER, "by another key"), (KEY, None, "results without patients"), (None, KEY, "lead to their patients"),
])  # fmt: skip
def test_another_kind_beside_is_refused_and_nothing_written(tmp_path, first, then, said):
    claim(tmp_path, first)
    (tmp_path / "summary.csv").write_text("scan_id")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(UsageError, match=said):
        claim(tmp_path, then)

    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_results_with_patients_need_no_mark(tmp_path):
    claim(tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_mark_that_says_nothing_is_no_leave(tmp_path, content):
    (tmp_path / MARK).write_text(content)
    with pytest.raises(UsageError, match="--out"):
        claim(tmp_path, KEY)


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="out could not be written"):
        claim(tmp_path / "file" / "out", KEY)
