"""One simulated patient, rendered once for all tests of this room."""

import numpy as np
import pytest

from fibrolens.phantom.patient import Patient, sample_patient
from fibrolens.phantom.render import Rendering, render, small_grid


@pytest.fixture(scope="session")
def patient() -> Patient:
    return sample_patient(np.random.default_rng(5), 0)


@pytest.fixture(scope="session")
def rendering(patient: Patient) -> Rendering:
    return render(patient, small_grid(patient))
