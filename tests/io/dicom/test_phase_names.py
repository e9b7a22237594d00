"""The contrast phase that real series descriptions state, as a person reads them.

The first list was read in TCGA-LIHC, HCC-TACE-Seg, Colorectal-Liver-Metastases and other abdominal collections of the
Imaging Data Commons; the second has words of other languages, which those collections lack.
"""

import pytest

from fibrolens.io.dicom.phase_names import phase_after, phase_by_name, plain

PORTAL = (
    "P.Venous  3.0  B40f", "P.Venous pha  3.0  B20f", "65s Portal  3.0  B40f", "VENOUS PHASE 55 SECS", "Abd Ven",
    "VenousPhase  3.0  B30f", "Abd/Pel P/V  Coronal", "Abd/Pel Portal/venous", "PV Abd", "porotal coronals",
    "tmp P.Venous pha RTD", "2x2_COR_PVP", "ABD_PORTAL_VP", "P/V P/V Body 3.0 CE", "VEN_COR_3X3", "STD_PV",
    "SAG 3.0 ST PV", "ST_BODY_PORTAL", "AX_PV_2X1_iDose_3_", "70 secdelay 5.0 B30s", "Cor 70 sec Pelvis  2.0  B25f",
    "Abd_Delay_80_SEC", "ABD 80 SEC  3.0  B30f", "75 SEC DELAY", "F. ZYLNA  1.5  I31s  3", "FAZA ZYLNA  5.0",
    ",CE,Sagittal,3.0,Sagittal,CONTRASTE/VENOSO/Sagittal,", "PORT VENOUS STD", "GK p.v.2", "+C 90SEC PREP 7.5/3.75",
    "Axial Venous/Phase", "ven_AbdPel_a030",
)  # fmt: skip
ARTERIAL = (
    "Late Art. phase  3.0  B20f", "Late Arterial  3.0  B40f", "ARTERIAL LIVER", "Chest/Abd Art", "CTA_0_5_CE",
    "ART/CHEST/ABD/PEL W/C ST", "art_Abd_a110", "LateArt_Phase  5.0  MPR  cor", "Cor 45 Sec   3.0  B40f  cor",
    "25_SEC_DELAY_iDose_3_", "30_SEC", "F. TETNICZA  5.0  B41s", "FAZA TETNIC  5.0  B30f", "GK art.3",
    "ABD_ART_3_0_I30f_2", "POST CONT PEAK PLUS 9SEC", "CHEST PE/ABD/PEL ANGIO", "AX THN ART",
)  # fmt: skip
DELAYED = (
    "3 min delay live  3.0  B40f", "180 sec Delay  3.0  B40f", "Liver @ 10 min  3.0  B40f", "MPR, RETARD 7MIN, Axial",
    "Adrenal 15 min", "2_MIN_DELAY_Body_3_0_CE", "KIDNEY 5 MIN  5.0  B31f", "MPR, DEL KID, Coronal", "EXCRETION",
    "EQUILIBRIUM_AX_ST", "LATE phase    5.0  B30f", "TARDIA DE 15 MTOS", "OPOZNIONA  5.0  B30f",
    "F. OPOZ.  2.0  I26f  3", "MiednicaPOZNE  1.5  I30f", "Body_Equil_Phase_5_0_CE", "DLYS_SAG_4_3",
    "3d urogram", "VOLUME EXCRETORA",
)  # fmt: skip
NATIVE = (
    "W/O ABD  5.0  B40f", "DRY LIVER", "TRI LIVER C-", "UNENHANCED", "Recon 2: PRE LIVER", "Non Contrast  Abdomen 3MM",
    "Liver w/o (opt)  5.0  B40f", "I- kidney  5.0  B41s", "c- right decub", "CAP WO  5.0  B30s", "ABD_PEL_W_O",
    "AX THK NC", "AXIAL S/C", "Axial NON /CONTRAST", "THA nativ 3", "AXIAL PLAIN PANCREAS", "Przed kontrastem",
    "PRE INF CORONAL", "LIVER ADRENALWO CONTRAST", "DECUB;C MINUS/Vol.//FC13/Q06/", "STONE PROTOCOL",
)  # fmt: skip
SEVERAL = (
    "30, 70, 120 SEC DELAY", "Recon 2: LIVER 3 PHASE (AP)", "LIVER 2PHASE CAP", "FOIE BIPASIQUE", "ABDOMEN W/WO",
    "ARTERIAL_PORTAL_VENOUS_PHASE", "TAP ART/VEN AXIAL 3X3", "CHST/VEN/DEL ST+ N16.5/12/19", "TRI_PHASE_LIVER",
    "WITH AND DELAY", "STD_ART_PV",
)  # fmt: skip
#: Contrast without a phase, or nothing: what a person would not decide either.
OPEN = (
    "Body 5.0 CE", "CT CAP W/CONTRAST", "with non-ionic contrast", "AP W  5.0  B40f", "Nephro  5.0  B30f",
    "AP_Routine  5.0  B40f", "C-A-P", "AXIAL", "2.5 STANDARD", "Topogram  1.0  T20s", "PreMonitoring  9.6  B30s",
    "AIDR_3D_STD", "Chest   5.0  Lung B70f", "LUNG_5's", "i-Sequence", "CHEST AND ABD W/IV AND ORAL", "AX_ENTEROGRAPHY",
    "PRE_BX", "SCOUT AP/LATERAL", "Parenchymal_2_5mm", "POST ASPIRATION", "140SEC DELAY DIAPHRAGM TO CREST",
)  # fmt: skip

