"""Tokens, sessions and patience."""

import json

import pytest

from fibrolens.errors import OutputError, UsageError
from fibrolens.serve import auth
from fibrolens.serve.auth import Access, Failures, Sessions, Tokens, User, add_user


def test_the_printed_token_opens_and_is_new_each_time():
    tokens, token = Tokens.printed()
    assert tokens.user(token) == User("local", admin=True)
    assert tokens.user(token + "x") is None
    assert tokens.user("") is None
    assert Tokens.printed()[1] != token
    assert len(token) >= 32


def test_a_file_of_tokens_holds_no_token(tmp_path):
    path = tmp_path / "tokens.json"
    ada, root = add_user(path, "Ada", admin=False), add_user(path, "root", admin=True)
    tokens = Tokens.read(path)
    assert (tokens.user(ada), tokens.user(root)) == (User("Ada"), User("root", admin=True))
    assert ada not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_a_second_token_of_a_user_opens_too(tmp_path):
    path = tmp_path / "tokens.json"
    tokens = [add_user(path, "Ada", admin=False) for _ in range(2)]
    assert {Tokens.read(path).user(token) for token in tokens} == {User("Ada")}


@pytest.mark.parametrize("name", ["", " Ada", "a/b", "../x", "A" * 41, "a\nb", "<b>"])
def test_a_name_that_cannot_be_used_is_wrong_use(tmp_path, name):
    with pytest.raises(UsageError, match="user's name"):
        add_user(tmp_path / "tokens.json", name, admin=False)


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '[{"user": "a"}]', json.dumps([{"user": "a", "admin": 1, "sha256": "0" * 64}]), "[]"]
)
def test_a_file_that_is_none_is_wrong_use(tmp_path, content):
    path = tmp_path / "tokens.json"
    path.write_text(content)
    with pytest.raises(UsageError, match="--add-user"):
        Tokens.read(path)


def test_no_file_is_wrong_use_and_no_folder_an_output_error(tmp_path):
    with pytest.raises(UsageError, match="--add-user"):
        Tokens.read(tmp_path / "none")
    with pytest.raises(OutputError, match="could not be written"):
        add_user(tmp_path / "none" / "tokens.json", "Ada", admin=False)


def test_a_session_belongs_to_its_user_until_it_is_closed_or_old(monkeypatch):
    sessions = Sessions()
    secret = sessions.open(User("Ada"))
    caller = sessions.caller(secret)
    assert (caller.user, caller.cookie) == (User("Ada"), True)
    assert sessions.caller("guess") is None
    sessions.close(caller.session)
    assert sessions.caller(secret) is None
    old = sessions.open(User("Ada"))
    now = auth.time.monotonic()
    monkeypatch.setattr(auth.time, "monotonic", lambda: now + auth.SESSION_S + 1)
    assert sessions.caller(old) is None


def test_the_oldest_of_too_many_sessions_goes(monkeypatch):
    monkeypatch.setattr(auth, "MOST_SESSIONS", 2)
    sessions = Sessions()
    first, *others = [sessions.open(User("Ada")) for _ in range(3)]
    assert sessions.caller(first) is None
    assert all(sessions.caller(secret) for secret in others)


def test_wrong_tokens_cost_an_address_patience_and_no_other(monkeypatch):
    tokens, token = Tokens.printed()
    access = Access(tokens)
    for _ in range(auth.MOST_FAILURES):
        assert not access.failures.too_many("10.0.0.1")
        assert access.enter("guess", "10.0.0.1") is None
    assert access.failures.too_many("10.0.0.1")
    assert not access.failures.too_many("10.0.0.2")
    assert access.enter(token, "10.0.0.2") is not None
    now = auth.time.monotonic()
    monkeypatch.setattr(auth.time, "monotonic", lambda: now + auth.WINDOW_S + 1)
    assert not access.failures.too_many("10.0.0.1")


def test_many_addresses_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(auth, "MOST_ADDRESSES", 3)
    failures = Failures()
    for n in range(10):
        failures.add(str(n))
    assert len(failures._times) == 3
