"""`--key` where a patient is taken out."""

import pytest

from fibrolens.cli.keys import given_key
from fibrolens.errors import UsageError


def test_a_key_is_made_once_and_said_so(tmp_path, capsys):
    made = given_key(tmp_path / "key", tmp_path / "out")
    assert "a new key" in capsys.readouterr().out
    assert given_key(tmp_path / "key", tmp_path / "out") == made
    assert capsys.readouterr().out == ""
    assert given_key(None, tmp_path / "out") is None


def test_a_key_inside_the_folder_would_leave_with_it(tmp_path):
    with pytest.raises(UsageError, match="would leave with it"):
        given_key(tmp_path / "out" / "key", tmp_path / "out")
    assert not (tmp_path / "out").exists()
