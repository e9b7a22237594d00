from dataclasses import replace

import pytest

from fibrolens.errors import UsageError
from fibrolens.staging.modes import MODES
from fibrolens.study.plans import StudyPlan
from fibrolens.study.rival_plans import PANELS, default_panels, known_markers, source_of, title_of, with_rivals


def test_all_rivals_for_ct_begin_alike_and_have_the_upper_abdomen_among_them(study_plan):
    plan = with_rivals(replace(study_plan, initial="lfs-small"), "all")
    names = [rival.name for rival in plan.rivals]
    assert names == [name for name in MODES if name != "liver-levels"]
    assert len({(r.staging.training.steps, r.staging.training.seed) for r in plan.rivals}) == 1
    assert {rival.staging.grid for rival in plan.rivals} == {study_plan.staging.grid}
    assert len(plan.panels) == len(default_panels())


def test_all_rivals_for_mr_have_the_form_for_mri_and_no_region_that_needs_the_grey_of_fat(study_plan):
    staging = study_plan.staging
    plan = replace(study_plan, staging=replace(staging, grid=replace(staging.grid, intensity="mr")))
    names = {rival.name for rival in with_rivals(plan, "all").rivals}
    assert "liver-levels" in names
    assert not names & {"no-liver", "no-spleen"}
    with pytest.raises(UsageError, match="no rival 'no-liver' for these scans"):
        with_rivals(plan, "no-liver")


def test_a_network_from_random_weights_is_its_own_lfs(study_plan):
    plan = with_rivals(study_plan, "no-spleen, liver-2d", 7)
    assert [rival.name for rival in plan.rivals] == ["no-spleen", "liver-2d"]
    assert plan.rivals[0].staging.training.steps == 7


def test_a_single_rival_brings_the_one_that_it_is_compared_with(study_plan):
    plan = with_rivals(replace(study_plan, initial="lfs-small"), "no-spleen")
    assert [rival.name for rival in plan.rivals] == ["lfs", "no-spleen"]


def test_markers_alone_and_nothing(study_plan):
    assert with_rivals(study_plan, "markers").rivals == ()
    assert with_rivals(study_plan, "markers").panels == default_panels()
    assert with_rivals(study_plan, "none") == study_plan
    assert study_plan == StudyPlan(study_plan.staging, inner_folds=4)


def test_an_unknown_rival_is_refused(study_plan):
    with pytest.raises(UsageError, match="no rival 'spleen-only'"):
        with_rivals(study_plan, "lfs,spleen-only")


def test_every_panel_and_marker_has_a_title_and_a_source():
    panels = default_panels()
    assert len(panels) == len(PANELS) + len(known_markers())
    assert len({panel.name for panel in panels}) == len(panels)
    for panel in panels:
        assert title_of(panel)
        assert source_of(panel)
    assert all(set(panel.markers) <= set(known_markers()) for panel in panels)
