"""What the paper reports (Yin et al., Eur Radiol 2021;31:9620-9627), to stand beside the figures of a study."""

from __future__ import annotations

from dataclasses import dataclass

CITATION = "Yin et al., European Radiology 2021;31:9620-9627"


@dataclass(frozen=True)
class Reported:
    """A value as the paper prints it (proportions in percent), with the ends of its range where it gives one.

    The range is the 95 % interval; of attention it is that between the quartiles.
    """

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ReportedThreshold:
    """A column of the paper's Table 2."""

    auc: Reported
    specificity: Reported
    sensitivity: Reported
    accuracy: Reported


#: Table 1: patients, and those of each stage.
PATIENTS = 252
STAGE_COUNTS = {"F0": 134, "F1": 8, "F2": 10, "F3": 18, "F4": 82}
#: Table 2.
THRESHOLDS = {
    "F>=2": ReportedThreshold(
        Reported(0.92, 0.86, 0.97), Reported(91.7, 82.0, 96.8), Reported(83.0, 71.7, 94.7), Reported(88.3, 81.5, 94.5)
    ),
    "F>=3": ReportedThreshold(
        Reported(0.89, 0.83, 0.96), Reported(88.2, 77.8, 95.6), Reported(79.5, 68.2, 92.5), Reported(85.2, 77.0, 92.0)
    ),
    "F4": ReportedThreshold(
        Reported(0.88, 0.79, 0.94), Reported(86.5, 78.9, 94.4), Reported(75.1, 56.5, 86.7), Reported(83.3, 76.2, 90.0)
    ),
}
#: Mean weight of the map in the liver, predicted stage: median and quartiles (text and Fig. 5); p < 0.001.
LIVER_ATTENTION = {"F0": Reported(0.58, 0.43, 0.75), "F4": Reported(1.43, 1.22, 1.63)}
#: Stage, pattern and share of its maps in percent, read by three radiologists.
PATTERNS = (("F0", "surface", 91.0), ("F4", "core", 76.4))
#: Liver masks of the fine-tuned V-Net.
DICE, PIXEL_ACCURACY = 0.90, 0.99
