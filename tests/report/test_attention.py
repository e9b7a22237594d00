from tests.report.svg import words

from fibrolens.report.attention import pattern_figure, region_figure


def test_every_region_is_a_panel_of_both_groupings(evaluation, tmp_path):
    region_figure(evaluation["attention"]["layers"]["mean"]["regions"], tmp_path / "regions", "Layer: mean.")
    text = words(tmp_path / "regions.svg")
    for part in ("Liver", "Liver surface", "Liver core", "Spleen", "Elsewhere", "by predicted stage", "by true stage"):
        assert f"<!-- {part} -->" in text
    assert "Layer: mean. Research use only." in text


def test_every_pattern_is_in_the_key_with_the_paper_last(evaluation, tmp_path):
    pattern_figure(evaluation["patterns"]["layers"]["mean"], tmp_path / "one")
    text = words(tmp_path / "one.svg")
    for part in (
        "liver surface",
        "liver and spleen centres",
        "mixed",
        "outside the organs",
        "not measurable",
        "n = 17",
    ):
        assert f"<!-- {part} -->" in text
    assert text.index("<!-- paper -->") > text.index("<!-- not measurable -->")
