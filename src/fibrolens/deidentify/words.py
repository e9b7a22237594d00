"""Elements by name, as the profile sorts them for the objects that a case holds: CT, SEG, Parametric Map, SR, SC."""

from __future__ import annotations

#: Demanded with a value by Enhanced CT, SEG, Parametric Map or SR (PS3.3 A.38, A.51, A.75, A.35.13): a dummy stays.
TYPE_1 = frozenset(
    ("AcquisitionDateTime", "ContentDate", "ContentTime", "FrameAcquisitionDateTime", "FrameReferenceDateTime")
)
#: Demanded but allowed to be empty.
TYPE_2 = frozenset(
    (
        "AccessionNumber", "AcquisitionContextSequence", "ContentCreatorName", "ContrastBolusAgent", "Manufacturer",
        "PatientBirthDate", "PatientSex", "PositionReferenceIndicator", "ReferencedPerformedProcedureStepSequence",
        "ReferringPhysicianName", "StudyDate", "StudyID", "StudyTime",
    )
)  # fmt: skip
#: Texts of our own objects that the table removes from strangers', and the content of our structured report.
OURS_KEPT = frozenset(
    ("ContentSequence", "DerivationDescription", "DeviceSerialNumber", "ImageComments", "SeriesDescription")
)
#: Texts of a source CT about the machine and the pictures.
TEXT_KEPT = frozenset(
    (
        "CodeMeaning", "CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "ConvolutionKernel",
        "DimensionDescriptionLabel", "FilterType", "Manufacturer", "ManufacturerModelName",
        "RescaleType", "SoftwareVersions", "WindowCenterWidthExplanation",
    )
)  # fmt: skip
#: Words from a fixed list (CS) of a source CT; in others somebody may have written something else.
CODES_KEPT = frozenset(
    (
        "AcquisitionType", "BodyPartExamined", "BurnedInAnnotation", "CTAcquisitionType", "ComplexImageComponent",
        "ContentQualification", "ConvolutionKernelGroup", "ContrastBolusAgentAdministered",
        "ContrastBolusAgentDetected", "ContrastBolusIngredient", "DimensionOrganizationType", "ExposureModulationType",
        "FilterMaterial", "FrameLaterality", "FrameType", "ImageLaterality", "ImageType", "Laterality",
        "LossyImageCompression", "LossyImageCompressionMethod", "Modality", "MultienergyCTAcquisition",
        "PatientOrientation", "PatientPosition", "PhotometricInterpretation", "PixelPresentation",
        "PresentationLUTShape", "ReconstructionAlgorithm", "ReconstructionType", "RotationDirection", "ScanOptions",
        "SpatialLocationsPreserved", "TableMotion", "VOILUTFunction", "VolumeBasedCalculationTechnique",
        "VolumetricProperties",
    )
)  # fmt: skip
#: Sequences of a source CT that are not in the table: the functional groups (PS3.3 C.7.6.16), references and codes.
SEQUENCES_KEPT = frozenset(
    (
        "AnatomicRegionSequence", "CTAcquisitionDetailsSequence", "CTAcquisitionTypeSequence",
        "CTExposureSequence", "CTGeometrySequence", "CTImageFrameTypeSequence", "CTPositionSequence",
        "CTReconstructionSequence", "CTTableDynamicsSequence", "CTXRayDetailsSequence",
        "ContrastBolusUsageSequence", "DerivationCodeSequence", "DerivationImageSequence", "DimensionIndexSequence",
        "DimensionOrganizationSequence", "FrameAnatomySequence", "FrameContentSequence", "FrameVOILUTSequence",
        "PerFrameFunctionalGroupsSequence", "PixelMeasuresSequence", "PixelValueTransformationSequence",
        "PlaneOrientationSequence", "PlanePositionSequence", "PurposeOfReferenceCodeSequence",
        "SharedFunctionalGroupsSequence",
    )
)  # fmt: skip
#: Elements of bytes: pixels alone.
BINARY_KEPT = frozenset(("FloatPixelData", "PixelData"))
#: Not in the table, but it names scanner, station and institution of earlier steps; nobody must have it.
EQUIPMENT = "ContributingEquipmentSequence"
#: Coding schemes whose codes name no person and no place (PS3.16 8); ours is 99FIBROLENS.
PUBLIC_SCHEMES = frozenset(("DCM", "FMA", "LN", "NCIt", "RADLEX", "SCT", "SNM3", "SRT", "UCUM", "UMLS"))
#: Dummies by value representation: a day on which no CT was made.
DUMMIES = {"DA": "19000101", "DT": "19000101000000", "TM": "000000"}
