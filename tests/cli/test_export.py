"""`fibrolens export case` from the command line."""

import zipfile

import pytest
from tests.dicom_files import ct_array, ct_series, save

from fibrolens import cli
from fibrolens.deidentify import case as module


@pytest.fixture
def exports(monkeypatch):
    """Stands for the export itself, which tests/deidentify checks; keeps what it was asked."""
    asked = []

    def deidentify(source, results, out, key, overwrite):
        asked.append((source, results, key, overwrite))
        out.mkdir(exist_ok=True)
        (out / "manifest.json").write_text('{"run": {"command": "export case"}}')
        return module.Exported(out, "case-1")

    monkeypatch.setattr("fibrolens.deidentify.deidentify_case", deidentify)
    return asked


def run(tmp_path, *options):
    place = ["--source", str(tmp_path / "ct"), "--out", str(tmp_path / "out")]
    return cli.main(["export", "case", str(tmp_path / "staged"), *place, *options])


def test_a_case_is_exported_and_a_key_is_made_once(tmp_path, capsys, exports):
    key = tmp_path / "key"
    assert run(tmp_path, "--key", str(key)) == 0
    out = capsys.readouterr().out
    assert "a new key" in out
    assert "case-1, exported without its patient; research use only" in out
    assert run(tmp_path, "--key", str(key), "--overwrite") == 0
    assert "a new key" not in capsys.readouterr().out
    assert exports[0][:3] == exports[1][:3]
    assert [asked[3] for asked in exports] == [False, True]
    assert run(tmp_path) == 0
    assert exports[2][2] is None


def test_a_zip_beside_the_folder(tmp_path, capsys, exports):
    assert run(tmp_path, "--zip") == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == ["out/manifest.json"]
    assert str(tmp_path / "out.zip") in capsys.readouterr().out
    first = (tmp_path / "out.zip").read_bytes()
    assert run(tmp_path, "--zip") == 0
    assert (tmp_path / "out.zip").read_bytes() == first


def test_a_zip_that_cannot_be_written_is_an_output_error(tmp_path, capsys, exports, monkeypatch):
    def full(folder, inside):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fibrolens.serve.archive.zipped", full)
    assert run(tmp_path, "--zip") == 5
    assert "could not be written" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("content", [b"somebody's", b"PK\x05\x06" + bytes(18)])
def test_a_file_that_is_not_ours_is_not_replaced_by_the_zip(tmp_path, capsys, exports, content):
    (tmp_path / "out.zip").write_bytes(content)
    assert run(tmp_path, "--zip", "--overwrite") == 2
    assert "is not an export" in capsys.readouterr().err
    assert (tmp_path / "out.zip").read_bytes() == content
    assert exports == []


def test_a_key_inside_the_export_would_leave_with_it(tmp_path, capsys, exports):
    (tmp_path / "out").mkdir()
    assert run(tmp_path, "--key", str(tmp_path / "out" / "key")) == 2
    assert "would leave with it" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_no_result_is_an_input_error(tmp_path, capsys):
    save(ct_series(ct_array()), tmp_path / "ct")
    assert run(tmp_path) == 3
    assert "no complete folder of fibrolens stage" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_key_that_is_too_short_is_wrong_use(tmp_path, capsys):
    (tmp_path / "key").write_text("1234")
    assert run(tmp_path, "--key", str(tmp_path / "key")) == 2
    assert "fewer than 16 bytes" in capsys.readouterr().err


def test_help_asks_to_look_at_the_pictures(capsys):
    with pytest.raises(SystemExit):
        cli.main(["export", "case", "--help"])
    assert "Look at the pictures" in " ".join(capsys.readouterr().out.split())
