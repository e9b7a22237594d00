"""Replacements are the same for the same key, and lead nowhere without it."""

import errno
import os
import stat

import pytest

from fibrolens.deidentify.key import Key
from fibrolens.errors import OutputError, UsageError

KEY = Key(b"a key for tests, known to all")


def test_a_uid_is_valid_stable_and_of_its_key():
    new = KEY.uid("1.2.840.113619.2.55.3.1")
    assert new == KEY.uid("1.2.840.113619.2.55.3.1") != KEY.uid("1.2.840.113619.2.55.3.2")
    assert new != Key.fresh().uid("1.2.840.113619.2.55.3.1")
    assert new.startswith("2.25.")
    assert len(new) <= 64
    assert new[5:].isdigit()
    assert not new.startswith("2.25.0")


def test_public_and_empty_uids_stand_for_themselves():
    for uid in ("", "1.2.840.10008.5.1.4.1.1.2", "2.16.840.1.113883.6.96"):
        assert KEY.uid(uid) == uid


def test_uids_in_a_sentence_are_found_and_numbers_are_not():
    text = "Series 1.2.840.113619.2.55.3.1: 0.68 x 0.68 mm, version 1.2.3, see (1.2.3.4.5.6.7)."
    new = KEY.uids_in(text)
    assert "1.2.840.113619" not in new
    assert "1.2.3.4.5.6.7)" not in new
    assert "0.68 x 0.68 mm, version 1.2.3, see" in new
    assert new.endswith(f"({KEY.uid('1.2.3.4.5.6.7')}).")


def test_a_file_keeps_a_key_that_only_its_owner_reads(tmp_path):
    path = tmp_path / "key"
    made = Key.of_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Key.of_file(path) == made
    assert Key.of_file(tmp_path / "other") != made
    assert made.secret.decode() not in repr(made)


def test_a_key_that_is_no_secret_is_refused(tmp_path):
    (tmp_path / "short").write_text("abc\n")
    with pytest.raises(UsageError, match="fewer than 16 bytes"):
        Key.of_file(tmp_path / "short")
    with pytest.raises(UsageError, match="cannot be read"):
        Key.of_file(tmp_path)
    with pytest.raises(OutputError, match="could not be written"):
        Key.of_file(tmp_path / "nowhere" / "key")


def test_an_input_is_not_called_by_its_path():
    one, other = Key(b"0123456789abcdef"), Key(b"fedcba9876543210")
    assert one.input_name("Wernicke.zip") == one.input_name("Wernicke.zip") != other.input_name("Wernicke.zip")
    assert "Wernicke" not in one.input_name("Wernicke.zip")


def test_a_pseudonym_depends_on_who_it_is():
    assert KEY.pseudonym("A", "1") == KEY.pseudonym("A", "1") != KEY.pseudonym("A", "2")
    assert KEY.pseudonym("A1", "") != KEY.pseudonym("A", "1")


def test_of_two_runs_that_begin_at_once_one_makes_the_key_for_both(tmp_path, monkeypatch):
    path = tmp_path / "key"
    link = os.link

    def late(aside, name):
        path.write_bytes(b"the key of the other run\n")
        link(aside, name)

    monkeypatch.setattr(os, "link", late)
    assert Key.of_file(path) == Key(b"the key of the other run")
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_without_links_keeps_a_key_too(tmp_path, monkeypatch):
    def none(aside, name):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", none)
    assert Key.of_file(tmp_path / "key") == Key.of_file(tmp_path / "key")
    assert list(tmp_path.iterdir()) == [tmp_path / "key"]