FOREIGN = {
    "portal": "portalvenös 3.0 Br40|Abdomen venöse Phase|temps portal|Fase portal|fase venosa"
    "|Faza wrotna|portoveneuze fase|temps veineux"
    "|门脉期|門脈相|문맥기|Портальная фаза|венозная|Hepatic venous phase",
    "arterial": "arterielle Phase|temps artériel|Fase arteriosa|fase arterial tardia|faza tętnicza"
    "|动脉期|動脈相|동맥기"
    "|Артериальная фаза|spätarteriell|portal inflow",
    "delayed": "Spätphase|spätvenös|temps tardif|fase tardía|equilibrio|faza późna|geç faz"
    "|延迟期|平衡相|지연기|отсроченная",
    "native": "Leber nativ|ohne KM|sans injection|sin contraste|sem contraste|senza mdc|bez kontrastu|kontrastsız"
    "|平扫|単純|нативная фаза|IV- abdomen",
    "several": "Abdomen triphasisch|multiphasic|C-/C+|arteriell und venös|3 fasen",
}  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "texts"),
    [("portal", PORTAL), ("arterial", ARTERIAL), ("delayed", DELAYED), ("native", NATIVE), ("several", SEVERAL)],
)
def test_real_descriptions_are_read_as_a_person_reads_them(phase, texts):
    assert [t for t in texts if phase_by_name(t) != phase] == []


def test_what_a_person_cannot_decide_stays_open():
    assert [t for t in OPEN if phase_by_name(t) not in ("enhanced", "")] == []


@pytest.mark.parametrize("phase", FOREIGN)
def test_other_languages(phase):
    assert [t for t in FOREIGN[phase].split("|") if phase_by_name(t) != phase] == []


def test_contrast_without_a_phase_is_told_from_silence():
    assert [phase_by_name(t) for t in ("Body 5.0 CE", "mit KM", "AP W", "POST CON", "C+", "AXIAL")] == [
        *["enhanced"] * 5,
        "",
    ]


def test_a_single_phase_beside_the_name_of_the_protocol_is_the_phase():
    assert phase_by_name("LIVER 3 PHASE PORTAL") == "portal"
    assert phase_by_name("LIVER 3 PHASE (AP)") == "several"  # AP is abdomen and pelvis


def test_seconds_decide_before_the_word_delay_and_after_the_name_of_a_phase():
    assert phase_by_name("70 sec delay") == "portal"
    assert phase_by_name("portal 45s") == "portal"
    assert phase_by_name("Abd B70s") == ""  # a kernel


@pytest.mark.parametrize(
    "text", ["pre-op liver", "pre TACE", "artefact reduction", "lateral scout", "portable", "venography"]
)
def test_words_that_hold_the_letters_of_a_phase_are_none(text):
    assert phase_by_name(text) == ""


@pytest.mark.parametrize(
    ("seconds", "phase"),
    [
        (35, "arterial"),
        (70, "portal"),
        (90, "portal"),
        (180, "delayed"),
        (600, "delayed"),
        (50, ""),
        (130, ""),
        (4000, ""),
    ],
)
def test_between_two_phases_the_time_tells_none(seconds, phase):
    assert phase_after(float(seconds)) == phase


def test_plain_text_has_one_spelling():
    assert plain("  Ven\u00f6s_3_0  F. P\u00d3\u0179NA ") == "venos 3 0 f. pozna"
