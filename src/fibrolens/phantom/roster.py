"""Who is in a simulated cohort: each scan a patient, a few patients scanned again with their next liver, and twins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from fibrolens.phantom.clinic import LAST_DAY, Record
from fibrolens.phantom.habitus import Body
from fibrolens.phantom.mr import UPTAKE_SIGN
from fibrolens.phantom.patient import Patient, sample_patient
from fibrolens.phantom.setting import Setting
from fibrolens.phantom.severity import SIGNS, STAGE_COUNT
from fibrolens.plan import STAGES

#: Two of the paper's 252 scans are of patients that were transplanted again, so that they stand there twice.
REPEATED, OF_SCANS = 2, 252
#: Seeds from here on draw the patients on whom the shipped weights were trained and measured.
RESERVED_SEEDS = 1_000_000
#: Days from the first liver's scan to that of the next.
LEAST_DAYS, MOST_DAYS = 365, 8 * 365
#: Third entry of the seed of what is drawn for the whole cohort, and for a second scan.
WHO_IS_REPEATED, SECOND_SCAN = 1, 2


@dataclass(frozen=True)
class Twin:
    """The same patients with one sign at another stage's value.

    Args:
        sign: a name of `SIGNS`, or the uptake of MR.
        stage: 0 to 4.

    Raises:
        ValueError: another sign or stage.
    """

    sign: str
    stage: int

    def __post_init__(self) -> None:
        if self.sign not in (*SIGNS, UPTAKE_SIGN):
            known = ", ".join((*SIGNS, UPTAKE_SIGN))
            raise ValueError(f"the sign of a twin must be one of {known}; it is {self.sign!r}")
        if self.stage not in range(STAGE_COUNT):
            raise ValueError(f"the stage of a twin must be 0 to 4; it is {self.stage!r}")

    @property
    def name(self) -> str:
        """Distinguishes the twin's files, for example ``twin-spleen-F0``."""
        return f"twin-{self.sign}-{STAGES[self.stage]}"


@dataclass(frozen=True)
class Roster:
    """The scans of a cohort, counted from 0.

    A scan depends on its number, its stage, `seed` and `setting`; with an arm whose signs follow a hidden stage also on
    the mix of stages; a second scan also on its patient's first.

    Args:
        stages: METAVIR stage, 0 to 4, of each scan.
        seed: of all that is drawn.
        setting: what is the same for all.

    Raises:
        ValueError: no scan, a stage that is not 0 to 4, or a seed that is negative or reserved.
    """

    stages: tuple[int, ...]
    seed: int
    setting: Setting

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("stages must name at least one patient; it is empty")
        unknown = sorted(set(self.stages) - set(range(STAGE_COUNT)))
        if unknown:
            raise ValueError(f"stage must be 0 to 4; it is {unknown[0]!r}")
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more; it is {self.seed!r}")
        if self.seed >= RESERVED_SEEDS:
            raise ValueError(f"seeds from {RESERVED_SEEDS} on belong to the shipped weights; it is {self.seed!r}")

    def __len__(self) -> int:
        return len(self.stages)

    def __iter__(self) -> Iterator[Patient]:
        return (self.patient(k) for k in range(len(self)))

    def patient(self, k: int, twin: Twin | None = None) -> Patient:
        """Scan `k`, or a twin of it; see `REPEATED` for the patients that are there twice."""
        patient = self._own(k, twin)
        if k in self.first_of:
            first = self._own(self.first_of[k])
            patient = _scanned_again(first, patient, np.random.default_rng([self.seed, k, SECOND_SCAN]))
        return replace(patient, scan_id=f"{patient.scan_id}_{twin.name}") if twin else patient

    def scan_id(self, k: int) -> str:
        """Identifier of scan `k`."""
        return f"{_patient_id(self.first_of[k])}-2" if k in self.first_of else _patient_id(k)

    @cached_property
    def first_of(self) -> dict[int, int]:
        """Number of a patient's second scan -> number of the first.

        The first shows the native liver, F4, which was taken out; the second a later liver, with a stage of its own
        but not a control. About `REPEATED` in `OF_SCANS`, none in a small cohort.
        """
        wanted = int(len(self) * REPEATED / OF_SCANS + 0.5)
        if not wanted:
            return {}
        order = [int(k) for k in np.random.default_rng([self.seed, len(self), WHO_IS_REPEATED]).permutation(len(self))]
        firsts: list[int] = []
        for k in order:
            if len(firsts) < wanted and self.stages[k] == STAGE_COUNT - 1 and _transplanted(self._own(k)):
                firsts.append(k)
        seconds = [k for k in order if self.stages[k] > 0 and k not in firsts]
        return dict(zip(seconds, firsts, strict=False))

    @cached_property
    def _mix(self) -> tuple[int, ...]:
        counts = Counter(self.stages)
        return tuple(counts[stage] for stage in range(STAGE_COUNT))

    def _own(self, k: int, twin: Twin | None = None) -> Patient:
        """Scan `k` as it would be if nobody was scanned twice."""
        moved = {twin.sign: twin.stage} if twin else None
        rng = np.random.default_rng([self.seed, k])
        stage = self.stages[k]
        return sample_patient(rng, stage, _patient_id(k), setting=self.setting, moved=moved, mix=self._mix)


def _patient_id(k: int) -> str:
    return f"P{k + 1:04d}"


def _transplanted(patient: Patient) -> bool:
    """Whether the liver of the scan was taken out, early enough for a later scan."""
    record = patient.record
    early = date.fromisoformat(record.ct_date) <= LAST_DAY - timedelta(days=LEAST_DAYS)
    return record.specimen == "transplantation" and early


def _scanned_again(first: Patient, own: Patient, rng: np.random.Generator) -> Patient:
    """`own` as the later scan of `first`: the person's size, sex and age; liver, inner anatomy and scan are new."""
    then = date.fromisoformat(first.record.ct_date)
    most = min(MOST_DAYS, (LAST_DAY - then).days)
    now = then + timedelta(days=int(rng.integers(LEAST_DAYS, most + 1)))
    return replace(
        own,
        patient_id=first.patient_id,
        scan_id=f"{first.patient_id}-2",
        # A liver is chosen by the size of who receives it.
        liver_volume_ml=own.liver_volume_ml * (first.body.scale / own.body.scale) ** 1.5,
        body=_in_another_position(first.body, own.body),
        # The field of view is set to the person.
        scan=replace(own.scan, pixel_mm=first.scan.pixel_mm),
        record=_later(first.record, own.record, now),
    )


def _in_another_position(body: Body, position: Body) -> Body:
    return replace(
        body,
        rotation_deg=position.rotation_deg,
        offset_mm=position.offset_mm,
        arms_down=position.arms_down,
        lines=position.lines,
    )


def _later(first: Record, own: Record, now: date) -> Record:
    """The records of the next liver, taken at `now`."""
    years = (now - date.fromisoformat(first.ct_date)).days / 365.25
    specimen_day = own.histology_date
    if specimen_day is not None:
        apart = date.fromisoformat(specimen_day) - date.fromisoformat(own.ct_date)
        specimen_day = (now + apart).isoformat()
    return replace(
        own,
        sex=first.sex,
        age=first.age + round(years),
        bmi=first.bmi,
        ct_date=now.isoformat(),
        histology_date=specimen_day,
        history="liver transplantation",
    )
