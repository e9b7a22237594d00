"""`fibrolens stage --deidentify` from the command line; what it writes is in tests/deidentify/test_staged.py."""

import pytest

from fibrolens import cli
from fibrolens.deidentify.key import Key


@pytest.fixture
def keys(monkeypatch):
    """Stands for the staging itself; the keys that it was given."""
    given = []
    monkeypatch.setattr(
        "fibrolens.stage_batch.stage_batch", lambda inputs, options, place, engine, key, artist: given.append(key) or 0
    )
    return given


def run(tmp_path, *options):
    return cli.main(["stage", str(tmp_path / "ct"), "--out", str(tmp_path / "out"), *options])


def test_the_key_is_of_the_file_or_by_chance(tmp_path, keys):
    assert run(tmp_path, "--deidentify", "--key", str(tmp_path / "key")) == 0
    assert run(tmp_path, "--deidentify") == 0
    assert run(tmp_path) == 0
    of_file, by_chance, none = keys
    assert of_file == Key.of_file(tmp_path / "key")
    assert by_chance not in (of_file, None)
    assert none is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--key", "KEY"), "--key is of --deidentify"),
        (("--deidentify", "--identified"), "not allowed with"),
        (("--deidentify", "--shard", "1/2"), "The shards of a run need one --key FILE"),
    ],
)
def test_what_cannot_be_meant_is_wrong_use(tmp_path, keys, capsys, options, sentence):
    try:
        status = run(tmp_path, *options)
    except SystemExit as ended:
        status = ended.code
    assert (status, keys) == (2, [])
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "key").exists()
