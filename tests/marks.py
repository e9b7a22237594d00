"""Find the words of `tests.planted` in whatever a verb or a route gives: texts, PDF, archives, compressed volumes."""

import base64
import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pypdf
from tests.planted import DAY, NAME, UIDS, WORD, word

#: The day in the ways that it can be written, and the family name alone.
OTHERS = (DAY, "1947-05-13", "13.05.1947", "13 May 1947", "13/05/1947", NAME.partition("^")[0])
#: A picture or a font inside a page. Its letters may look like a word by chance; what they stand for is searched.
EMBEDDED = re.compile(rb";base64,([A-Za-z0-9+/]+=*)")
#: What a person chooses a series by, and must see for it: its description.
DESCRIPTION = word(0x0008103E)
#: What `--identified` shows: name, ID, accession number, birth date and study date, sex.
IDENTITY = {
    word(0x00100040),
    NAME.partition("^")[0],
    NAME.partition("^")[2],
    word(0x00100020),
    word(0x00080050),
    "1947-05-13",
}


def marks(content: str | bytes) -> set[str]:
    """The planted words, days and UIDs in a text or in bytes."""
    content = content.encode() if isinstance(content, str) else content
    found = {one.decode() for one in (*WORD.findall(content), *UIDS.findall(content))}
    return found | {one for one in OTHERS if one.encode() in content}


def marks_of(path: Path) -> set[str]:
    """Those in a file, its name included."""
    return marks(path.name) | marks(readable(path.name, path.read_bytes()))


def readable(name: str, content: bytes) -> bytes:
    """All that can be read in a file, one part per line."""
    return b"\n".join(contents(name, content))


def contents(name: str, content: bytes) -> Iterator[bytes]:
    """What can be read in a file: its bytes, what is packed or embedded in it, the text of its pages."""
    yield EMBEDDED.sub(b"", content)
    for inside in EMBEDDED.findall(content):
        yield from contents(name, base64.b64decode(inside))
    if content.startswith(b"\x1f\x8b"):
        yield gzip.decompress(content)
    elif content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for inside in archive.namelist():
                yield inside.encode()
                yield from contents(inside, archive.read(inside))
    elif content.startswith(b"%PDF"):
        reader = pypdf.PdfReader(io.BytesIO(content))
        yield "".join(page.extract_text() for page in reader.pages).encode()
        yield str(reader.metadata).encode()
