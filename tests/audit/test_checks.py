import json

import pytest

from fibrolens.audit.checks import CheckOptions, audit_study
from fibrolens.audit.recipes import AUDITED
from fibrolens.evaluate.saliency.verdict import judge

OPTIONS = CheckOptions(scans=5, workers=1, steps=2, learners=4, recipes=AUDITED[:3])

pytestmark = pytest.mark.slow  # trains networks, on true and on shuffled labels


@pytest.fixture(scope="module")
def audited(finished_study, tmp_path_factory):
    work = tmp_path_factory.mktemp("audit")
    before = {path: path.stat().st_mtime_ns for path in finished_study.rglob("*")}
    found = audit_study(finished_study, work, OPTIONS)
    assert {path: path.stat().st_mtime_ns for path in finished_study.rglob("*")} == before
    return work, found


def test_every_check_can_be_judged_and_nothing_is_nan(audited):
    _, found = audited
    json.dumps(found, allow_nan=False)
    assert set(found["methods"]) == {recipe.name for recipe in OPTIONS.recipes}
    for figures in found["methods"].values():
        made = {"randomisation", "label_randomisation", "ablation", "deletion", "insertion", "repeatability"}
        assert set(figures) == made | {"reproducibility", "noise", "shift", "infidelity"}
        judge(figures)


def test_edges_fail_both_randomisations(audited):
    _, found = audited
    for check in ("randomisation", "label_randomisation"):
        assert found["controls"]["edges"][check]["after"]["value"] == 1.0
        assert found["controls"]["edges"][check]["passed"] is False
    assert judge(found["controls"]["edges"]).verdict == "fails"


def test_ablation_tells_each_region_and_the_whole(audited):
    _, found = audited
    assert set(found["ablation"]["regions"]) == {"liver", "liver_surface", "liver_core", "spleen", "elsewhere"}
    assert set(found["ablation"]["whole"]["auc"]) == {"F>=2", "F>=3", "F4"}
    assert found["retraining"]["networks"] is None
    assert "fibrolens study" in found["retraining"]["reason"]


def test_an_audit_that_was_cut_off_goes_on_to_the_same_figures(audited, finished_study):
    work, found = audited
    measured = sorted((work / "measured").iterdir())
    kept = measured[0].stat().st_mtime_ns
    measured[-1].unlink()
    again = audit_study(finished_study, work, OPTIONS)
    assert measured[0].stat().st_mtime_ns == kept
    assert json.dumps(again, sort_keys=True) == json.dumps(found, sort_keys=True)
