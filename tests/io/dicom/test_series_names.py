"""What series descriptions state beside the phase; the texts are real."""

import pytest

from fibrolens.io.dicom.series_names import (
    is_sharp,
    is_treatment,
    named_plane,
    named_thickness,
    names_abdomen,
    purpose,
    unusual_energy,
)

PLACING = ["SCOUT", "Topogram  1.0  T20s", "PreMonitoring  9.6  B30s", "Smart Prep Series",
           "Série Smart Prep", "SURVIEW", "LOC  0.6  T20f", "SCANOGRAM", "TEST DOSE", "Dose Report",
           "Patient Protocol", "Locator"]  # fmt: skip
OTHER_PARTS = [
    "Chest routine  5.0  B40f",
    "Pelvis  5.0  B40f",
    "AORTA",
    "2_5_neck",
    "TSPINE",
    "LOWER_THIGH",
    "PE  1.5  B40f",
]
OF_THE_ABDOMEN = ["Abd/Pelvis  5.0  B40f", "Chest/Abd Art", "CAP C+  THINS", "C_A_P_W_cor", "AXIAL", "CT CH/AB/PEL",
                  "LIVER 3 PHASE (C/A/P)", "Body 5.0 CE", "J. BRZUSZNA  1.5  I41s", "AIDR_3D_STD"]  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (PLACING, "places, times or reports the scan"),
        (["MIP axial", "Body 10.0 CE Ax-MIP", ",CE,MAX-IP,,MAX-IP,", "MINIP"], "a projection or rendering"),
        (["tmp  P.Venous  RTD", "DE_Abd_Liver_VNC_Noncontrast", "FUSED AXIALS", "CTAC"], "computed"),
        (["ABD BX", "Biopsy  3.0  B30s"], "made for a needle"),
        (["CT WB  4.0  B31s", "AP Runoff  1.0  B31f"], "made of the whole body"),
        (OTHER_PARTS, "of another part of the body"),
    ],
)
def test_series_that_are_none_to_stage(texts, reason):
    assert [t for t in texts if not purpose(t).startswith(reason)] == []


def test_nothing_speaks_against_series_of_the_abdomen():
    assert [t for t in OF_THE_ABDOMEN if purpose(t)] == []


@pytest.mark.parametrize(
    ("text", "plane"),
    [
        ("COR ABD 5MM", "coronal"),
        ("CoronalP.Venous  3.0  SPO  cor", "coronal"),
        ("SAG_70_SEC", "sagittal"),
        ("SAGITAL__RECON", "sagittal"),
        ("105 AORTA OBL", "oblique"),
        ("CT coronary arteries", ""),
        ("P.Venous  3.0  B40f", ""),
    ],
)
def test_planes(text, plane):
    assert named_plane(text) == plane


@pytest.mark.parametrize(
    ("text", "mm"),
    [("P.Venous  3.0  B40f", 3.0), ("ABDOMEN 5MM", 5.0), ("Abd 2.00 Br40 S3", 2.0), ("AXIAL", None), ("2.0", None)],
)
def test_slice_thickness(text, mm):
    assert named_thickness(text) == mm


def test_lung_and_bone_reconstructions():
    assert all(map(is_sharp, ["Chest/Abd Art Lung", "BONE", "HR thins", "Hi Res Recons 1.5mm B46"]))
    assert not any(map(is_sharp, ["P.Venous  3.0  B40f", "AXIAL"]))


def test_studies_made_for_a_treatment():
    assert all(map(is_treatment, ["CT BIOPSY LIVER", "CT GUIDED NEEDLE PLACEMENT", "PET^1_PETCT_WholeBody (Adult)"]))
    assert not any(map(is_treatment, ["CT ABDOMEN W CONTRAST", "Abdomen^12_5_Liver_Post_Ablation (Adult)"]))


def test_energies_far_from_that_of_120_kv():
    assert [unusual_energy(t) for t in ("PV_ST_50keV", "MONO 140 KEV", "ABD_AX_THIN_70KEV", "ABD")] == [
        50,
        140,
        None,
        None,
    ]


def test_the_abdomen_by_name():
    assert names_abdomen("CT LIVER")
    assert not names_abdomen("Thorax")
