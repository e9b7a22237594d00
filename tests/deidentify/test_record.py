"""What a result says of its input, its masks and its patient's series is told anew."""

from pathlib import Path

import pytest

from fibrolens.deidentify.clean import rewriter
from fibrolens.deidentify.key import Key
from fibrolens.deidentify.record import CHOSEN, Renamed, new_content, text_changes
from fibrolens.errors import CoverageError
from fibrolens.io.reading import source_name

KEY = Key(b"a key for tests, known to all")
UID = "1.2.840.113619.2.55.3.1"
NEW = Renamed("abc", "ct", "f" * 64, "2.25.1")


def result():
    masks = {"kind": "file", "name": "Wernicke_liver.nii.gz", "sha256": "9" * 64, "label_map": None}
    network = {"kind": "segmenter", "name": "vnet", "sha256": "8" * 64, "label_map": None}
    return {
        "scan_id": "Wernicke",
        "input": {
            "path": "/data/Wernicke/ct",
            "series_uid": UID,
            "sha256": "7" * 64,
            "selection": {"series": [{"description": "Dr. Carl"}], "warning": 'Series 4 "Dr. Carl" is near'},
        },
        "quality": {"reasons": ["ct looks like native phase, not at all like a ct."]},
        "masks": {"liver": masks, "spleen": network},
        "attention": {"mask_source": "liver from Wernicke_liver.nii.gz, spleen from vnet"},
        "dicom": {"seg": {"file": "dicom/seg.dcm", "series_uid": UID}},
        "warnings": [
            'Series 4 "Dr. Carl" is near',
            "DICOM objects were not written: Series 4 \"Dr. Carl\" has changed.",
            "The liver in Wernicke_liver.nii.gz and the one that the network found hardly overlap.",
            "A warning of ours, F4, 3 of 5.",
        ],
        "stage": {"predicted": "F4"},
    }  # fmt: skip


def with_masks(liver, spleen):
    """A result of own masks with these names."""
    content = result()
    masks = {
        organ: {"kind": "file", "name": name, "sha256": "9" * 64, "label_map": None}
        for organ, name in {"liver": liver, "spleen": spleen}.items()
    }
    look = {"scale": "mean1", "mask_source": f"liver from {liver}, spleen from {spleen}"}
    return content | {"masks": masks, "attention": look, "warnings": [f"The liver in {liver} is small."]}


def told(content=None):
    content = content or result()
    whole, parts = text_changes(content, Path("/elsewhere/study"), KEY)
    return new_content(content, NEW, rewriter(whole, parts, KEY))


def test_input_and_scan_have_their_new_names():
    new = told()
    assert new["scan_id"] == "abc"
    assert new["input"] == {"path": "ct", "series_uid": "2.25.1", "sha256": "f" * 64, "selection": None}
    assert new["dicom"]["seg"] == {"file": "dicom/seg.dcm", "series_uid": KEY.uid(UID)}


def test_no_old_name_is_left():
    text = str(told())
    for old in ("Wernicke", "Carl", UID, "9" * 64, "7" * 64, "/data", "/elsewhere"):
        assert old not in text
    assert "8" * 64 in text  # of weights, not of a patient


def test_warnings_keep_what_they_mean():
    assert told()["warnings"] == [
        CHOSEN,
        "DICOM objects were not written.",
        "The liver in own liver mask and the one that the network found hardly overlap.",
        "A warning of ours, F4, 3 of 5.",
    ]
    assert told()["quality"]["reasons"] == ["the CT looks like native phase, not at all like a the CT."]


@pytest.mark.parametrize("names", [("a.nii.gz", "Wernicke_a.nii.gz"), ("Wernicke_a.nii.gz", "a.nii.gz")])
def test_of_a_name_that_ends_another_nothing_is_left(names):
    old = with_masks(*names)
    assert "Wernicke" not in str(told(old))
    assert told(old)["attention"]["mask_source"] == "liver from own liver mask, spleen from own spleen mask"


@pytest.mark.parametrize("name", ["F4", "1", "mean1", "gradcam"])
def test_a_mask_called_like_a_value_changes_no_value(name):
    new = told(with_masks(name, name))
    assert (new["stage"], new["attention"]["scale"]) == ({"predicted": "F4"}, "mean1")
    assert {mask["name"] for mask in new["masks"].values()} == {"own mask"}
    assert new["warnings"] == ["The liver in own mask is small."]


def test_the_result_itself_is_not_changed():
    content = result()
    text_changes(content, Path("x"), KEY)
    new_content(content, NEW, str)
    assert content == result()


@pytest.mark.parametrize("typed", [".", "./", "../WERNICKE\xa0CARL", "{home}"])
def test_the_name_of_the_folder_is_told_by_no_sentence(tmp_path, monkeypatch, typed):
    home = tmp_path / "WERNICKE\xa0CARL"
    home.mkdir()
    monkeypatch.chdir(home)
    typed = typed.format(home=home)
    said = CoverageError(f"{source_name(Path(typed))} does not show the whole liver. Use --force.")
    content = result() | {"quality": {"reasons": [str(said)]}, "warnings": [f"{source_name(Path(typed))} is odd."]}
    content["input"] = content["input"] | {"path": typed}

    whole, parts = text_changes(content, Path(typed), KEY)
    new = new_content(content, NEW, rewriter(whole, parts, KEY))

    assert new["quality"]["reasons"] == ["the CT does not show the whole liver. Use --force."]
    assert new["warnings"] == ["the CT is odd."]
