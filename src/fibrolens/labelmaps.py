"""The numbers that public data sets and segmenters give to liver and spleen in their label files.

Every row was read in the set's own repository, or in code that reads its files; a set whose numbers could not be
verified is not here. What a set labels beside the two organs (kidneys, vessels outside the liver, bones) is ignored; a
number that it does not know at all means that the file is another set's, and is refused.

=====================  =======  ======  ========  ====================================================================
name                   liver    spleen  highest   read in
=====================  =======  ======  ========  ====================================================================
fibrolens              1        2       2         our own ``labels.nii.gz``
totalsegmentator       5        1       117       wasserth/TotalSegmentator, totalsegmentator/map_to_binary.py, classes
                                                  ``total`` and ``total_v1``: both organs have the same number there
totalsegmentator-      1 to 8   --      8         the same file, classes ``liver_segments``: Couinaud segments I to VIII
liver-segments
amos                   6        1       15        AMOS22; uni-medical/A-Eval, Evaluation/label_systems.py
btcv                   6        1       13        BTCV, Synapse multi-atlas abdomen; the same file
flare                  1        3       13        FLARE22; the same file, and bowang-lab/U-Mamba, Dataset701_AbdomenCT
word                   1        2       16        WORD; the same file, which counts a further number 17 for merged sets
abdomenatlas           5        8       25        MIC-DKFZ/nnUNet, dataset_conversion/Dataset224_AbdomenAtlas1.0.py (to
                                                  9) and Dataset023_AbdomenAtlas1_1Mini.py (to 25); 19 are the hepatic
                                                  vessels, which count as liver
abdomenct1k            1        3       4         AbdomenCT-1K; F. Bongratz, vox2organ, the script that makes its organ
                                                  templates (LABEL_NAMES)
msd                    1, 2     --      2         Medical Segmentation Decathlon, Task03_Liver/dataset.json: 2 "cancer"
                                                  lies inside the liver
msd-spleen             --       1       1         Medical Segmentation Decathlon, Task09_Spleen/dataset.json
lits                   1, 2     --      2         LiTS 2017; kaiko-ai/eva, docs/datasets/lits.md: 2 is tumour
chaos                  1        --      1         CHAOS, CT part, liver alone; its PNG masks, 255 inside, become 1 in
                                                  seamusbarnes/chaos-challenge, README.md; 255 is taken as well
=====================  =======  ======  ========  ====================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fibrolens.errors import UsageError

LIVER, SPLEEN = 1, 2
#: The numbers of our own label files, which a file without a named map must have.
OWN = "fibrolens"


@dataclass(frozen=True)
class LabelMap:
    """The numbers of one set.

    Args:
        liver: parenchyma with its tumours, cysts and vessels, where the set labels them apart; empty where the set
            does not label the liver.
        spleen: empty where the set does not label it.
        others: what else its files may hold, which is neither.
        title: the set's own name.
    """

    title: str
    liver: tuple[int, ...]
    spleen: tuple[int, ...]
    others: tuple[int, ...] = ()

    @property
    def known(self) -> frozenset[int]:
        """Every number that a file of this set may hold."""
        return frozenset((0, *self.liver, *self.spleen, *self.others))


def _to(highest: int, title: str, liver: tuple[int, ...], spleen: tuple[int, ...] = ()) -> LabelMap:
    organs = {*liver, *spleen}
    return LabelMap(title, liver, spleen, tuple(n for n in range(1, highest + 1) if n not in organs))


LABEL_MAPS: Mapping[str, LabelMap] = MappingProxyType(
    {
        OWN: _to(2, "fibrolens", (LIVER,), (SPLEEN,)),
        "totalsegmentator": _to(117, "TotalSegmentator, task total, versions 1 and 2", (5,), (1,)),
        "totalsegmentator-liver-segments": _to(8, "TotalSegmentator, task liver_segments", tuple(range(1, 9))),
        "amos": _to(15, "AMOS22", (6,), (1,)),
        "btcv": _to(13, "BTCV", (6,), (1,)),
        "flare": _to(13, "FLARE22", (1,), (3,)),
        "word": _to(16, "WORD", (1,), (2,)),
        "abdomenatlas": _to(25, "AbdomenAtlas 1.0 and 1.1", (5, 19), (8,)),
        "abdomenct1k": _to(4, "AbdomenCT-1K", (1,), (3,)),
        "msd": _to(2, "Medical Segmentation Decathlon, Task03 liver", (1, 2)),
        "msd-spleen": _to(1, "Medical Segmentation Decathlon, Task09 spleen", (), (1,)),
        "lits": _to(2, "LiTS 2017", (1, 2)),
        "chaos": LabelMap("CHAOS, CT", (1, 255), ()),
    }
)


def label_map(name: str) -> LabelMap:
    """The map of that name.

    Raises:
        UsageError: there is none; the message lists those that there are.
    """
    found = LABEL_MAPS.get(name)
    if found is None:
        raise UsageError(f"--label-map must be one of {', '.join(LABEL_MAPS)}; it is {name!r}.")
    return found
