"""What the description of a CT series tells an import: plane, body part, contrast phase.

Read on the 777 CT series of TCGA-LIHC and the 572 of HCC-TACE-Seg, whose scanners and writers differ. A rule that a
description does not settle says nothing; the contrast phase is read again from the organs before anything is staged.
"""

from __future__ import annotations

import re

from fibrolens.cohort.columns import PORTAL
from fibrolens.io.dicom.phase_names import phase_by_name

SCOUT = re.compile(r"scout|topo|localizer|surview|monitoring|smart ?prep|summary|dose|screen|patient protocol")
REFORMAT = re.compile(r"coron|\bcor\b|\bsag|\bobl|\bmpr\b|\bmips?\b|\bspo\b|reformat|\bvrt?\b|\b3d\b|\brtd\b|\brange\b")
ABDOMEN = re.compile(r"abd|liver|hepat|foie|c[-/]a[-/]p|\bcap\b|\bap\b|ap_|\bca\b|body|\ba/p\b")
#: Parts of the body that a CT of the liver is not made for, and reconstructions for lung or bone.
ELSEWHERE = re.compile(
    r"chest|thora|\bch\b|lung|mediast|pelvis|bone|adrenal|aorta|runoff|\bpe\b|\bhr\b|hi ?res|high res|thins?\b|\bwb\b"
)
RUNOFF = re.compile(r"runoff|\blung\b|\bbone\b|\bwb\b")
TREATMENT = re.compile(r"biops|needle|guided|ablation|\bpet\b|petct|localization|drain|\bbx\b")
#: What a study's name says of contrast that was not given.
NATIVE = re.compile(
    r"\bw/o|\bwo\b|non[- ]?con|non[- ]?enh|unenh|\bdry\b|\bpre\b|pre[- ]?con|c-(?![a-z])|native|without|sans iv"
    r"|\bplain\b"
)
#: What is left of a study's name that had contrast, once the words for "without" are gone.
GIVEN = re.compile(r"\bw\b|\bw/|w\+|enh|with|c\+")


def is_scout(description: str) -> bool:
    """Whether a series places or times the scan and is none itself."""
    return SCOUT.search(description.casefold()) is not None


def is_reformat(description: str) -> bool:
    """Whether a series was computed in another plane, as a projection, or as a stopgap."""
    return REFORMAT.search(description.casefold()) is not None


def is_elsewhere(description: str) -> bool:
    """Whether a series shows another part of the body, or the abdomen for another purpose."""
    text = description.casefold()
    return RUNOFF.search(text) is not None or (ELSEWHERE.search(text) is not None and ABDOMEN.search(text) is None)


def is_treatment(study: str) -> bool:
    """Whether a study was made for a needle, after an ablation, or beside a PET."""
    return TREATMENT.search(study.casefold()) is not None


def enhancement(description: str) -> str:
    """The contrast phase that a series' description states: ``native``, ``arterial``, ``portal venous``, ``delayed``.

    ``several`` is a protocol of several phases, ``enhanced`` contrast without a phase, and empty says nothing.
    """
    phase = phase_by_name(description)
    return PORTAL if phase == "portal" else phase


def is_unenhanced_study(study: str) -> bool:
    """Whether a study's name says that no contrast was given at all; one cut short as ``W/O &`` says nothing."""
    rest, without = NATIVE.subn(" ", study.casefold())
    return without > 0 and GIVEN.search(rest) is None and not rest.rstrip().endswith("&")
