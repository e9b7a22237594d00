"""What was found, as a structured report: TID 1500 in a Comprehensive 3D SR (PS3.16 annex A, PS3.3 A.35.13).

Groups in their order: the stage; liver and spleen, each with its segment; markers of no single organ; attention, of the
map that was asked for and of the recommended one where that is another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceSeriesForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom import Dataset
from pydicom.sr.codedict import codes as standard
from pydicom.sr.coding import Code

from fibrolens.io.dicom.objects import codes
from fibrolens.io.dicom.objects.maker import LONG_TEXT, NAME, RESEARCH, Maker, finish, plain
from fibrolens.io.dicom.objects.measurements import MARKERS, marker, number
from fibrolens.io.dicom.objects.source import Source

Group = MeasurementsAndQualitativeEvaluations | VolumetricROIMeasurementsAndQualitativeEvaluations

#: Where each region of `attention` lies: the structure, and what part of it.
SITES: Mapping[str, tuple[Code, str | None]] = {
    "liver": (codes.LIVER, None),
    "liver_surface": (codes.LIVER, "surface"),
    "liver_core": (codes.LIVER, "core"),
    "spleen": (codes.SPLEEN, None),
    "elsewhere": (codes.ABDOMEN, "elsewhere"),
}
PATTERNS = {
    "surface": "pattern_surface",
    "core": "pattern_core",
    "mixed": "pattern_mixed",
    "off_organ": "pattern_off",
    "unknown": "pattern_unknown",
}


def structured_report(
    source: Source, content: Mapping[str, Any], objects: Mapping[str, Dataset], maker: Maker
) -> Comprehensive3DSR:
    """The report of one result.

    Args:
        source: the CT.
        content: of ``result.json``.
        objects: the segmentation (``seg``), where there is one, and the maps (``map``, ``map_recommended``).
        maker: who makes the object.
    """
    groups = [_stage(content, maker), *_organs(source, content, objects.get("seg"), maker)]
    groups += [*_other_markers(content, maker), *_looks(content, maker)]
    device = DeviceObserverIdentifyingAttributes(
        uid=maker.uid("device"),
        name=NAME,
        manufacturer_name=NAME,
        model_name=f"{NAME} stage",
        serial_number=maker.weights[:16] or None,
    )
    report = MeasurementReport(
        observation_context=ObservationContext(
            observer_device_context=ObserverContext(
                observer_type=standard.DCM.Device, observer_identifying_attributes=device
            )
        ),
        procedure_reported=codes.CT_IMAGING,
        imaging_measurements=groups,
        title=standard.DCM.ImagingMeasurementReport,
    )
    for words in (RESEARCH, *content["warnings"]):
        report[0].ContentSequence.append(_comment(words))
    data = Comprehensive3DSR(
        evidence=[*source.files, *objects.values()],
        content=report[0],
        is_complete=True,
        coding_schemes=[codes.scheme()],
        **maker.identity("report", source, "fibrolens fibrosis stage report, research use only"),
        **maker.equipment,
    )
    finish(data, maker, "report", source)
    return data


def _stage(content: Mapping[str, Any], maker: Maker) -> Group:
    """Stage, probabilities and the conformal set (TID 1501)."""
    stage = content["stage"]
    held = stage["conformal_set"]
    measured = [number(codes.own(f"p_{name.lower()}"), value) for name, value in stage["probabilities"].items()]
    measured += [number(codes.own(f"at_least_{name.lower()}"), value) for name, value in stage["at_least"].items()]
    measured.append(number(codes.own("expected"), stage["expected"]))
    judged = [QualitativeEvaluation(codes.own("stage"), _stage_code(stage["predicted"]))]
    said = [f"Weights {maker.model} were trained on {content['model']['trained_on']}."]
    if held is not None:
        measured.append(number(codes.own("set_claim"), held["claim"]))
        judged += [QualitativeEvaluation(codes.own("set_stage"), _stage_code(name)) for name in held["stages"]]
        judged.append(QualitativeEvaluation(codes.own("set_valid"), codes.YES if held["valid"] else codes.NO))
        said.append(f"Conformal set calibrated on {held['calibrated_on']}. {held['reason'] or ''}")
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(maker.uid("group", "stage"), "Fibrosis stage"),
        finding_type=codes.FIBROSIS,
        finding_sites=[FindingSite(codes.LIVER)],
        algorithm_id=_algorithm(maker, f"weights={maker.weights}"),
        measurements=measured,
        qualitative_evaluations=judged,
    )
    return _with_comments(group, said)


def _organs(source: Source, content: Mapping[str, Any], seg: Dataset | None, maker: Maker) -> Iterator[Group]:
    """Markers measured in one segment, with a reference to it (TID 1411)."""
    if seg is None:
        return
    for segment in seg.SegmentSequence:
        organ = str(segment.TrackingID)
        # Built by hand: from_segmentation of highdicom 0.28 fails on a segmentation of a single segment.
        reference = ReferencedSegment(
            sop_class_uid=seg.SOPClassUID,
            sop_instance_uid=seg.SOPInstanceUID,
            segment_number=int(segment.SegmentNumber),
            source_series=SourceSeriesForSegmentation(source.study.SeriesInstanceUID),
        )
        measured, said = _markers(content, organ)
        group = VolumetricROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=TrackingIdentifier(segment.TrackingUID, organ),
            referenced_segment=reference,
            finding_type=codes.ORGAN,
            finding_sites=[FindingSite(codes.LIVER if organ == "liver" else codes.SPLEEN)],
            algorithm_id=_algorithm(maker, f"mask={_mask(content['masks'][organ])}"),
            measurements=measured,
        )
        yield _with_comments(group, said)


def _other_markers(content: Mapping[str, Any], maker: Maker) -> Iterator[Group]:
    """Markers of several organs, of one without a segment, and of the blood (TID 1501)."""
    measured, said = _markers(content, None)
    if measured or said:
        group = MeasurementsAndQualitativeEvaluations(
            tracking_identifier=TrackingIdentifier(maker.uid("group", "markers"), "Other markers"),
            finding_sites=[FindingSite(codes.ABDOMEN)],
            algorithm_id=_algorithm(maker),
            measurements=measured,
        )
        yield _with_comments(group, said)


def _markers(content: Mapping[str, Any], organ: str | None) -> tuple[list[Measurement], list[str]]:
    """The markers of an organ's group that have a value, and why the others have none or mean less."""
    mine = [item for item in content["marker_details"] if MARKERS[item["name"]].segment == organ]
    measured = [marker(item) for item in mine if item["value"] is not None]
    missing = [f"{item['title']}: not measurable, {item['not_measurable']}." for item in mine if item["value"] is None]
    return measured, missing + [f"{item['title']}: {item['note']}." for item in mine if item["note"]]


