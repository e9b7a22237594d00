"""References of a derived object to a multi-frame source (PS3.3 10.3, Table 10-3: class, instance, frame numbers).

highdicom builds on one single-frame header per slice. Where the slices are frames of a file, each header's UID stands
for a frame, and this puts the true references in its place.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydicom import Dataset
from pydicom.sequence import Sequence

from fibrolens.io.dicom.objects.source import FrameReference


def name_frames(data: Dataset, frames: Mapping[str, FrameReference]) -> None:
    """Write references to frames as references to their files, in place; those of a whole object once per file."""
    if not frames:
        return
    data.SourceImageSequence = _files(data.SourceImageSequence, frames)
    for series in data.ReferencedSeriesSequence:
        series.ReferencedInstanceSequence = _files(series.ReferencedInstanceSequence, frames)
    for own in data.PerFrameFunctionalGroupsSequence:
        for derivation in own.DerivationImageSequence:
            for item in derivation.SourceImageSequence:
                # Frames of two organs on one slice share the item, which is named once.
                if (frame := frames.get(item.ReferencedSOPInstanceUID)) is not None:
                    _name_file(item, frame)
                    item.ReferencedFrameNumber = frame.number


def _files(items: Sequence, frames: Mapping[str, FrameReference]) -> Sequence:
    named: dict[str, Dataset] = {}
    for item in items:
        frame = frames[item.ReferencedSOPInstanceUID]
        named.setdefault(frame.sop_instance, Dataset())
        _name_file(named[frame.sop_instance], frame)
    return Sequence(named.values())


def _name_file(item: Dataset, frame: FrameReference) -> None:
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = frame.sop_class, frame.sop_instance
