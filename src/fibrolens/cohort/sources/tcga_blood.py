"""Blood values of TCGA-LIHC, whose hospitals gave them in several units."""

from __future__ import annotations

from collections.abc import Mapping

from fibrolens.cohort.sources.clinical import Remarks, number

#: Nobody has 2000e9 platelets per litre who had a liver resected; beyond, the count is per microlitre.
MOST_PLATELETS = 2000.0
#: An INR of 5 forbids surgery; a prothrombin time is 7 s or more.
INR_MOST = 5.0
#: Serum albumin is 1 to 6 g/dL.
ALBUMIN_LIMITS = (1.0, 6.0)


def platelets(row: Mapping[str, str], remarks: Remarks) -> float | None:
    """Platelet count, 1e9/L."""
    value = number(row.get("platelet_count_preresection", ""))
    if value is not None and value > MOST_PLATELETS:
        remarks.add("platelets above 2000 taken as per microlitre and divided by 1000")
        return value / 1000.0
    return value


def albumin_g_dl(row: Mapping[str, str], remarks: Remarks) -> float | None:
    """Serum albumin, g/dL, by the unit that value and normal range of the row betray."""
    value = number(row.get("serum_albumin_preresection", ""))
    upper = number(row.get("serum_albumin_norm_range_upper", ""))
    if value is None:
        return None
    if value > 1000.0:
        remarks.add("albumin above 1000 taken as mg/dL and divided by 1000")
        value /= 1000.0
    elif value > 10.0:
        remarks.add("albumin above 10 taken as g/L and divided by 10")
        value /= 10.0
    elif upper is not None and upper < 1.0:
        remarks.add("albumin whose own normal range ends below 1 multiplied by 10")
        value *= 10.0
    low, high = ALBUMIN_LIMITS
    if low <= value <= high:
        return round(value, 6)
    remarks.add(f"albumin left empty, not within {low:g} to {high:g} g/dL")
    return None


def inr(row: Mapping[str, str], remarks: Remarks) -> float | None:
    """International normalised ratio; None where the row holds a prothrombin time in seconds."""
    value = number(row.get("prothrombin_time_INR_at_procurement", ""))
    if value is not None and value > INR_MOST:
        remarks.add("INR above 5 taken as a prothrombin time in seconds and left empty")
        return None
    return value
