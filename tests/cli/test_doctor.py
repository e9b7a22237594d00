"""What `doctor` tells about this machine."""

from fibrolens import cli
from fibrolens.weights import shipped


def test_sound_installation_ends_with_status_0_and_names_the_weights(capsys):
    assert cli.main(["doctor"]) == 0
    page = capsys.readouterr().out
    assert "fibrolens stage works here." in page
    assert "weights lfs" in page
    assert "simulated CT" in page


def test_missing_weights_fail_with_status_4(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("fibrolens.weights.shipped", lambda name: tmp_path / shipped(name).name)
    assert cli.main(["doctor"]) == 4
    page = capsys.readouterr().out
    assert "FAIL" in page
    assert "does not work here" in page


def test_missing_codecs_are_named_with_what_to_install(monkeypatch, capsys):
    class Absent:
        is_available = False

    monkeypatch.setattr("pydicom.pixels.decoders.base.get_decoder", lambda uid: Absent())
    cli.main(["doctor"])
    assert "pip install 'fibrolens[dicom-codecs]'" in capsys.readouterr().out


def test_a_missing_service_is_named_with_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(cli.doctor, "SERVICE", ("no-such-library",))
    assert cli.main(["doctor"]) == 0
    assert "serve needs no-such-library: pip install 'fibrolens[serve]'" in capsys.readouterr().out
