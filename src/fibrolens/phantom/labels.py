"""The organs of the simulated abdomen, as the numbers in its label maps."""

from enum import IntEnum


class Organ(IntEnum):
    """Label of a voxel; `AIR` is everything outside the body (the table has its own label)."""

    AIR = 0
    LIVER = 1  # parenchyma with intrahepatic vessels and lesions
    SPLEEN = 2
    AORTA = 3
    IVC = 4
    PORTAL_VEIN = 5  # extrahepatic trunk and splenic vein
    GALLBLADDER = 6
    STOMACH = 7
    BOWEL = 8
    KIDNEY = 9
    PANCREAS = 10
    ADRENAL = 11
    HEART = 12
    LUNG = 13
    BONE = 14
    MUSCLE = 15
    FAT = 16
    FLUID = 17  # ascites
    VARICES = 18
    MASS = 19  # a mass outside the liver
    TABLE = 20
    OESOPHAGUS = 21
    METAL = 22  # surgical clips, pedicle screws and rods
