"""The public names are few, sorted and cheap to import."""

import subprocess
import sys

import pytest

import fibrolens as fl

HEAVY = ("torch", "SimpleITK", "scipy", "sklearn", "matplotlib", "nibabel", "pydicom")
#: What staging a DICOM CT needs late or never: pictures, DICOM objects, other formats, a patient taken out.
LATER = ("matplotlib", "reportlab", "highdicom", "sklearn", "SimpleITK", "scipy.spatial", "fibrolens.deidentify.case")


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_public_names_are_these():
    assert fl.__all__ == [
        "FibrolensError",
        "Geometry",
        "Plan",
        "StagingResult",
        "Volume",
        "location_maps",
        "read_volume",
        "stage",
    ]


@pytest.mark.parametrize("name", fl.__all__)
def test_each_public_name_exists(name):
    assert getattr(fl, name).__name__ == name


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = fl.nonsense


@pytest.mark.parametrize("statement", ["import fibrolens", "from fibrolens.cli import parser; parser().format_help()"])
def test_import_and_help_load_nothing_heavy(statement):
    assert modules_after(statement).isdisjoint(HEAVY)


def test_staging_loads_what_not_every_ct_needs_only_where_it_does():
    assert modules_after("import fibrolens.stage_batch").isdisjoint(LATER)


@pytest.mark.parametrize("room", ["io", "cohort.check", "phantom.cohort", "deidentify.case", "evaluate.packet"])
def test_what_needs_no_network_does_not_wait_for_torch(room):
    assert "torch" not in modules_after(f"import fibrolens.{room}")


@pytest.mark.parametrize("room", ["study.run", "study.fold", "study.tune"])
def test_the_steps_of_a_study_load_statistics_and_figures_only_to_evaluate(room):
    assert modules_after(f"import fibrolens.{room}").isdisjoint({"matplotlib", "scipy.stats", "sklearn"})


@pytest.mark.parametrize("verb", ["study", "train", "predict", "explain", "evaluate"])
def test_what_is_not_there_is_told_before_torch_is_loaded(verb, tmp_path):
    place = str(tmp_path / "nowhere.csv")
    command = [verb, place, *(["--out", str(tmp_path / "out")] if verb in {"study", "train"} else [])]
    assert "torch" not in modules_after(f"from fibrolens.cli import main; assert main({command!r}) in {{2, 3}}")
