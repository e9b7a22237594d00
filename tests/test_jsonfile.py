import pytest

from fibrolens.jsonfile import read_json


def test_the_content_is_read(tmp_path):
    (tmp_path / "a.json").write_text('{"a": [1, null]}')
    assert read_json(tmp_path / "a.json") == {"a": [1, None]}


@pytest.mark.parametrize("content", [b"", b"\xff", b"{'a': 1}", b"[" * 100_000, b"9" * 5000])
def test_what_is_no_json_is_a_value_error(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=r".+"):
        read_json(tmp_path / "a.json")
