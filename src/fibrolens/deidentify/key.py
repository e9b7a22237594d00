"""The secret by which names are replaced: whoever lacks it can neither undo a replacement nor guess it by trying."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fibrolens.errors import OutputError, UsageError

KEY_BYTES = 32
SHORTEST_KEY = 16
#: UIDs of DICOM itself and of public coding schemes (PS3.6 A, PS3.16 8): they name nobody.
PUBLIC_UIDS = ("1.2.840.10008.", "2.16.840.1.113883.6.", "2.16.840.1.113883.3.26.")
#: UIDs inside a sentence: at least six numbers, or a long one, so that a version or a measure is none.
UID_IN_TEXT = re.compile(r"(?<![\w.])(?:2\.25\.\d{12,}|[0-2](?:\.(?:0|[1-9]\d*)){5,})(?![\w.]*\w)")


@dataclass(frozen=True)
class Key:
    """Replaces UIDs and names by keyed hashes (HMAC-SHA256); the same key gives the same replacements.

    Args:
        secret: the key's bytes.
    """

    secret: bytes = field(repr=False)

    @classmethod
    def fresh(cls) -> Key:
        """A key by chance that nobody keeps: its replacements can never be repeated."""
        return cls(secrets.token_bytes(KEY_BYTES))

    @classmethod
    def of_file(cls, path: Path) -> Key:
        """The key in a file; where there is none, a new one is written that its owner alone may read.

        Raises:
            UsageError: the file is too short for a secret, or cannot be read.
            OutputError: the new file cannot be written.
        """
        if not path.exists():
            _write_key(path)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UsageError(f"The key {path} cannot be read ({error.strerror}); give a file.") from None
        if len(content.strip()) < SHORTEST_KEY:
            raise UsageError(f"The key {path} has fewer than {SHORTEST_KEY} bytes; name a new file to have one made.")
        return cls(content.strip())

    def digest(self, *what: str) -> str:
        """64 hexadecimal digits that stand for `what`."""
        return hmac.new(self.secret, "\0".join(what).encode(), hashlib.sha256).hexdigest()

    def uid(self, old: str) -> str:
        """The UID (PS3.5 B.2, below "2.25.") that stands for another; a public one stands for itself."""
        if not old or old.startswith(PUBLIC_UIDS):
            return old
        return f"2.25.{int(self.digest('uid', old)[:32], 16)}"

    def uids_in(self, text: str) -> str:
        """Text with every UID in it replaced."""
        return UID_IN_TEXT.sub(lambda found: self.uid(found.group()), text)

    def pseudonym(self, *who: str) -> str:
        """A short name for a patient or a scan."""
        return f"case-{self.digest('name', *who)[:12]}"

    def input_name(self, path: str) -> str:
        """What an input is called instead of its path, which may name the patient."""
        return f"input-{self.digest('input', path)[:12]}"


def _write_key(path: Path) -> None:
    """Make a key whole; where another run, such as another shard, was first, its key stays."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secrets.token_hex(KEY_BYTES).encode() + b"\n")
        _appear(aside, path)
    except OSError as error:
        raise OutputError(f"The key {path} could not be written ({error.strerror}); choose another place.") from None
    finally:
        with suppress(OSError):
            aside.unlink()


def _appear(aside: Path, path: Path) -> None:
    """Give a file its name, unless another has it."""
    try:
        os.link(aside, path)
    except FileExistsError:
        return
    except OSError:  # a file system without links
        aside.rename(path)
