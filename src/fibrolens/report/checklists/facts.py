"""What the checklists and the model card know of a study: its files, and a few counts of them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fibrolens.cohort.columns import CONTROL, OF_HISTOLOGY
from fibrolens.cohort.table import Record, scan_table
from fibrolens.output import file_sha256
from fibrolens.report.captions import CAPTIONS
from fibrolens.report.methods import methods
from fibrolens.report.study import StudyFiles
from fibrolens.report.tables import headline
from fibrolens.report.warnings import study_warnings


@dataclass(frozen=True, eq=False)
class Facts:
    """A study's folder as it was evaluated.

    Args:
        files: what the report is made of.
        records: rows of the cohort's table that are in the study.
        predictions: rows of ``predictions.csv``.
        weights: SHA-256 of each fold's weights.
        made: rows of ``acquisition.csv``; none in the folder of an older version.
    """

    files: StudyFiles
    records: tuple[Record, ...]
    predictions: tuple[Mapping[str, str], ...]
    weights: tuple[str, ...]
    made: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def read(cls, out: Path) -> Facts:
        """Read the folder `out`.

        Raises:
            UsageError: it has not been evaluated.
        """
        files = StudyFiles.read(out)
        predictions, made = (_rows(out / name) for name in ("predictions.csv", "acquisition.csv"))
        included = {row["scan_id"] for row in predictions}
        records = tuple(r for r in scan_table(out / "cohort.csv").records if r["scan_id"] in included)
        weights = tuple(file_sha256(path) for path in sorted((out / "folds").glob("*/weights.safetensors")))
        return cls(files, records, predictions, weights, made)

    @property
    def evaluation(self) -> Mapping[str, Any]:
        """Content of ``evaluation.json``."""
        return self.files.evaluation

    @property
    def training(self) -> Mapping[str, Any]:
        """What ``evaluation.json`` says of the training."""
        return dict(self.evaluation["training"])

    @cached_property
    def paragraphs(self) -> Mapping[str, str]:
        """The report's methods by heading."""
        files = self.files
        return dict(methods(files.plan, files.study, files.evaluation, files.flow, files.criteria))

    @cached_property
    def warnings(self) -> Sequence[str]:
        """What stands at the top of the report, but for what names scans: checklists and cards are handed on."""
        return study_warnings(self.evaluation, None, None)

    @property
    def size(self) -> str:
        """How many scans of how many patients."""
        return f"{self.evaluation['cases']} scans of {self.evaluation['patients']} patients"

    @property
    def areas(self) -> str:
        """Every threshold's AUC with interval and counts."""
        return "; ".join(
            f"{title}: AUC {auc} ({counts} with / without)" for title, auc, counts in headline(self.evaluation)
        )

    def has(self, subject: str) -> bool:
        """Whether the evaluation has this subject."""
        return self.evaluation.get(subject) is not None

    def known(self, column: str) -> Counter[str]:
        """How often each value stands in a column of the cohort's table; empty cells are not counted."""
        return Counter(value for record in self.records if (value := record[column]))

    def told(self, column: str) -> str:
        """The values of a column with their counts, and of how many scans it is not given; empty without any.

        Of controls what only histology has is not asked.
        """
        asked = [r for r in self.records if not (column in OF_HISTOLOGY and r["reference"] == CONTROL)]
        found = Counter(value for record in asked if (value := record[column]))
        if not found:
            return ""
        text = ", ".join(f"{value} {count}" for value, count in sorted(found.items(), key=lambda f: (-f[1], f[0])))
        missing = len(asked) - found.total()
        return f"{text}, not given {missing}" if missing else text

    def figure(self, name: str) -> str:
        """``, Fig. 3`` where that figure was drawn; else nothing."""
        return next((f", {c.number}" for c in CAPTIONS if c.name == name and name in self.files.figures), "")


def _rows(path: Path) -> tuple[Mapping[str, str], ...]:
    """The rows of a table; none where there is no such file."""
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))
