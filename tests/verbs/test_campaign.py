"""Every verb on marked patients and without a network: it calls nobody, and tells nobody who the patient is.

`ALLOWED` is the whole list of places where a mark may stand, and why. Anything else is a leak. All that looks at the
campaign stands in this file, so that one process makes it while another goes on with other tests.
"""

import json
from fnmatch import fnmatch

import pytest
from pydicom import dcmread
from tests.marks import DESCRIPTION, IDENTITY, marks, marks_of
from tests.planted import NAME, word
from tests.verbs.campaign import Campaign
from tests.verbs.marked import OWN_WORDS
from tests.verbs.steps import STEPS

pytestmark = pytest.mark.slow

ANYTHING = None
#: Place (a file below results/, or a step with what it said), marks that may stand there, why.
ALLOWED = (
    ("staged/*/dicom/*.dcm", ANYTHING, "a PACS files an object by patient and study (PS3.3 A.51, A.75, A.35.3)"),
    ("identified/*/dicom/*.dcm", ANYTHING, "the same"),
    ("identified/*/report.*", IDENTITY, "asked for by --identified"),
    ("stage identified: out", {DESCRIPTION}, "asked for by --explain-selection: a series is chosen by it"),
    ("stage refused: err", {DESCRIPTION}, "which series of a study is broken"),
    ("stage deidentified refused: err", {DESCRIPTION}, "the same; it stands on the terminal alone"),
    ("refused/summary.csv", {DESCRIPTION}, "the same"),
    ("cohort check problems: err", {DESCRIPTION}, "the same"),
)


def allowed(place):
    """The marks that may stand at a place; None is all of them."""
    found = set()
    for pattern, words, _ in ALLOWED:
        if fnmatch(place, pattern):
            if words is ANYTHING:
                return None
            found |= words
    return found


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """Every verb has run; to be read only."""
    return Campaign.run(tmp_path_factory.mktemp("verbs"))


@pytest.fixture(scope="module")
def written(campaign):
    """The marks in every file that the verbs have written, by its place."""
    found = [path for path in campaign.results.rglob("*") if path.is_file()]
    return {path.relative_to(campaign.results).as_posix(): marks_of(path) for path in found}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_it_works_without_a_network_and_calls_nobody(campaign, step):
    said = campaign.said(step.name)
    assert said["status"] == step.status, said["err"]
    assert said["attempts"] == []


def test_there_was_no_network(campaign):
    if not campaign.own_network:
        pytest.skip("this machine gives no process a network of its own (unshare --net); only the guard watched")
    assert campaign.own_network


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_what_it_says_names_nobody(campaign, step):
    said = campaign.said(step.name)
    told = {"out": said["out"], "err": said["err"], **{f"answer {k}": v for k, v in said["answers"].items()}}
    leaks = {f"{step.name}: {where}": marks(text) for where, text in told.items()}
    assert {place: found for place, found in leaks.items() if found - (allowed(place) or set())} == {}


def test_what_they_write_names_nobody(written):
    assert len(written) > 150
    leaks = {place: found - words for place, found in written.items() if (words := allowed(place)) is not None}
    assert {place: found for place, found in leaks.items() if found} == {}


def test_no_name_of_a_file_or_folder_is_a_mark(campaign):
    assert not {path for path in campaign.results.rglob("*") if marks(str(path.relative_to(campaign.results)))}


def test_every_allowed_place_is_used(campaign, written):
    said = {
        f"{step.name}: {where}": marks(campaign.said(step.name)[where]) for step in STEPS for where in ("out", "err")
    }
    there = {place for place, found in (said | written).items() if found}
    assert [pattern for pattern, _, why in ALLOWED if not why or not any(fnmatch(p, pattern) for p in there)] == []


def test_the_marks_are_in_the_source(campaign):
    for folder in (campaign.home / "study", campaign.home / "cohort" / "s0", campaign.home / "download" / "CT_1.9"):
        found = marks_of(next(iter(sorted(folder.iterdir()))))
        assert found >= {word(0x00080050), "19470513", "Planted"}, folder
    assert len(marks_of(next(iter(sorted((campaign.home / "study").iterdir()))))) > 400


def test_objects_for_the_pacs_keep_patient_and_study(campaign):
    objects = list((campaign.results / "staged").rglob("*.dcm"))
    assert len(objects) >= 4
    for path in objects:
        data = dcmread(path)
        assert (str(data.PatientName), data.PatientID) == (NAME, word(0x00100020))
        assert data.AccessionNumber == word(0x00080050)


def test_identified_reports_name_the_patient(campaign):
    (page,) = (campaign.results / "identified").rglob("report.html")
    assert marks_of(page) >= IDENTITY


def test_the_users_own_columns_stay(campaign):
    for name in ("predictions.csv", "cohort.csv"):
        text = (campaign.results / "study" / name).read_text(encoding="utf-8")
        assert f"{OWN_WORDS[0]}0" in text
    assert OWN_WORDS[1] in (campaign.results / "study" / "acquisition.csv").read_text(encoding="utf-8")


def test_a_result_says_what_it_is_of_without_naming_the_patient(campaign):
    (path,) = (campaign.results / "staged").rglob("result.json")
    told = json.loads(path.read_text(encoding="utf-8"))["input"]
    assert told["series_uid"]
    assert len(told["sha256"]) == 64
