"""A release is built, holds what it needs, and works where the checkout is out of reach."""

import pytest
from scripts.release_check import main

pytestmark = pytest.mark.slow


def test_a_built_wheel_stages_a_patient(capsys):
    assert main(["--borrow"]) == 0
    assert "installed and staged a patient" in capsys.readouterr().out
