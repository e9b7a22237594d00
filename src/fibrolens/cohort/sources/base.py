"""What every source has: what it is, what a person gives to read it, and the cases that it yields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fibrolens.cohort.sources.tabular import Role, TableFile
from fibrolens.errors import InputError

#: Every stage is allowed: the source says nothing, and the row serves for its masks alone.
ANY_STAGE = (0, 1, 2, 3, 4)
#: Reasons of exclusion that several sources give, worded alike so that a flowchart counts them together.
NO_IMAGE = "no image found"
NO_STAGE = "no fibrosis stage in this source"
NO_STAGE_NO_MASK = "no fibrosis stage and no organ mask in this source"


@dataclass(frozen=True)
class About:
    """What a person must know of a source before using it.

    Args:
        name: as `cohort import` takes it.
        title: the data set's own name.
        licence: of the data, as its publisher states it.
        citation: what to cite, with the DOI where there is one.
        gives: stages (or none), modality, masks, in a few words.
        needs: which files.
        how: how to download them, line by line.
        assumes: what the mapping assumes, a sentence each.
        checked: whether the mapping was checked against the original files.
        mapping_version: raised when the same files would give another cohort.
        also_in: other sets that hold some of the same cases, a sentence each.
        kin: sources that hold the same cases, by name.
    """

    name: str
    title: str
    licence: str
    citation: str
    gives: str
    needs: str
    how: tuple[str, ...]
    assumes: tuple[str, ...]
    checked: bool = False
    mapping_version: int = 1
    also_in: tuple[str, ...] = ()
    kin: tuple[str, ...] = ()

    @property
    def check_note(self) -> str:
        """Whether the mapping was checked, as a sentence part."""
        return "checked against the original tables" if self.checked else "not checked against the original files"


@dataclass(frozen=True)
class Given:
    """What a person gives: a folder with the download, tables by name, or both."""

    folder: Path | None = None
    tables: tuple[Path, ...] = ()

    def require_folder(self, source: str) -> Path:
        """The folder of the download.

        Raises:
            InputError: none is given, or it is no folder, or it is empty.
        """
        if self.folder is None:
            raise InputError(f"{source} is read from its folder; give the download with --from DIR.")
        if not self.folder.is_dir():
            raise InputError(f"{self.folder} is no folder; give the download of {source} with --from.")
        if not any(self.folder.iterdir()):
            raise InputError(f"{self.folder} is empty; give the download of {source} with --from.")
        return self.folder


@dataclass(frozen=True)
class Labels:
    """A label file with the numbers of a known set, to be split into one mask per organ.

    Args:
        path: the file.
        label_map: a key of `fibrolens.labelmaps.LABEL_MAPS`.
    """

    path: Path
    label_map: str


@dataclass(frozen=True)
class Case:
    """One scan of a source.

    Args:
        patient_id: whose; the same in two sources that hold the same patient.
        scan_id: unique in the source.
        stages: that the source allows; empty where it says nothing.
        source_value: what the source says, in its own words.
        image: the scan; None where there is no file.
        exclude: why it is not to be used; empty where it is.
        labels: organs in one file with numbers.
        masks: ready masks by ``liver`` and ``spleen``.
        values: further columns.
        case_key: name of the case that is the same in every source that holds it.
    """

    patient_id: str
    scan_id: str
    stages: tuple[int, ...] = ()
    source_value: str = ""
    image: Path | None = None
    exclude: str = ""
    labels: Labels | None = None
    masks: Mapping[str, Path] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    case_key: str = ""


@dataclass(frozen=True)
class SideTable:
    """A table beside the cohort: ``cohort.NAME.csv``."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]


@dataclass(frozen=True)
class Reading:
    """What a source's files say.

    Args:
        cases: in a fixed order.
        notes: what was changed or left out on the way, a sentence each.
        tables: the tables that were read.
        side: further tables to write, such as the choice of series.
    """

    cases: tuple[Case, ...]
    notes: tuple[str, ...] = ()
    tables: tuple[TableFile, ...] = ()
    side: tuple[SideTable, ...] = ()


@dataclass(frozen=True)
class Source:
    """A public data set and how it is read.

    Args:
        about: what it is.
        read: from what is given to cases; raises InputError where the files are not those of the source.
        roles: the tables that it can read.
    """

    about: About
    read: Callable[[Given], Reading]
    roles: tuple[Role, ...] = ()
