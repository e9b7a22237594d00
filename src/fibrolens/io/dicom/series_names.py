"""What else the description of a CT series states, where its header does not: plane, purpose, body part, thickness."""

from __future__ import annotations

import re

from fibrolens.io.dicom.phase_names import plain

#: Pictures that place, time or report the scan.
PLACING = re.compile(
    r"scout|\btopo(?!l)|lo[ck]ali[sz]|\bloc\b|surview|scano|\bpilot|monitoring|smart ?prep|care ?bolus|sure ?start"
    r"|bolus (?:track|chas|test|tim)|(?:test|timing|tracking) ?(?:bolus|dose)|\btracker\b|\blocator\b|dose (?:rep"
    r"|info|sum)"
    r"|dosis|summary|screen|patient protocol|\bprotocole? patient|radimetrics|scrapbook|processed images|\bfilm\b"
)
CORONAL = re.compile(r"\bcor(?:s|'s)?\d*\b|\bcoro(?:n|\b)(?!ar)|\bfrontal\b|koron")
SAGITTAL = re.compile(r"\bsags?\d*\b|\bsagg?it")
OBLIQUE = re.compile(r"\bobl|\bcurved\b|\bradial\b")
PROJECTED = re.compile(r"\bmips?\b|\bmax-?ip\b|\bmin-?ip\b|\bvrt?\b|\bssd\b|volume render|<alpha range>")
#: Real-time previews and pictures of something other than attenuation at the tube's energy.
COMPUTED = re.compile(
    r"\brtd\b|\bvnc\b|virtual (?:non|un)|\bvue\b|iod(?:ine|e)?[ -]?(?:map|overlay|dens|water)|z ?eff|effective z"
    r"|perfusion"
    r"|subtract|\bfat (?:map|frac)|electron dens|uric|fus(?:ed|ion)|aligned|\bctac\b|\bac ct\b|attenuation corr"
)
ABDOMEN = re.compile(
    r"abd|\bab\b|\babp|liver|leber|hepat|foie|higado|fegato|figado|brzus|wątrob|watrob|bauch|oberbauch|ventre"
    r"|c[-/ ]a[-/ ]p|\bcap\b"
    r"|\btap\b|\bap\b|\bca\b|\bbody\b|\ba[/ ]p\b|kid|renal|pan[ck]r|spleen|biliar|腹|肝|복부|간"
)
ELSEWHERE = re.compile(
    r"chest|thora|\bth\b|\bch\b|\bchst\b|mediast|pelv|becken|miednica|neck|\bhals|head|brain|kopf|skull|spine"
    r"|cervic|lumb"
    r"|sinus|orbit|\blegs?\b|thigh|femur|knee|shoulder|\barms?\b|heart|cardiac|coronar(?:y|ies)|aorta|\bpe\b|embol"
    r"|bladder"
    r"|run-?off|extrem|胸|头|頭|骨盆|흉부"
)
ONLY_ELSEWHERE = re.compile(r"run-?off|whole ?body|\bwb\b")
SHARP = re.compile(
    r"\blungs?\b|lunge|pulm|pluc|肺|폐|\bbones?\b|knochen|\bosso|\bos\b|kosc|\bhr\b|hr ?ct|hi ?-?res|high res|sharp"
    r"|edge"
)
TREATMENT = re.compile(
    r"biops|needle|guid(?:ed|ance)|(?<!post )(?<!post-)ablat|drain|\bbx\b|\brfa\b|\btace\b|punkt|\bpet\b|petct"
)
ENERGY = re.compile(r"\b(?:mono\w*[ +]*)?(\d{2,3}) ?kev\b")
#: Siemens writes the thickness before the kernel, others as ``5MM``.
THICKNESS = re.compile(r"(?<![\d.])(\d{1,2}(?:\.\d{1,3})?)(?=\s+(?:[bihqj][a-z]?)\d\d|\s*mm\b)")
#: Monoenergetic pictures between these look like 120 kV; below, iodine is brighter than the rules of the phase know.
USUAL_KEV = (60, 80)


def purpose(description: str) -> str:
    """Why a series is none to stage, from its description; empty where nothing speaks against it."""
    text = plain(description)
    rules = (
        (PLACING, "places, times or reports the scan"),
        (PROJECTED, "a projection or rendering"),
        (COMPUTED, "computed, a preview or of a PET, not the CT itself"),
        (TREATMENT, "made for a needle or a treatment"),
        (ONLY_ELSEWHERE, "made of the whole body or the vessels"),
    )
    found = next((reason for rule, reason in rules if rule.search(text)), "")
    return found or ("of another part of the body" if ELSEWHERE.search(text) and not ABDOMEN.search(text) else "")


def named_plane(description: str) -> str:
    """``coronal``, ``sagittal`` or ``oblique`` where the description says so, else empty."""
    text = plain(description)
    planes = ((CORONAL, "coronal"), (SAGITTAL, "sagittal"), (OBLIQUE, "oblique"))
    return next((name for rule, name in planes if rule.search(text)), "")


def names_abdomen(description: str) -> bool:
    """Whether a description names the abdomen or an organ in it."""
    return ABDOMEN.search(plain(description)) is not None


def is_sharp(description: str) -> bool:
    """Whether a description names a reconstruction for lung or bone."""
    return SHARP.search(plain(description)) is not None


def is_treatment(study: str) -> bool:
    """Whether a study was made for a needle, after an ablation, or beside a PET."""
    return TREATMENT.search(plain(study)) is not None


def unusual_energy(description: str) -> int | None:
    """The keV of a monoenergetic picture whose Hounsfield units differ from those at 120 kV; None of any other."""
    match = ENERGY.search(plain(description))
    return int(match[1]) if match and not USUAL_KEV[0] <= int(match[1]) <= USUAL_KEV[1] else None


def named_thickness(description: str) -> float | None:
    """Slice thickness that a description states, mm; None where it states none that a CT can have."""
    found = [float(text) for text in THICKNESS.findall(plain(description))]
    return next((value for value in found if 0.3 <= value <= 15.0), None)
