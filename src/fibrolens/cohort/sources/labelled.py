"""Segmentation sets: images with label files, and no word about fibrosis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fibrolens.cohort.columns import CT
from fibrolens.cohort.sources.base import ANY_STAGE, NO_STAGE_NO_MASK, About, Case, Given, Labels, Reading, Source
from fibrolens.cohort.sources.files import Layout, Pair, pairs
from fibrolens.cohort.sources.tabular import find_tables

#: What every such source assumes.
SERVES = (
    "The set says nothing about fibrosis: a row with a liver mask allows every stage (F0|F1|F2|F3|F4) and "
    "serves to train "
    "the segmentation; a row without one is excluded.",
    "Masks are split out of the label files, beside the cohort: tumours, cysts and vessels that the set "
    "labels inside the "
    "liver count as liver.",
)


@dataclass(frozen=True)
class LabelledSet:
    """A segmentation set.

    Args:
        about: what it is.
        layout: how it names its files.
        label_map: whose numbers the label files have.
        prefix: of scan ids.
        phase: contrast phase of all its scans; empty where it varies or is not stated.
        patient: patient and case of a case number, where another set numbers them; else they are the scan's.
        exclude: why a case is not to be used, from its number; empty where it is.
    """

    about: About
    layout: Layout
    label_map: str
    prefix: str
    phase: str = ""
    patient: Callable[[str], str] | None = None
    exclude: Callable[[str], str] | None = None

    def source(self) -> Source:
        """The source that reads it."""
        return Source(self.about, self.read)

    def read(self, given: Given) -> Reading:
        """One case per image.

        Raises:
            InputError: the folder is not that of the set, or a table is given, for it has none.
        """
        find_tables(given.tables, None, ())
        found = pairs(given.require_folder(self.about.title), self.layout, self.about.title)
        return Reading(tuple(self._case(case, pair) for case, pair in found.items()))

    def _case(self, case: str, pair: Pair) -> Case:
        scan = f"{self.prefix}_{case}"
        patient = scan if self.patient is None else self.patient(case)
        exclude = "" if self.exclude is None else self.exclude(case)
        labels = None if pair.label is None else Labels(pair.label, self.label_map)
        return Case(
            patient,
            scan,
            () if labels is None else ANY_STAGE,
            image=pair.image,
            exclude=exclude or ("" if labels else NO_STAGE_NO_MASK),
            labels=labels,
            values={"modality": CT, "phase": self.phase},
            case_key=patient,
        )
