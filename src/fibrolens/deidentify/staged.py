"""A CT that is staged without its patient: nothing that names the patient is written, not even for a moment.

The same key gives the names and UIDs that `deidentify_case` gives when it exports the scan later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.dataset import FileDataset

from fibrolens.deidentify.case import cleaner_of, rewrite_of
from fibrolens.deidentify.clean import Cleaner
from fibrolens.deidentify.dicom import clean_object, require_clean_pixels
from fibrolens.deidentify.key import Key
from fibrolens.deidentify.record import Renamed, new_content
from fibrolens.pipeline import StagingInput
from fibrolens.result import StagingResult


@dataclass(frozen=True)
class UnnamedInput(StagingInput):
    """A CT to stage whose folder and manifest tell nothing of where it came from.

    Args:
        key: of the replacements.
    """

    key: Key

    @classmethod
    def of(cls, scan: StagingInput, key: Key) -> UnnamedInput:
        """A CT that was read.

        Raises:
            InputError: words are burned into its pixels, which the pictures would show.
        """
        if scan.ct.get("format") == "dicom":
            require_clean_pixels(Path(scan.path), scan.ct.get("series_uid") or "", "staged without its patient")
        return cls(**vars(scan), key=key)

    @property
    def scan_id(self) -> str:
        """Name of the scan unless the user gives one: that of the exported scan."""
        if self.ct.get("format") != "dicom":
            return self.key.pseudonym("file", str(self.ct.get("sha256")))
        uid = self.ct.get("series_uid") or str(self.ct.get("sha256"))
        return hashlib.sha256(self.key.uid(uid).encode()).hexdigest()[:12]

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What stands for the input in the manifest; who lacks the key cannot find it by trying."""
        known = super().fingerprint
        return known | {"input": {"case": self.key.digest("case", json.dumps(known["input"], sort_keys=True))}}


@dataclass(frozen=True)
class Unnamed:
    """How the files of one staged CT are written without its patient.

    Args:
        key: of the replacements.
        source: where the CT lies.
        cleaner: of its DICOM objects.
    """

    key: Key
    source: Path
    cleaner: Cleaner

    @classmethod
    def of(cls, result: StagingResult, key: Key) -> Unnamed:
        """Raises InputError where the source cannot be read any more."""
        source = Path(result.path)
        return cls(key, source, cleaner_of(source, result.ct, result.to_dict(), key))

    def dicom(self, data: Dataset) -> FileDataset:
        """An object of ours without its patient, made of what would be written, so that it is the exported one."""
        written = BytesIO()
        data.save_as(written, enforce_file_format=True)
        written.seek(0)
        return clean_object(dcmread(written), self.cleaner)

    def content(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of ``result.json``; its SHA-256 of the CT is replaced, for it would lead back to the CT."""
        known = content["input"]
        new = Renamed(
            content["scan_id"],
            self.key.input_name(str(self.source)),
            self.key.digest("ct", str(known["sha256"])),
            self.key.uid(known["series_uid"] or "") or None,
        )
        return new_content(content, new, rewrite_of(content, self.source, self.key))


def without_patient(run: Mapping[str, Any], key: Key) -> dict[str, Any]:
    """Options and weights for the manifest, which say that the patient was taken out, and whose series UID is new."""
    uid = run["options"]["series_uid"]
    changed = {"series_uid": None if uid is None else key.uid(uid), "deidentify": True}
    return {**run, "options": run["options"] | changed}
