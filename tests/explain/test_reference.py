import json
from dataclasses import asdict
from pathlib import Path

import pytest

from fibrolens.errors import ModelError
from fibrolens.evaluate.saliency.null_band import Band, NullBand
from fibrolens.explain.reference import AttentionReference, PatternCount

BAND = NullBand("gradcam", "conv4", "predicted", 20, 20, (Band("liver", 0.5, 1.0, 1.5),))
COUNT = PatternCount("gradcam", "conv4", "F0", "surface", 3, 10)
REFERENCE = AttentionReference("abc", "ten patients", (BAND,), (COUNT,))


def test_a_reference_is_read_as_it_was_written():
    content = json.loads(json.dumps(asdict(REFERENCE)))
    assert AttentionReference.from_dict(content, Path("model")) == REFERENCE


def test_bands_and_frequencies_belong_to_a_kind_of_map():
    assert REFERENCE.band("gradcam", "conv4") == BAND
    assert REFERENCE.band("gradcam", "conv3") is None
    assert REFERENCE.frequency("gradcam", "conv4", "F0", "surface") == COUNT
    assert REFERENCE.frequency("gradcam", "conv4", "F4", "surface") is None
    assert REFERENCE.frequency("gradcam", "conv3", "F0", "surface") is None, "neither lower nor higher names will do"


@pytest.mark.parametrize("changed", [{"bands": 3}, {"patterns": [{"count": 1}]}, {"more": 1}])
def test_a_damaged_reference_names_its_folder(changed):
    content = json.loads(json.dumps(asdict(REFERENCE))) | changed
    with pytest.raises(ModelError, match="attention reference of model cannot be used"):
        AttentionReference.from_dict(content, Path("model"))


@pytest.mark.parametrize("wrong", [{"pattern": "odd"}, {"predicted": "F9"}, {"count": 11}, {"count": -1}])
def test_a_count_is_of_a_pattern_and_a_stage_that_there_are(wrong):
    with pytest.raises(ValueError, match=r"pattern|count"):
        PatternCount(**(asdict(COUNT) | wrong))


def test_a_pattern_may_have_met_no_map():
    assert PatternCount(**(asdict(COUNT) | {"count": 0})).count == 0
