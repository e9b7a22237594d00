"""Which tissue a reconstruction kernel was made for, by the names of its vendor."""

from __future__ import annotations

import re
from typing import Literal

Kernel = Literal["soft", "sharp", "unknown"]

#: Siemens: a body letter, from 2013 on a second one, and the sharpness (B30f, I40f, Br40, Bl57); Bl is for the lung.
SIEMENS = re.compile(r"^([bijqdu])([a-z]?)(\d{2})[a-z]?\b")
SIEMENS_SHARP = 50
#: Canon, formerly Toshiba: body FC01 to FC19, bone FC30 to FC39, lung and bone FC50 to FC59 and FC80 to FC89.
CANON = re.compile(r"^fc(\d{2})")
CANON_SHARP = (*range(30, 40), *range(50, 60), *range(80, 90))
#: Philips: body A, B, C from smooth to sharp; D, E, F, L and the Y family for bone and lung.
PHILIPS = {"a": "soft", "b": "soft", "c": "soft", "d": "sharp", "e": "sharp", "f": "sharp", "l": "sharp"}
PHILIPS_SHARP = re.compile(r"^y[a-e]$")
#: Before the words for soft tissue: GE's HD LUNG, ``BONEPLUS``, United Imaging's ``B_SHARP_C``.
SHARP_WORDS = re.compile(r"bone|lung|edge|sharp|ultra|hi ?res|chest.*hr|\bhr\b")
SOFT_WORDS = re.compile(r"stand|\bstd|stnd|soft|smooth|detail|chst|body|abd|routine|liver|medium|\bst\b")
#: Inside a description, where a header has no kernel.
WRITTEN = re.compile(r"(?<![a-z\d])([bijq][a-z]?\d{2}[fsm]?|fc\d{2})(?![a-z\d])")


def kernel_kind(kernel: str, manufacturer: str = "") -> Kernel:
    """Soft tissue, sharp (bone, lung) or unknown, from ConvolutionKernel and Manufacturer.

    The kernel's further values, such as the strength of an iterative reconstruction, are left aside.
    """
    name = kernel.casefold().split(",")[0].strip().replace("_", " ")
    if match := CANON.match(name):
        return "sharp" if int(match[1]) in CANON_SHARP else "soft"
    if match := SIEMENS.match(name):
        return "sharp" if int(match[3]) >= SIEMENS_SHARP or match[2] == "l" else "soft"
    if PHILIPS_SHARP.match(name):
        return "sharp"
    if name in PHILIPS and "philips" in manufacturer.casefold():
        return "soft" if PHILIPS[name] == "soft" else "sharp"
    if SHARP_WORDS.search(name):
        return "sharp"
    return "soft" if SOFT_WORDS.search(name) else "unknown"


def written_kernel(description: str) -> str:
    """The kernel that scanners write at the end of a description; empty where there is none."""
    found = WRITTEN.findall(description.casefold().replace("_", " "))
    return found[-1] if found else ""
