"""What a network may know of a patient beside the image, as numbers around 0; 0 is the average, and unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from fibrolens.plan import Covariate

#: Middle and spread of each number: adults' age in years, and field strength in tesla between 1.5 and 3.
AGE, FIELD_STRENGTH = (55.0, 15.0), (2.25, 0.75)
SEX = {"M": 1.0, "F": -1.0}


def covariates(names: Sequence[Covariate], values: Mapping[str, str]) -> Float[np.ndarray, " c"] | None:
    """The numbers of one row of a cohort.

    Args:
        names: what the plan's last layer knows.
        values: the row as it was written; what it lacks is unknown.

    Returns:
        A number per name; None without names.
    """
    found = [_number(name, values.get(name, "")) for name in names]
    return np.array(found) if found else None


def _number(name: Covariate, text: str) -> float:
    if name == "sex":
        return SEX.get(text, 0.0)
    middle, spread = AGE if name == "age" else FIELD_STRENGTH
    return (float(text) - middle) / spread if text else 0.0
