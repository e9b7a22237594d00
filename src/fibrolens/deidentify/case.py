"""The export of one staged case: everything that another group needs of it, and nothing that names its patient."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fibrolens import __version__
from fibrolens.deidentify.clean import Cleaner, rewriter
from fibrolens.deidentify.dicom import patient_of, write_object, write_slices
from fibrolens.deidentify.key import Key
from fibrolens.deidentify.profile import table
from fibrolens.deidentify.record import Renamed, new_content, text_changes
from fibrolens.errors import InputError
from fibrolens.io import read_volume, write_nifti
from fibrolens.io.dicom.objects.maker import LONG_TEXT, plain
from fibrolens.io.reading import read_values
from fibrolens.output import file_sha256, is_done, output_folder, read_manifest, write_json
from fibrolens.report.patient_files import DICOM, LABELS, MAP, MAPS, RECOMMENDED_MAP, RESULT, WRITTEN
from fibrolens.volume import Volume

COMMAND = "export case"
#: The CT in the export: a folder of slices, or one file.
SLICES, ONE_FILE = "ct", "ct.nii.gz"


@dataclass(frozen=True)
class Exported:
    """What an export did: its folder, the new scan id, and whether the same export stood there already."""

    folder: Path
    scan_id: str
    unchanged: bool = False


def deidentify_case(
    source: Path, results: Path, out: Path, key: Key | None = None, overwrite: bool = False
) -> Exported:
    """Write a staged case without its patient: CT, DICOM objects, NIfTI files, ``result.json`` and reports.

    DICOM follows the Basic Application Level Confidentiality Profile (PS3.15 E.1): dates and times are removed, UIDs
    replaced alike in all files, so that references between them hold. Research use only.

    Args:
        source: the CT that was staged, as it was given to `fibrolens stage`.
        results: the scan's folder that `fibrolens stage` wrote.
        out: folder to make.
        key: of the replacements; a new one that nobody keeps where None.
        overwrite: replace another export.

    Raises:
        InputError: the results are not complete or changed, the CT is another one, or words are burned into it.
        UsageError: `out` holds something else, or the tables of the profile are not installed.
        OutputError: the folder cannot be written.
    """
    table()
    content, files = _verified(results)
    ct = _the_ct(source, content)
    # A key by chance makes another export each time, which is never one that stands already.
    key = key or Key.fresh()
    run = {"command": COMMAND, "version": __version__, "case": key.digest("case", str(content["input"]["sha256"]),
           *(f"{name} {digest}" for name, digest in sorted(files.items())))}  # fmt: skip
    cleaner = cleaner_of(source, ct, content, key)
    case = _Case(content, results, ct, cleaner)
    if is_done(out, run, overwrite, (*WRITTEN, SLICES, ONE_FILE)):
        return Exported(out, str(_told(out)["scan_id"]), unchanged=True)
    with output_folder(out, run) as folder:
        new = case.write_ct(source, folder)
        told = new_content(content, new, cleaner.rewrite)
        case.write_objects(folder)
        case.write_volumes(told, folder)
        write_json(told, folder / RESULT)
    return Exported(out, new.scan_id)


@dataclass(frozen=True, eq=False)
class _Case:
    """A staged case and how it is cleaned."""

    content: Mapping[str, Any]
    results: Path
    ct: Volume
    cleaner: Cleaner

    def write_ct(self, source: Path, folder: Path) -> Renamed:
        """The CT itself; returns its new names."""
        if self.ct.get("format") != "dicom":
            write_nifti(self.ct, folder / ONE_FILE, "CT, Hounsfield units")
            return Renamed(self.cleaner.pseudonym, ONE_FILE, file_sha256(folder / ONE_FILE), None)
        (folder / SLICES).mkdir()
        written = write_slices(source, self.ct.get("series_uid") or "", folder / SLICES, self.cleaner)
        name = str(read_volume(folder / SLICES).get("scan_id"))
        return Renamed(name, SLICES, written.sha256, written.series_uid)

    def write_objects(self, folder: Path) -> None:
        """The DICOM objects of the result that fibrolens wrote."""
        for entry in (self.content.get("dicom") or {}).values():
            (folder / DICOM).mkdir(exist_ok=True)
            write_object(self.results / entry["file"], folder / entry["file"], self.cleaner)

    def write_volumes(self, told: Mapping[str, Any], folder: Path) -> None:
        """Organs and maps as NIfTI, and the reports with their pictures, drawn again without the old names."""
        forced = "FORCED; " if told["quality"]["forced"] else ""
        labels, asked = self._volume(LABELS), self._volume(MAP)
        write_nifti(labels, folder / LABELS, f"{forced}1 liver, 2 spleen")
        maps = [asked]
        write_nifti(asked, folder / MAP, forced + _map_words(told["attention"]))
        if (self.results / RECOMMENDED_MAP).exists():
            maps.append(self._volume(RECOMMENDED_MAP))
            write_nifti(maps[-1], folder / RECOMMENDED_MAP, forced + _map_words(told["attention_recommended"]))
        for path in sorted((self.results / MAPS).glob("F?.nii.gz")):
            (folder / MAPS).mkdir(exist_ok=True)
            look = {**told["attention"], "target": path.name[:2]}
            write_nifti(self._volume(f"{MAPS}/{path.name}"), folder / MAPS / path.name, forced + _map_words(look))
        # What draws takes half a second to load, which `stage --deidentify` without a report need not pay.
        from fibrolens.report.patient_pages import write_pages  # noqa: PLC0415
        from fibrolens.report.pictures import Pictures  # noqa: PLC0415

        write_pages(told, Pictures.of(told, (self.ct, labels), maps, {"dicom"}).draw(), folder)

    def _volume(self, name: str) -> Volume:
        values, geometry = read_values(self.results / name)
        return Volume(values, geometry)


def _verified(results: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The content of a result, and the hashes of its files, after they were found as they were written."""
    manifest = read_manifest(results)
    if manifest is None or manifest.get("run", {}).get("command") != "stage":
        raise InputError(f"{results} is no complete folder of fibrolens stage; give the folder of one scan.")
    files: dict[str, str] = manifest["files"]
    for name, digest in files.items():
        path = results / name
        if not path.is_file() or file_sha256(path) != digest:
            raise InputError(f"{path} is missing or has changed since it was written; stage the scan again.")
    return _told(results), files


