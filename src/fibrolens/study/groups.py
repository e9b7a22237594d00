"""Which group of patients or scans each scan of a study belongs to, from its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from fibrolens.cohort.cells import BLANKS, number_of
from fibrolens.evaluate.subgroups import gathered
from fibrolens.markers.catalogue import LIVER_MINUS_SPLEEN

SEXES = {"F": "women", "M": "men"}
#: Years and millimetres at which bands begin.
AGE_BANDS, SLICE_BANDS = (45.0, 65.0), (2.0, 4.0)
Rows = Mapping[str, Mapping[str, str]]


def groupings(scans: Sequence[str], cohort: Rows, markers: Rows, acquisition: Rows) -> dict[str, dict[str, str]]:
    """The groups of `subgroups`: sex, age, aetiology, site, vendor, slice thickness, steatosis.

    Args:
        scans: scan ids of the study.
        cohort: rows of ``cohort.csv`` by scan id.
        markers: of ``markers.csv``.
        acquisition: of ``acquisition.csv``; empty in the folder of an older version.

    Returns:
        Per title the group of each scan that has one.
    """
    free = {
        "Aetiology": _cells(scans, cohort, "aetiology"),
        "Site": _cells(scans, cohort, "site"),
        "Vendor": _cells(scans, acquisition, "vendor"),
    }
    text = {title: gathered(_same_spelling(cells)) for title, cells in free.items()}
    age = _banded(_numbers(scans, cohort, "age"), AGE_BANDS, "years")
    slices = _numbers(scans, acquisition, "slice_mm") | _numbers(scans, acquisition, "thickness_mm")
    return {
        "Sex": {scan: SEXES[sex] for scan, sex in _cells(scans, cohort, "sex").items() if sex in SEXES},
        "Age": age,
        **text,
        "Slice thickness": _banded(slices, SLICE_BANDS, "mm"),
        "Steatosis": _steatosis(_numbers(scans, markers, LIVER_MINUS_SPLEEN.name)),
    }


def _steatosis(values: Mapping[str, float]) -> dict[str, str]:
    """A liver that is darker beside the spleen than livers without steatosis are; see the marker's reference."""
    reference = LIVER_MINUS_SPLEEN.reference
    if reference is None or reference.low is None:
        return {}
    limit = f"liver minus spleen {{}} {reference.low:g} HU".replace("-", "−")
    names = {True: f"likely ({limit.format('below')})", False: f"unlikely ({limit.format('from')})"}
    found = {scan: names[value < reference.low] for scan, value in values.items()}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _banded(values: Mapping[str, float], starts: tuple[float, ...], unit: str) -> dict[str, str]:
    """Each scan's band, from the lowest band on; a band holds its lower end."""
    inner = [f"{low:g} to below {high:g} {unit}" for low, high in pairwise(starts)]
    names = [f"below {starts[0]:g} {unit}", *inner, f"{starts[-1]:g} {unit} and above"]
    band = {scan: sum(value >= start for start in starts) for scan, value in values.items()}
    return {scan: names[k] for scan, k in sorted(band.items(), key=lambda item: item[1])}


def _same_spelling(cells: Mapping[str, str]) -> dict[str, str]:
    """``HCV`` and ``hcv`` by the more frequent of the two."""
    spelled: dict[str, Counter[str]] = {}
    for text in cells.values():
        spelled.setdefault(text.casefold(), Counter())[text] += 1
    best = {folded: max(count, key=lambda text: (count[text], text)) for folded, count in spelled.items()}
    return {scan: best[text.casefold()] for scan, text in cells.items()}


def _cells(scans: Iterable[str], rows: Rows, column: str) -> dict[str, str]:
    found = {scan: (rows.get(scan, {}).get(column) or "").strip() for scan in scans}
    return {scan: text for scan, text in found.items() if text and text.casefold() not in BLANKS}


def _numbers(scans: Iterable[str], rows: Rows, column: str) -> dict[str, float]:
    """The numbers of a column; a cell that holds none is as one that is empty (`check_cohort` has refused it)."""
    found = {}
    for scan, text in _cells(scans, rows, column).items():
        try:
            value = number_of(text)
        except ValueError:
            continue
        if value is not None:
            found[scan] = value
    return found
