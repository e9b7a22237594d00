"""What series descriptions tell; the texts are those of TCGA-LIHC and HCC-TACE-Seg."""

import pytest

from fibrolens.cohort.sources.descriptions import (
    enhancement,
    is_elsewhere,
    is_reformat,
    is_scout,
    is_treatment,
    is_unenhanced_study,
)


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("P.Venous  3.0  B40f", "portal venous"),
        ("65s Portal  3.0  B40f", "portal venous"),
        ("VENOUS PHASE 55 SECS", "portal venous"),
        ("Abd/Pel P/V", "portal venous"),
        ("PV Abd", "portal venous"),
        ("Abd Ven", "portal venous"),
        ("Late Art. phase  3.0  B40f", "arterial"),
        ("ARTERIAL LIVER", "arterial"),
        ("3 min delay live  3.0  B40f", "delayed"),
        ("Liver @ 10 min  3.0  B40f", "delayed"),
        ("MPR, RETARD 7MIN, Axial", "delayed"),
        ("W/O ABD  5.0  B40f", "native"),
        ("DRY LIVER", "native"),
        ("TRI LIVER C-", "native"),
        ("UNENHANCED", "native"),
        ("Recon 2: PRE LIVER", "native"),
        ("Liver-Biphase", "several"),
        ("Recon 2: LIVER 3 PHASE (AP)", "several"),
        ("30, 70, 120 SEC DELAY", "several"),
        ("ABDOMEN W/WO", "several"),
        ("with non-ionic contrast", "enhanced"),
        ("Body 5.0 CE", "enhanced"),
        ("ENHANCED", "enhanced"),
        ("C-A-P", ""),
        ("AXIAL", ""),
        ("AP_Routine  5.0  B40f", ""),
    ],
)
def test_contrast_phase(text, phase):
    assert enhancement(text) == phase


@pytest.mark.parametrize("text", ["SCOUT", "Topogram  1.0  T20s", "PreMonitoring  9.6  B30s", "Smart Prep Series"])
def test_scouts(text):
    assert is_scout(text)


@pytest.mark.parametrize(
    "text",
    ["COR ABD 5MM", "CoronalP.Venous  3.0  SPO  cor", "MIP axial", "MPR, AVEC  IV 5MM AXA, Axial", "Reformatted"],
)
def test_reformats(text):
    assert is_reformat(text)


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        ("Chest routine  5.0  B40f", True),
        ("Pelvis  5.0  B40f", True),
        ("Chest/Abd Art Lung", True),
        ("AP Runoff  1.0  B31f", True),
        ("HR thins", True),
        ("Abd/Pelvis  5.0  B40f", False),
        ("Chest/Abd Art", False),
        ("CAP C+  THINS", False),
        ("P.Venous  3.0  B40f", False),
    ],
)
def test_parts_of_the_body(text, elsewhere):
    assert is_elsewhere(text) is elsewhere


@pytest.mark.parametrize(
    ("study", "without"),
    [
        ("CT ABDOMEN PELVIS WO CONT", True),
        ("CT ABDOMEN wo & PELVIS wo", True),
        ("CT ABDOMEN wo&w& PELVIS w", False),
        ("CT Abdomen W/O, W/Contrast", False),
        ("CT ABDOMEN NONENH & ENHANCED-BODY", False),
        ("CT ABD & PELVIS W/O &", False),
        ("CT ABDOMEN w", False),
        ("", False),
    ],
)
def test_studies_without_any_contrast(study, without):
    assert is_unenhanced_study(study) is without


@pytest.mark.parametrize("study", ["CT BIOPSY LIVER", "CT GUIDED NEEDLE PLACEMENT", "PET^1_PETCT_WholeBody (Adult)"])
def test_studies_made_for_a_treatment(study):
    assert is_treatment(study)