def _told(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / RESULT).read_text(encoding="utf-8")))


def _the_ct(source: Path, content: Mapping[str, Any]) -> Volume:
    """The CT, after it was found to be the one that was staged."""
    ct = read_volume(source, content["input"]["series_uid"])
    if ct.get("sha256") != content["input"]["sha256"]:
        raise InputError(f"{ct.source} is not the CT that this result was made from; give the one that was staged.")
    return ct


def cleaner_of(source: Path, ct: Volume, content: Mapping[str, Any], key: Key) -> Cleaner:
    """How a case is cleaned.

    Args:
        source: where the CT lies.
        ct: as it was read.
        content: of its ``result.json``.
        key: of the replacements.

    Raises:
        InputError: the source cannot be read any more.
    """
    dicom = ct.get("format") == "dicom"
    who = patient_of(source, ct.get("series_uid") or "") if dicom else ("file", str(ct.get("sha256")))
    return Cleaner(key, key.pseudonym(*who), rewrite=rewrite_of(content, source, key))


def rewrite_of(content: Mapping[str, Any], source: Path, key: Key) -> Callable[[str], str]:
    """A function from a text of a result to what stands there instead; our DICOM texts are the same in ASCII."""
    whole, hashes = text_changes(content, source, key)
    in_dicom = {plain(old, LONG_TEXT): plain(new, LONG_TEXT) for old, new in whole.items()}
    return rewriter(whole | in_dicom, hashes, key)


def _map_words(look: Mapping[str, Any]) -> str:
    return f"location map {look['target']} {look['method']} {look['layer']} {look['scale']}"
