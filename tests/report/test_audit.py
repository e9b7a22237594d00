import csv
import re

import numpy as np
import pytest
from tests.report import audits
from tests.report.svg import words

from fibrolens.audit.run import audit_content
from fibrolens.evaluate.saliency.verdict import CHECKS
from fibrolens.report import audit_figures
from fibrolens.report.audit import EXAMPLES, write_audit_report
from fibrolens.report.audit_examples import TruthExample, examples_figure
from fibrolens.report.audit_words import answers
from fibrolens.report.drawing import save


@pytest.fixture(scope="module")
def content():
    return audit_content(audits.checks(), audits.truth())


@pytest.fixture(scope="module")
def out(content, tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    write_audit_report(content, folder)
    return folder


@pytest.fixture(scope="module")
def page(out):
    return (out / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def quick(monkeypatch):
    """Figures are drawn, but small and as PNG alone."""

    def small(figure, stem):
        save(figure, stem.with_suffix(".png"), 20)
        return stem, stem

    monkeypatch.setattr(audit_figures, "save_both", small)


def rows(out, name):
    with (out / "tables" / f"{name}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def headings(page):
    return re.findall(r"<h2[^>]*>(\d)\.", page)


def test_the_page_loads_nothing_and_is_for_research_use_only(page):
    assert "Research use only" in page
    assert not re.search(r"<script|https?://|<link|url\(", page)
    assert "@page { size: A4" in page


def test_the_page_has_its_eight_parts_in_order(page):
    assert headings(page) == list("12345678")
    assert "Not run." not in page


def test_five_sentences_answer_what_a_radiologist_asks(content):
    found = answers(content)
    assert len(found) == 5
    assert re.search(r"first in \d+% of the maps of Integrated gradients conv3 .*; \d+% .* Grad-CAM conv4", found[2])
    assert "3 of 3 kinds of map changed" in found[3]
    assert "guided backprop and edges, which must fail this test, failed it" in found[3]


def test_a_control_that_passes_is_told(content):
    odd = content["controls"] | {"edges": content["controls"]["edges"] | {"randomisation_pass": True}}
    assert "but edges, which must fail this test, did not" in answers(content | {"controls": odd})[3]


def test_every_verdict_has_a_mark_and_a_word(content, page):
    for found in content["methods"].values():
        mark = {"recommended": "✓", "usable": "~", "fails": "✗", "not tested": "–"}[found["verdict"]]
        assert f"{mark} {found['verdict']}</span>" in page
    assert page.count("control, must fail") == len(audits.CONTROLS)


def test_every_finding_of_every_map_is_in_a_table(content, out):
    found = rows(out, "findings")
    assert len(found) == len(CHECKS) * (len(content["methods"]) + len(content["controls"]))
    assert {row["kind"] for row in rows(out, "verdicts")} == {"method", "control"}


def test_the_table_of_the_known_truth_holds_the_content_s_figures(content, out):
    (row,) = (one for one in rows(out, "known_truth") if (one["method"], one["arm"]) == ("gradcam conv4", "spleen"))
    arm = content["methods"]["gradcam conv4"]["checks"]["known_truth"]["arms"]["spleen"]
    assert float(row["top1"]) == pytest.approx(arm["top1"]["value"])
    assert [float(row["low"]), float(row["high"])] == pytest.approx(arm["top1"]["interval"])
    assert row["true_region"] == "spleen"


def test_the_figures_name_every_map_that_was_tested(out):
    truth = words(out / "figures" / "known_truth.svg")
    cascade = words(out / "figures" / "randomisation.svg")
    for title in ("Grad-CAM mean", "Grad-CAM conv4", "Integrated gradients conv3"):
        assert title in truth
        assert title in cascade
    assert "control: edges" in cascade
    assert (out / "figures" / "twins.png").is_file()
    assert (out / "figures" / "ablation.png").is_file()


def test_a_network_without_any_retraining_says_why(page):
    assert "Retraining was not run: the study has no such networks." in page


@pytest.mark.parametrize(("with_study", "with_truth", "gaps"), [(True, False, 2), (False, True, 3), (False, False, 5)])
def test_what_was_not_run_is_said_with_the_command(quick, tmp_path, with_study, with_truth, gaps):
    content = audit_content(audits.checks() if with_study else None, audits.truth() if with_truth else None)
    write_audit_report(content, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert headings(page) == list("12345678")
    assert page.count("Not run. fibrolens audit STUDY") == gaps
    assert len(answers(content)) == 5
    assert (tmp_path / "tables" / "known_truth.csv").is_file() == with_truth
    assert (tmp_path / "tables" / "ablation.csv").is_file() == with_study


@pytest.mark.parametrize("check", ["randomisation", "known_truth", "twins", "ablation"])
def test_the_page_renders_without_any_one_check(quick, tmp_path, check):
    checks, truth = audits.checks(), audits.truth()
    for found in (*checks["methods"].values(), *checks["controls"].values()):
        found.pop(check, None)
    for part in (truth, truth["twins"]):
        if check in ("known_truth", "twins"):
            part["methods"] = {}
    write_audit_report(audit_content(checks, truth), tmp_path)
    assert headings((tmp_path / "report.html").read_text(encoding="utf-8")) == list("12345678")


def test_the_page_renders_without_the_parts_of_the_study_beside_the_checks(quick, tmp_path):
    parts = ("ablation", "retraining", "localisation", "design")
    checks = {key: value for key, value in audits.checks().items() if key not in parts}
    write_audit_report(audit_content(checks, None), tmp_path)
    assert headings((tmp_path / "report.html").read_text(encoding="utf-8")) == list("12345678")


def test_figures_that_are_unknown_are_shown_as_such(tmp_path):
    checks, truth = audits.checks(), audits.truth()
    nothing = {"value": None, "interval": None, "reason": "too few", "of": 0, "patients": 0}
    truth["twins"]["changes"] = dict.fromkeys(truth["twins"]["signs"], nothing)
    for name, found in checks["methods"].items():
        found["noise"] = nothing | {"baseline": None}
        found["ablation"]["rank"] = nothing
        found["deletion"]["gain"] = nothing
        found["deletion"]["beats_random"] = None
        truth["methods"][name]["arms"]["lobes"]["top1"] |= {"value": None, "interval": None}
    write_audit_report(audit_content(checks, truth), tmp_path)
    assert "not known" in words(tmp_path / "figures" / "known_truth.svg")
    assert "not known" in words(tmp_path / "figures" / "twins.svg")


def test_retrained_networks_are_a_table(quick, tmp_path):
    entry = {"auc": {"value": 0.87, "delong": [0.8, 0.93]}}
    networks = {name: {"thresholds": dict.fromkeys(("F>=2", "F>=3", "F4"), entry)} for name in ("lfs", "liver-only")}
    write_audit_report(audit_content(audits.checks() | {"retraining": {"networks": networks}}, None), tmp_path)
    assert [row["Network"] for row in rows(tmp_path, "retraining")] == ["lfs", "liver-only"]


def example():
    evidence = np.zeros((20, 24), dtype=bool)
    evidence[5:10, 6:12] = True
    image = np.full((20, 24), 90, dtype=np.uint8)
    maps = {"integrated conv3": np.where(evidence, 3.0, 0.5)}
    return TruthExample(
        "P0001", 3, image, np.ones((20, 24), np.uint8), evidence, maps, {"integrated conv3": True}, (3.0, 3.0)
    )


def test_one_patient_per_arm_is_shown_with_what_its_map_names(quick, tmp_path, content):
    figures = tmp_path / "figures"
    figures.mkdir()
    examples_figure({"spleen": example()}, ("gradcam conv4", "integrated conv3"), figures / EXAMPLES)
    drawn = words(figures / f"{EXAMPLES}.svg")
    assert "true region first" in drawn
    assert "not made" in drawn
    assert "large spleen" in drawn
    write_audit_report(content, tmp_path)
    assert f'id="{EXAMPLES}"' in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_figure_of_no_patient_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least one"):
        examples_figure({}, ("gradcam conv4",), tmp_path / "none")
