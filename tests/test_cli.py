"""Exit statuses and error sentences of the command line."""

import pytest

from fibrolens import cli, errors


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.UsageError("wrong use"), 2),
        (errors.SeriesError("bad series"), 3),
        (errors.ModelError("bad weights"), 4),
        (errors.OutputError("disk full"), 5),
        (ZeroDivisionError("oops"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_error_has_its_exit_status_and_one_sentence(monkeypatch, capsys, error, status):
    def fail(options):
        raise error

    monkeypatch.setattr(cli.doctor, "run", fail)
    assert cli.main(["doctor"]) == status
    stderr = capsys.readouterr().err
    assert stderr.count("\n") == 1
    assert "Traceback" not in stderr
    told = isinstance(error, errors.FibrolensError)
    assert not str(error) or (str(error) in stderr) == told  # the words of a defect may quote a header


def test_debug_shows_the_traceback(monkeypatch, capsys):
    def fail(options):
        raise errors.InputError("bad")

    monkeypatch.setattr(cli.doctor, "run", fail)
    assert cli.main(["doctor", "--debug"]) == 3
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["stage"], ["stage", "x"], ["phantom", "--out", "d", "--stages", "1,2"]]
)
def test_wrong_use_ends_with_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_help_names_every_verb(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    page = capsys.readouterr().out
    assert all(verb in page for verb in ("stage", "export", "phantom", "demo", "doctor"))
    assert "Research use only" in page
