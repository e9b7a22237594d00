"""What a reader may say of a map: the patterns of `fibrolens.explain.patterns`, in plain words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Choice:
    """A pattern that a reader may choose.

    Args:
        name: as in `fibrolens.explain.patterns.PATTERNS`.
        title: a few words.
        sentence: when to choose it.
    """

    name: str
    title: str
    sentence: str


CHOICES = (
    Choice("surface", "Liver surface", "The surface of the liver is bright, its centre is not."),
    Choice("core", "Centres of liver and spleen", "The central parts of both the liver and the spleen are bright."),
    Choice("mixed", "Mixed", "Organs are bright, in neither of these two ways; for example the spleen alone."),
    Choice("off_organ", "Outside the organs", "What is bright lies outside liver and spleen."),
    Choice("unknown", "Cannot tell", "No pattern can be made out, or the picture cannot be read."),
)
NAMES = tuple(choice.name for choice in CHOICES)
TITLES = {choice.name: choice.title for choice in CHOICES}

#: Confidence: from 1 to 5.
CONFIDENCES = {1: "guess", 2: "unsure", 3: "fairly sure", 4: "sure", 5: "certain"}

QUESTION = "Which pattern does the location map show?"
INSTRUCTIONS = (
    "Each picture shows one location map over slices of a CT: six axial slices through the liver from top to bottom, "
    "a coronal and a sagittal one, by radiological convention (the patient's right is on the left). The brighter a "
    "place, the more it counted; the colours mean the same in every picture. Liver and spleen are outlined.",
    "Choose the one pattern that describes the map best, and how sure you are. Judge the map, not the disease: what "
    "the CT itself shows does not matter. Some pictures show maps that mean nothing, and some come twice.",
    "Read alone, and do not talk about pictures before all readers have finished.",
)
