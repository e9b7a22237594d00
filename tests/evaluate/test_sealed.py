"""Packets as files: whoever reads one from elsewhere checks it first."""

import json

import pytest
from tests.evaluate.hospitals import hospital, packet_file

from fibrolens.errors import InputError, UsageError
from fibrolens.evaluate.sealed import checksum, read_packet, sealed, write_packet


@pytest.fixture
def path(tmp_path):
    packet_file(hospital(1, 120), tmp_path / "a.json")
    return tmp_path / "a.json"


def edited(path, change, seal=False):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(sealed(content) if seal else content))
    return path


def test_a_packet_comes_back_as_it_was_written(path):
    packet = read_packet(path)
    assert packet.kind == "fixed weights"
    assert packet.seal == checksum(packet.content)
    assert set(packet.thresholds) == {"F>=1", "F>=2", "F>=3", "F4"}


def test_the_same_packet_may_be_written_again_and_another_not(path):
    content = json.loads(path.read_text())
    bare = {key: value for key, value in content.items() if key != "sha256"}
    write_packet(bare, path)
    with pytest.raises(UsageError, match="overwrite"):
        write_packet(bare | {"site": "B"}, path)
    write_packet(bare | {"site": "B"}, path, overwrite=True)
    assert read_packet(path).content["site"] == "B"


def test_its_layout_may_change_its_content_not(path):
    edited(path, lambda content: None)
    read_packet(path)
    edited(path, lambda content: content["counts"].update(scans=121))
    with pytest.raises(InputError, match="damaged or was edited"):
        read_packet(path)


@pytest.mark.parametrize(("text", "told"), [
    ("", "no JSON"), ("[1]", "no validation packet"), ('{"kind": "other"}', "no validation packet"),
])  # fmt: skip
def test_what_is_no_packet_is_refused(tmp_path, text, told):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=told):
        read_packet(tmp_path / "x.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_packet(tmp_path / "absent.json")


def test_another_version_is_refused(path):
    with pytest.raises(InputError, match="version 2"):
        read_packet(edited(path, lambda content: content.update(schema_version=2), seal=True))


@pytest.mark.parametrize(("change", "told"), [
    (lambda c: c.pop("counts"), "counts"),
    (lambda c: c["counts"].update(patients=500), "more patients"),
    (lambda c: c["thresholds"]["F4"]["groups"][0].update(scans=1), "histogram and its count"),
    (lambda c: c["thresholds"]["F4"]["delong"].update(auc=0.999), "AUC does not fit"),
    (lambda c: c["thresholds"]["F4"]["delong"].update(variance=-1.0), "variance"),
    (lambda c: c["thresholds"]["F4"]["delong"].update(variance=1.5), "variance"),
    (lambda c: c["thresholds"]["F4"]["calibration"].pop(), "calibration"),
    (lambda c: c["thresholds"]["F4"]["groups"][0]["bins"].update({"99999": 1}), "bin 99999"),
    (lambda c: c["model"].update(weights_sha256=[]), "weights"),
    (lambda c: c["model"].update(weights_sha256=["a", "b"]), "one file"),
    (lambda c: c["grid"].update(bins_per_unit=7), "grid"),
])  # fmt: skip
def test_sums_that_contradict_each_other_are_refused_even_under_a_new_seal(path, change, told):
    with pytest.raises(InputError, match=told):
        read_packet(edited(path, change, seal=True))