def _looks(content: Mapping[str, Any], maker: Maker) -> Iterator[Group]:
    """Attention by the method that was asked for, and by the recommended one where that is another."""
    asked, recommended = content["attention"], content["attention_recommended"]
    yield _attention("Attention", asked, maker)
    if (recommended["method"], recommended["layer"]) != (asked["method"], asked["layer"]):
        yield _attention("Attention, recommended method", recommended, maker)


def _attention(title: str, look: Mapping[str, Any], maker: Maker) -> Group:
    """Mean and share of a map per region, and its pattern (TID 1501)."""
    measured = []
    for region, (structure, part) in SITES.items():
        site = FindingSite(structure, topographical_modifier=None if part is None else codes.own(part))
        for name in ("mean", "share"):
            value = None if look[region] is None else look[region][name]
            if value is not None:
                measured.append(number(codes.own(f"map_{name}"), value, site))
    how = f"method={look['method']}, layer={look['layer']}, scale={look['scale']}, stage={look['target']}"
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(maker.uid("group", title), title),
        finding_type=codes.CLASS_ACTIVATION,
        algorithm_id=_algorithm(maker, how),
        measurements=measured,
        qualitative_evaluations=[
            QualitativeEvaluation(codes.own("map_pattern"), codes.own(PATTERNS[look["pattern"]])),
        ],
    )
    return _with_comments(group, [f"Location map: {how}. On the scale mean1, 1 is the mean inside the body."])


def _algorithm(maker: Maker, *parameters: str) -> AlgorithmIdentification:
    """What computed a group (TID 4019)."""
    return AlgorithmIdentification(
        name=NAME,
        version=maker.version,
        parameters=[plain(p, LONG_TEXT) for p in parameters] or None,
        family=codes.ARTIFICIAL_INTELLIGENCE,
    )


def _mask(mask: Mapping[str, Any]) -> str:
    """What made a mask; the name of a user's file stays out, for it may be a patient's."""
    return f"{mask['name'] if mask['kind'] == 'segmenter' else 'given by the user'} {mask['sha256']}".strip()


def _stage_code(name: str) -> CodedConcept:
    return codes.own(f"stage_{name.lower()}")


def _comment(words: str) -> TextContentItem:
    return TextContentItem(codes.COMMENT, plain(words, LONG_TEXT), RelationshipTypeValues.CONTAINS)


def _with_comments(group: Group, said: Sequence[str]) -> Group:
    """The group with words in its container, which highdicom's constructors do not take."""
    for words in said:
        group[0].ContentSequence.append(_comment(words))
    return group
