"""The printed report: one page, whatever it is given."""

import copy
import io

import pypdf
import pytest

from fibrolens.report.patient_words import marker_row
from fibrolens.report.pdf import render_pdf
from fibrolens.report.pdf_page import HEIGHT, WIDTH, Page, Style, drawable
from fibrolens.report.scene import Scene
from fibrolens.report.sheets import StripSheet
from fibrolens.report.strip import strip_png
from fibrolens.result import REGIONS

POINTS_PER_MM = 72 / 25.4


def strip_of(staged, location_map, scale="mean1"):
    return StripSheet.of(Scene.of(staged.ct, location_map, staged.labels), scale)


@pytest.fixture(scope="module")
def strips(staged):
    return [
        strip_png(strip_of(staged, location_map)) for location_map in (staged.predicted_map, staged.recommended_map)
    ]


@pytest.fixture
def content(staged):
    return copy.deepcopy(staged.to_dict())


def opened(pdf):
    """The only page of a PDF, its words in one line, and the places in mm from the top where words stand."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == 1
    places = []

    def visit(words, _, matrix, font, size):
        if words.strip():
            places.append((matrix[4] / POINTS_PER_MM, HEIGHT - matrix[5] / POINTS_PER_MM, words))

    text = reader.pages[0].extract_text(visitor_text=visit)
    return reader, " ".join(text.split()), places


def held(**changed):
    told = {"stages": ["F2", "F3"], "claim": 0.9, "calibrated_on": "60 toys", "valid": True, "reason": None}
    return told | changed


def worst(content):
    """Everything that a page may hold, too long and too often."""
    content["scan_id"] = "scan" * 40
    content["model"]["trained_on"] = "a long story of training " * 40
    content["quality"].update(forced=True, acceptable=False, in_domain=False, reasons=["The phase is native. " * 9] * 5)
    content["warnings"] = ["A warning that goes on and on. " * 30, *[f"warning {n}" for n in range(40)]]
    content["marker_details"] = content["marker_details"] * 3
    content["stage"]["conformal_set"] = held(valid=False, reason="not valid here: " + "far from home; " * 20)
    return content


def test_one_a4_page_tells_what_the_result_tells(content, strips):
    content["stage"]["conformal_set"] = held()
    reader, text, _ = opened(render_pdf(content, strips))
    width, height = reader.pages[0].mediabox[2:]
    assert (round(float(width) / POINTS_PER_MM), round(float(height) / POINTS_PER_MM)) == (210, 297)
    assert "Research use only" in text
    assert content["scan_id"] in text
    for name, p in content["stage"]["probabilities"].items():
        assert f"{name}" in text
        assert f"{p:.3f}" in text
    assert "Stage set: F2, F3" in text
    assert "at least 90 %" in text
    for marker in content["marker_details"]:
        row = marker_row(marker)
        assert row["title"] in text
        assert row["value"] in text
    assert "1034 to 2314 mL" in text
    assert f"{content['attention']['liver']['mean']:.2f}" in text
    assert content["model"]["sha256"] in text
    assert content["input"]["sha256"] in text
    assert len(reader.pages[0].images) == 2


def test_the_same_result_gives_the_same_bytes(content, strips):
    assert render_pdf(content, strips) == render_pdf(copy.deepcopy(content), list(strips))


def test_a_figure_stands_against_its_null_band(content, strips):
    band = {"low": 0.7, "median": 1.0, "high": 1.2}
    content["attention"]["liver"].update(null=band, inside_null=True)
    assert "0.7 to 1.2, inside" in opened(render_pdf(content, strips))[1]
    content["attention"]["liver"].update(null=band, inside_null=False)
    assert "0.7 to 1.2, outside" in opened(render_pdf(content, strips))[1]


def test_too_much_is_cut_with_a_pointer_and_nothing_leaves_the_page(content, strips):
    identity = dict.fromkeys(("Name", "Patient ID", "Birth date", "Sex", "Study date", "No."), "long value " * 20)
    _, text, places = opened(render_pdf(worst(content), strips, identity))
    assert text.count("more in report.html") == 2
    assert "FORCED" in text
    assert "not valid here" in text
    assert all(0 < x < WIDTH and 0 < y < HEIGHT - 8 for x, y, _ in places)
    footer = [y for _, y, words in places if words.startswith("Scan:")]
    assert footer
    tables = [y for _, y, words in places if words.startswith("Quality") or "more in report.html" in words]
    assert max(tables) < footer[0]


@pytest.mark.parametrize("extra", [1, 3, 5, 6, 7, 8])
def test_warnings_are_shown_or_counted_but_never_lost(content, strips, extra):
    content["warnings"] = [f"warning number {n} of these." for n in range(extra)]
    _, text, _ = opened(render_pdf(content, strips))
    shown = sum(warning in text for warning in content["warnings"])
    hidden = extra - shown
    assert hidden == 0 or f"{hidden} more in report.html" in text
    assert shown == extra if extra <= 6 else shown >= 5


def test_a_warning_that_is_cut_says_where_to_read_on(content, strips):
    content["warnings"] = ["short."]
    assert "in full in report.html" not in opened(render_pdf(content, strips))[1]
    content["warnings"] = ["A warning that goes on and on. " * 30, "The folder /" + "long/" * 60 + " is odd."]
    _, text, _ = opened(render_pdf(content, strips))
    assert "…: in full in report.html" in text
    content["warnings"] = []
    content["quality"].update(forced=True, reasons=["The phase is native. " * 50])
    assert "in full in report.html" in opened(render_pdf(content, strips))[1]


def test_an_empty_foot_of_the_page_is_used_for_warnings_and_remarks(content, strips):
    content["warnings"] = [f"warning number {n} of these." for n in range(10)]
    _, text, _ = opened(render_pdf(content, strips))
    assert "warning number 9" in text
    content["warnings"] = []
    _, text, _ = opened(render_pdf(content, strips))
    assert "mean ± 2 SD; Pickhardt et al. 2017" in text


def test_nulls_everywhere_are_said(content, strips):
    content["stage"]["conformal_set"] = None
    content["input"]["sha256"] = None
    content["quality"].update(in_domain=None, phase=None)
    for look in ("attention", "attention_recommended"):
        content[look].update(dict.fromkeys(REGIONS))
    for marker in content["marker_details"]:
        marker.update(value=None, reference=None, not_measurable="no organ", note=None, mask_source=None)
    _, text, _ = opened(render_pdf(content, strips[:1]))
    assert text.count("not measurable: no organ") == len(content["marker_details"])
    assert "No stage set" in text
    assert "not known" in text
    assert "Recommended map" not in text


def test_metadata_name_the_program_and_no_scan(content, strips):
    content["scan_id"] = "SECRETSCAN"
    identity = {"Name": "SECRETNAME", "Patient ID": "SECRETID"}
    reader, text, _ = opened(render_pdf(content, strips, identity))
    assert reader.metadata.title == "Liver fibrosis stage"
    assert reader.metadata.author.startswith("fibrolens ")
    assert "SECRET" not in str(dict(reader.metadata))
    assert "SECRETNAME" in text
    assert "SECRETID" in text


def test_fonts_are_embedded(content, strips):
    reader, _, _ = opened(render_pdf(content, strips))
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    assert fonts
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts)


def test_names_appear_in_the_writing_that_the_font_has(content, strips):
    def shown(name):
        return opened(render_pdf(content, strips, {"Name": name}))[1]

    assert "Müller, Анна Ελένη" in shown("Müller, Анна Ελένη")
    assert "Yamada, Tarou" in shown("Yamada, Tarou = 山田, 太郎")
    assert "?" not in shown("Yamada, Tarou = 山田, 太郎")
    assert "??, ??" in shown("山田, 太郎")


def test_text_is_cut_to_its_width():
    page, style = Page("title", "author", "subject"), Style(8.0)
    assert page.wrap("one two three", style, 100.0, 1) == ["one two three"]
    lines = page.wrap("word " * 50, style, 40.0, 3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert all(page.width(line, style) <= 40.0 for line in lines)
    long = page.wrap("see /a/" + "long" * 40 + " there", style, 40.0, 9)
    assert "".join(long) == "see/a/" + "long" * 40 + " there"
    assert all(page.width(line, style) <= 40.0 for line in long)
    cut = page.cut("x" * 500, style, 30.0)
    assert page.width(cut, style) <= 30.0
    assert drawable("a\n\tb 漢") == "a b ?"


def test_a_strip_is_a_png_of_its_content_alone(staged):
    first = strip_png(strip_of(staged, staged.map))
    assert first[:4] == b"\x89PNG"
    assert strip_png(strip_of(staged, staged.map)) == first
    assert strip_png(strip_of(staged, staged.map, "raw")) != first
