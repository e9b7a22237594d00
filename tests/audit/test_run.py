import json

import numpy as np
import pytest

from fibrolens.audit import run as audit_run
from fibrolens.audit.recipes import AUDITED
from fibrolens.audit.run import AuditOptions, audit_content, run_audit
from fibrolens.errors import UsageError
from fibrolens.evaluate.saliency.known_truth import Arm, known_truth
from fibrolens.explain.recipe import RECOMMENDED

PASSED = {
    "passed": True,
    "after": {"value": 0.1, "interval": [0.0, 0.2]},
    "random_pairs": {"value": 0.5, "interval": [0.4, 0.6]},
}


def arm(name, rate):
    """Ten patients, of whom the first ones are named right."""
    first = (np.arange(10) < 10 * rate).astype(float)
    return Arm(name, first, np.ones(10), np.zeros(10, int), np.arange(10), 0.25)


def truth(surface, spleen):
    figures = known_truth([arm("surface", surface), arm("spleen", spleen)], np.random.default_rng(0), 50)
    design = {"seeds": 1, "learnt_from": 0.75, "effect": "strong", "steps": {"surface": 1, "spleen": 1}, "batch": 4}
    design |= {"trained_on": {"F0": 1, "F4": 1}, "looked_at": {"F0": 1, "F4": 10}, "begins_with": "random weights"}
    return {"methods": {RECOMMENDED.name: figures}, "networks": [], "design": design, "twins": None}


def test_every_audited_method_has_a_verdict_and_null_where_nothing_was_run():
    content = audit_content(None, None)
    assert set(content["methods"]) == {recipe.name for recipe in AUDITED}
    for method in content["methods"].values():
        assert (method["known_truth_top1"], method["randomisation_pass"]) == (None, None)
        assert method["verdict"] == "not tested"
        assert method["reasons"]
    assert (content["study"], content["known_truth"], content["twins"]) == (None, None, None)
    json.dumps(content, allow_nan=False)


def test_figures_of_study_and_simulation_stand_under_their_method():
    checks = {
        "methods": {RECOMMENDED.name: {"randomisation": PASSED}},
        "controls": {"edges": {"randomisation": PASSED | {"passed": False}}},
        "ablation": {"regions": []},
        "scans": 40,
    }
    content = audit_content(checks, truth(1.0, 0.5))
    found = content["methods"][RECOMMENDED.name]
    assert found["known_truth_top1"] == 0.75
    assert found["randomisation_pass"] is True
    assert set(found["checks"]) == {"randomisation", "known_truth"}
    assert content["controls"]["edges"]["verdict"] == "fails"
    assert content["study"] == {"ablation": {"regions": []}, "scans": 40}
    assert content["known_truth"]["design"]["seeds"] == 1


@pytest.fixture
def simulated(monkeypatch):
    calls = []

    def fake(*_):
        calls.append(1)
        return truth(1.0, 1.0)

    monkeypatch.setattr(audit_run, "_known_truth", fake)
    return calls


def test_an_audit_is_written_once_and_another_is_not_written_over_it(tmp_path, simulated):
    out, options = tmp_path / "audit", AuditOptions(known_truth=True, seeds=1)
    run_audit(out, options)
    content = json.loads((out / "audit.json").read_text())
    assert content["methods"][RECOMMENDED.name]["known_truth_top1"] == 1.0
    assert "research use only" in content["use"]
    assert "research use only" in (out / "report.html").read_text().lower()
    assert not (out / ".work").exists()
    run_audit(out, options)
    assert len(simulated) == 1
    with pytest.raises(UsageError, match="other inputs or options"):
        run_audit(out, AuditOptions(known_truth=True, seeds=2))
    run_audit(out, AuditOptions(known_truth=True, seeds=2), overwrite=True)
    assert len(simulated) == 2


def test_a_study_that_is_not_complete_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UsageError, match="not a complete study"):
        run_audit(tmp_path / "audit", AuditOptions(study=tmp_path))
    assert not (tmp_path / "audit").exists()
