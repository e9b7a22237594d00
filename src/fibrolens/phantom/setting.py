"""What a cohort is made to show: which signs carry the stage, and what is tied to it that should not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fibrolens.phantom.mr import UPTAKE_SIGN
from fibrolens.phantom.severity import SIGNS, STAGE_COUNT, STRONG

#: Arms in which one sign alone carries the stage.
SIGN_ARMS = ("surface", "spleen", "texture", "lobes")
TRAITS = ("spacing", "table", "kvp", "site")
ARMS = ("all", "none", *SIGN_ARMS, *(f"shortcut:{trait}" for trait in TRAITS))
PORTAL = "portal"
PHASES = ("native", "arterial", PORTAL, "delayed")
CT, MR_HBP = "ct", "mr-hbp"
MODALITIES = (CT, MR_HBP)
#: How often the trait of a shortcut agrees with F2 to F4.
SHORTCUT_AGREEMENT = 0.9


@dataclass(frozen=True)
class Setting:
    """What is the same for all patients of a cohort.

    Args:
        arm: ``all``: every sign follows the stage. ``surface``, ``spleen``, ``texture``, ``lobes``: only that sign
            does, the others are those of F0; on MR also ``uptake``. ``none``: the signs follow a hidden stage that the
            label does not know.
            ``shortcut:TRAIT``: ``none``, and an acquisition trait agrees with F2 to F4 in 90 % of the patients.
        strong: the arm's sign (in other arms all of `STRONG`) separates F4 from F0 almost wholly and shows on 3 mm
            pixels.
        confounded: age, sex and scan depend on the stage as in the paper's cohort (trauma scans as controls,
            transplantation candidates as cirrhosis).
        phase: contrast phase of every scan.
        splenectomy, metal, partial: share of the patients without a spleen, with metal in the field, and whose scan
            cuts the liver.
        modality: ``ct``, or ``mr-hbp``: gadoxetic acid, hepatobiliary phase.

    Raises:
        ValueError: an unknown arm, phase or modality, a share outside 0 to 1, a shortcut that is also confounded, or
            what belongs to CT scanners with another modality.
    """

    arm: str = "all"
    strong: bool = False
    confounded: bool = False
    phase: str = PORTAL
    splenectomy: float = 0.0
    metal: float = 0.0
    partial: float = 0.0
    modality: str = CT

    def __post_init__(self) -> None:
        if self.modality not in MODALITIES:
            raise ValueError(f"modality must be one of {', '.join(MODALITIES)}; it is {self.modality!r}")
        arms = (*ARMS, UPTAKE_SIGN) if self.is_mr else ARMS
        if self.arm not in arms:
            raise ValueError(f"arm must be one of {', '.join(arms)}; it is {self.arm!r}")
        if self.phase not in PHASES:
            raise ValueError(f"phase must be one of {', '.join(PHASES)}; it is {self.phase!r}")
        if self.confounded and self.trait:
            raise ValueError(f"arm {self.arm} and confounded both tie the scan to the stage; leave one of them out")
        for name in ("splenectomy", "metal", "partial"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise ValueError(f"{name} must be between 0 and 1; it is {share!r}")
        if self.is_mr and (self.trait or self.confounded or self.phase != PORTAL):
            raise ValueError(
                f"shortcut arms, confounded and phase are of CT scanners; leave them out with modality {self.modality}"
            )

    @property
    def is_mr(self) -> bool:
        """Whether the scans are MR."""
        return self.modality == MR_HBP

    @property
    def signs(self) -> tuple[str, ...]:
        """What the disease does to the scans, by name: on MR the uptake too."""
        return (*SIGNS, UPTAKE_SIGN) if self.is_mr else SIGNS

    @property
    def trait(self) -> str:
        """The acquisition trait of a shortcut arm, or an empty text."""
        return self.arm.partition(":")[2]

    @property
    def strong_signs(self) -> frozenset[str]:
        """The signs that follow the strong distributions."""
        if not self.strong:
            return frozenset()
        return frozenset((self.arm,)) if self._of_one_sign else frozenset((*STRONG, UPTAKE_SIGN))

    def disease_stage(self, stage: int, hidden: int) -> int:
        """The stage that blood values and severity follow: the label's, the hidden one, or F0 in a sign's own arm."""
        if self.arm == "all":
            return stage
        return 0 if self._of_one_sign else hidden

    def sign_stages(self, stage: int, hidden: int) -> Mapping[str, int]:
        """The stage that each sign follows in a patient of `stage` whose hidden stage is `hidden`."""
        if self.arm == "all":
            return dict.fromkeys(self.signs, stage)
        if self._of_one_sign:
            return dict.fromkeys(self.signs, 0) | {self.arm: stage}
        return dict.fromkeys(self.signs, hidden)

    @property
    def _of_one_sign(self) -> bool:
        return self.arm in (*SIGN_ARMS, UPTAKE_SIGN)


def hidden_stage(rng: np.random.Generator, mix: tuple[int, ...]) -> int:
    """A stage drawn in the given mix, which no label knows."""
    share = np.array(mix) / sum(mix)
    return int(rng.choice(STAGE_COUNT, p=share))


def has_trait(rng: np.random.Generator, stage: int) -> bool:
    """Whether a patient of this stage carries the shortcut's trait."""
    agrees = bool(rng.random() < SHORTCUT_AGREEMENT)
    return (stage >= 2) == agrees
