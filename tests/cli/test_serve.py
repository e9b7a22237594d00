"""`fibrolens serve` from the command line: users, and what is refused before anything is served."""

import json

import pytest

from fibrolens import cli


@pytest.mark.parametrize(("arguments", "said"), [
    ([], "--data DIR is missing"), (["--data", "d", "--tls-cert", "c.pem"], "belong together"),
    (["--data", "d", "--tls-key", "k.pem"], "belong together"), (["--data", "d", "--workers", "0"], "1 or more"),
    (["--data", "d", "--max-upload-mb", "0"], "1 or more"), (["--data", "d", "--host", "192.0.2.1"], "--tls-cert"),
    (["--data", "d", "--host", "192.0.2.1", "--behind-proxy"], "--add-user"), (["--add-user", "Ada"], "--tokens FILE"),
    (["--data", "d", "--tls-cert", "c.pem", "--tls-key", "k.pem"], "c.pem"),
    (["--add-user", "../Ada", "--tokens", "t.json"], "user's name"), (["--data", "d", "--pacs", "p.toml"], "p.toml"),
])  # fmt: skip
def test_wrong_use_has_status_2_and_a_sentence(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["serve", *arguments]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_user_is_added_and_the_token_told_once(tmp_path, capsys):
    path = tmp_path / "users.json"
    assert cli.main(["serve", "--tokens", str(path), "--add-user", "Ada"]) == 0
    assert cli.main(["serve", "--tokens", str(path), "--add-user", "Ben", "--admin"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.startswith("Token of ") for line in lines] == [True, True]
    assert [(row["user"], row["admin"]) for row in json.loads(path.read_text())] == [("Ada", False), ("Ben", True)]
    assert not any(line.rpartition(" ")[2] in path.read_text() for line in lines)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("arguments", "said"), [([], "gopher"), (["--database", "telnet://host"], "telnet")])
def test_the_database_may_be_named_in_the_environment_where_others_cannot_read_its_password(
    tmp_path, monkeypatch, capsys, arguments, said
):
    monkeypatch.setenv("FIBROLENS_DATABASE", "gopher://user:secret@host/name")
    assert cli.main(["serve", "--data", str(tmp_path / "data"), "--port", "0", *arguments]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "secret" not in told
