"""Which instances belong together, and which of them are CT."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fibrolens.errors import InputError, SeriesError
from fibrolens.io.dicom.files import Instance
from fibrolens.io.dicom.frames import numbers, text
from fibrolens.io.dicom.telling import description_of

#: CT Image, Enhanced CT Image, Legacy Converted Enhanced CT Image. An empty class is met in anonymised files.
CT_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2.2",
    "",
)


@dataclass(frozen=True, eq=False)
class Series:
    """The CT instances of one series; `uid` is empty where an anonymiser took it away."""

    uid: str
    instances: tuple[Instance, ...]

    @property
    def images(self) -> int:
        """Number of images, frames of multi-frame files counted one by one."""
        return sum(int((numbers(i.header, "NumberOfFrames", 1) or (1,))[0]) for i in self.instances)

    def __str__(self) -> str:
        first = self.instances[0].header
        words = [
            "Series",
            text(first, "SeriesNumber"),
            f'"{description}"' if (description := description_of(first)) else "",
            f"({self.uid if len(self.uid) <= 12 else '...' + self.uid[-9:]})" if self.uid else "",
        ]
        return " ".join(word for word in words if word)


def ct_series(found: Sequence[Instance], source: str) -> list[Series]:
    """The CT series among the instances, in the order of their UIDs.

    Raises:
        InputError: there is no CT.
    """
    groups: dict[str, list[Instance]] = {}
    for instance in found:
        if _is_ct(instance):
            groups.setdefault(text(instance.header, "SeriesInstanceUID"), []).append(instance)
    if not groups:
        raise InputError(f"No CT found in {source}: {_what_else(found)}; give a CT series.")
    return [Series(uid, tuple(members)) for uid, members in sorted(groups.items())]


def named_series(found: Sequence[Instance], source: str, uid: str) -> Series:
    """The CT series of this UID.

    Raises:
        InputError: there is no CT.
        SeriesError: it is not among the instances.
    """
    chosen = next((one for one in ct_series(found, source) if one.uid == uid), None)
    if chosen is None:
        known = ", ".join(sorted({text(i.header, "SeriesInstanceUID") for i in found}))
        raise SeriesError(f"{source} holds no CT series {uid}; its series are: {known or 'none'}.")
    return chosen


def _is_ct(instance: Instance) -> bool:
    modality, kind = text(instance.header, "Modality"), text(instance.header, "SOPClassUID")
    return kind in CT_CLASSES and (modality == "CT" or (kind != "" and modality == ""))


def _what_else(found: Sequence[Instance]) -> str:
    if not found:
        return "it has no DICOM images"
    kinds = Counter(_kind(i) for i in found)
    return "it holds " + ", ".join(f"{kind} ({count} files)" for kind, count in sorted(kinds.items())) + ", not CT"


def _kind(instance: Instance) -> str:
    modality = text(instance.header, "Modality") or "no modality"
    return "secondary captures" if modality == "CT" else modality
