"""A bundle arrives as it was sent, at its place alone, or not at all."""

import io
import json
import shutil
import stat
import zipfile

import pytest

from fibrolens.errors import ModelError, OutputError, UsageError
from fibrolens.transport.bundle import LIST, install_bundle, verify_bundle, write_bundle
from fibrolens.transport.verify import verify


@pytest.fixture
def bundle(toy, organs, tmp_path):
    write_bundle([toy, organs], tmp_path / "sent.zip")
    return tmp_path / "sent.zip"


def files_of(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_was_bundled_is_installed(bundle, toy, organs, tmp_path):
    assert verify_bundle(bundle) == ["organs", "toy"]
    assert install_bundle(bundle, tmp_path / "models") == (["organs", "toy"], False)
    for folder in (toy, organs):
        assert files_of(tmp_path / "models" / folder.name) == files_of(folder)
        assert verify(tmp_path / "models" / folder.name) == verify(folder)
    assert (tmp_path / "models" / "manifest.json").is_file()


def test_equal_folders_give_equal_bytes(bundle, toy, organs, tmp_path):
    assert not write_bundle([organs, toy], tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()
    assert write_bundle([toy, organs], bundle)


def test_only_what_makes_a_model_is_bundled(toy, tmp_path):
    (toy / "train_log.jsonl").write_text("{}")
    (toy / "manifest.json").write_text("{}")
    write_bundle([toy], tmp_path / "sent.zip")
    with zipfile.ZipFile(tmp_path / "sent.zip") as archive:
        assert set(archive.namelist()) == {LIST} | {
            f"toy/{name}" for name in ("card.json", "plan.json", "weights.safetensors", "domain.safetensors")
        }


def test_damaged_weights_are_not_bundled(toy, tmp_path):
    (toy / "weights.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="pins"):
        write_bundle([toy], tmp_path / "sent.zip")
    assert not (tmp_path / "sent.zip").exists()


def test_names_must_be_plain_and_differ(toy, tmp_path):
    spaced = tmp_path / "my model"
    shutil.copytree(toy, spaced)
    with pytest.raises(UsageError, match="letters, digits"):
        write_bundle([spaced], tmp_path / "sent.zip")
    shutil.copytree(toy, tmp_path / "other" / "toy")
    with pytest.raises(UsageError, match="same name"):
        write_bundle([toy, tmp_path / "other" / "toy"], tmp_path / "sent.zip")


def test_other_files_are_not_replaced(bundle, toy, tmp_path):
    bundle.write_text("mine")
    with pytest.raises(UsageError, match="another file"):
        write_bundle([toy], bundle)
    assert bundle.read_text() == "mine"
    write_bundle([toy], bundle, overwrite=True)
    assert verify_bundle(bundle) == ["toy"]
    with pytest.raises(OutputError, match="could not be written"):
        write_bundle([toy], tmp_path / "nowhere" / "sent.zip")
    with pytest.raises(OutputError, match="could not be written"):
        write_bundle([toy], bundle / "sent.zip")
    assert not list(tmp_path.glob(".*partial"))


def test_an_installation_is_left_alone_or_replaced(bundle, toy, tmp_path):
    out = tmp_path / "models"
    install_bundle(bundle, out)
    assert install_bundle(bundle, out)[1]
    write_bundle([toy], tmp_path / "other.zip")
    with pytest.raises(UsageError, match="other inputs"):
        install_bundle(tmp_path / "other.zip", out)
    install_bundle(tmp_path / "other.zip", out, overwrite=True)
    assert not (out / "organs").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("1")
    with pytest.raises(UsageError, match="not a fibrolens result"):
        install_bundle(bundle, tmp_path / "mine", overwrite=True)


def rewritten(bundle, change):
    """The bundle with its entries changed: `change` gets and may alter the list and a mapping of names to bytes."""
    with zipfile.ZipFile(bundle) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    told = json.loads(files.pop(LIST))
    change(told, files)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(LIST, json.dumps(told))
        for name, content in files.items():
            archive.writestr(name, content)
    bundle.write_bytes(made.getvalue())
    return bundle


def _flipped(told, files):
    files["toy/weights.safetensors"] = files["toy/weights.safetensors"][:-1] + b"\x7f"


def _longer(told, files):
    files["toy/plan.json"] += b" " * 2**22


def _shorter(told, files):
    files["toy/plan.json"] = files["toy/plan.json"][:-1]


def _unlisted(told, files):
    files["toy/more.json"] = b"{}"


def _lacking(told, files):
    del files["toy/domain.safetensors"]


def _outside(told, files):
    files["../evil.txt"] = b"evil"


def _outside_and_listed(told, files):
    files["../evil.txt"] = b"evil"
    told["models"]["toy"]["../../evil.txt"] = {"bytes": 4, "sha256": "0" * 64}


def _absolute(told, files):
    told["models"]["/etc"] = told["models"].pop("toy")


def _parent(told, files):
    told["models"][".."] = told["models"].pop("toy")


def _nested(told, files):
    told["models"]["a/b"] = told["models"].pop("toy")


def _huge(told, files):
    told["models"]["toy"]["plan.json"]["bytes"] = 2**60


def _endless(told, files):
    told["models"]["toy"]["plan.json"]["bytes"] = float("inf")


def _schema(told, files):
    told["schema_version"] = 99


def _no_models(told, files):
    told["models"] = {}
    files.clear()


def _wrong_kind(told, files):
    told["models"] = [1]


CHANGES = (
    *(_flipped, _longer, _shorter, _unlisted, _lacking, _outside, _outside_and_listed, _absolute, _parent, _nested),
    *(_huge, _endless, _schema, _no_models, _wrong_kind),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_bundle_that_was_tampered_with_installs_nothing(bundle, tmp_path, change):
    before = set(tmp_path.rglob("*"))
    rewritten(bundle, change)
    with pytest.raises(ModelError, match=r"sent\.zip"):
        verify_bundle(bundle)
    with pytest.raises(ModelError, match=r"sent\.zip"):
        install_bundle(bundle, tmp_path / "models")
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", [LIST, "toy/weights.safetensors"])
def test_packed_bytes_that_changed_are_a_damaged_bundle(bundle, tmp_path, name):
    rewritten(bundle, lambda told, files: None)
    with zipfile.ZipFile(bundle) as archive:
        entry = archive.getinfo(name)
    content, begin = bytearray(bundle.read_bytes()), entry.header_offset + 30 + len(name)
    content[begin : begin + 20] = bytes(0xFF ^ byte for byte in content[begin : begin + 20])
    bundle.write_bytes(content)
    with pytest.raises(ModelError, match=r"sent\.zip"):
        verify_bundle(bundle)
    with pytest.raises(ModelError, match=r"sent\.zip"):
        install_bundle(bundle, tmp_path / "models")


def test_a_disk_that_fails_while_the_bundle_is_read_is_not_one_that_cannot_be_written(bundle, tmp_path, monkeypatch):
    sound = zipfile.ZipExtFile.read

    def read(self, size=-1):
        if self.name != LIST:
            raise OSError(5, "Input/output error")
        return sound(self, size)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", read)
    with pytest.raises(ModelError, match="copy it again"):
        install_bundle(bundle, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_bundle_whose_hashes_fit_but_whose_card_does_not_installs_nothing(bundle, toy, tmp_path):
    import hashlib  # noqa: PLC0415

    def other_card(told, files):
        content = files["toy/card.json"].replace(b'"weights_sha256": "', b'"weights_sha256": "0')
        files["toy/card.json"] = content
        told["models"]["toy"]["card.json"] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    rewritten(bundle, other_card)
    with pytest.raises(ModelError, match="pins"):
        install_bundle(bundle, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_a_link_in_a_bundle_becomes_a_file_or_nothing(bundle, tmp_path):
    with zipfile.ZipFile(bundle) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(bundle, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            if name == "toy/plan.json":
                entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, b"/etc/passwd" if name == "toy/plan.json" else content)
    with pytest.raises(ModelError, match="SHA-256 differs"):
        install_bundle(bundle, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def _zip_of(name):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, b"")
    return made.getvalue()


#: Its one name says that it is UTF-8, and is not.
UNNAMEABLE = _zip_of("\N{LATIN SMALL LETTER E WITH ACUTE}").replace(b"\xc3\xa9", b"\xff\xff")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"<html>", UNNAMEABLE])
def test_what_is_no_bundle_is_said_so(tmp_path, content):
    (tmp_path / "sent.zip").write_bytes(content)
    with pytest.raises(ModelError, match="cannot be opened as a bundle"):
        verify_bundle(tmp_path / "sent.zip")


def test_a_zip_of_something_else_is_said_so(tmp_path):
    with zipfile.ZipFile(tmp_path / "ct.zip", "w") as archive:
        archive.writestr("image_1", b"DICM")
    with pytest.raises(ModelError, match="no bundle of fibrolens"):
        install_bundle(tmp_path / "ct.zip", tmp_path / "models")
