"""The viewer in a real browser, against the service as it runs: what is seen, what is told, and what is asked for."""

import json
import re
from urllib.parse import urlsplit

import numpy as np
import pytest
from tests.serve.process import until
from tests.serve.viewer_kit import PLANTED, SLOW_MS, Served, at, colored, launch, picture, written

from fibrolens.serve.routes.pages import viewer_files

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: the viewer is not driven")
pytestmark = [
    pytest.mark.slow,  # a browser, and pictures that must come while it waits
    pytest.mark.skipif(not viewer_files(), reason="the viewer's page is not built (make web)"),
]

RADIO = "input[name=map]"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as play:
        browser = launch(play)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory, browser):
    """A running service; depends on the browser, so that nothing is started where there is none."""
    folder = tmp_path_factory.mktemp("viewer")
    written(folder)
    served = Served.start(folder)
    yield served
    served.end()


@pytest.fixture(scope="module")
def jobs(served):
    """The same patient twice: as most files lie, and turned about."""
    return [served.staged(served.folder / f"{name}.nii.gz") for name in ("first", "second")]


@pytest.fixture(scope="module")
def tab(browser, served, jobs):
    """A page that is signed in and reaches the service alone; it keeps what it asked for and complained of."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    page.set_default_timeout(SLOW_MS)
    page.asked, page.elsewhere, page.complaints = [], [], []

    def guard(route):
        page.elsewhere.append(route.request.url)
        route.abort()

    here = urlsplit(served.origin).netloc
    context.route(lambda url: urlsplit(url).netloc != here and not url.startswith(("data:", "blob:")), guard)
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda said: page.complaints.append(said.text) if complains(said) else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(f"{served.origin}/?token={served.token}")
    page.get_by_role("heading", name="Scans").wait_for()
    yield page
    context.close()


def complains(said):
    """Whether a message of the console is one of the page's, not of the graphics driver about its own speed."""
    return said.type in ("error", "warning") and "GL Driver Message" not in said.text


def shown(tab, address):
    """Open a page of the viewer and wait until it stands there with its slices."""
    tab.goto(f"{tab.url.partition('#')[0]}#/")
    tab.locator("main[data-shown='#/']").wait_for()
    tab.goto(f"{tab.url.partition('#')[0]}{address}")
    tab.locator(f"main[data-shown='{address}']").wait_for()
    return tab


@pytest.fixture
def scan(tab, jobs):
    return shown(tab, f"#/scan/{jobs[0]}")


def place(page, nth=0):
    """What stands under the crosshair."""
    told = page.locator(".place").nth(nth)
    said = json.loads(told.get_attribute("data-place"))
    return said, told.inner_text()


def click(page, across, down, nth=0):
    """Click a canvas at a share of its width and height."""
    canvas = page.locator("canvas.slices").nth(nth)
    box = canvas.bounding_box()
    canvas.click(position={"x": across * box["width"], "y": down * box["height"]})
    page.wait_for_timeout(100)


def draw(page, **looks):
    """Set sliders by their labels; the picture that comes of it."""
    for label, value in looks.items():
        page.get_by_label(label.replace("_", " ")).fill(str(value))
    return picture(page)


def test_an_upload_is_staged_opened_and_deleted(tab, served):
    shown(tab, "#/")
    tab.get_by_label("Stage what the quality gate refuses").check()
    tab.get_by_label("Choose files").set_input_files(served.folder / "first.nii.gz")
    row = tab.get_by_role("row", name=re.compile("FORCED"))
    row.get_by_role("link", name="first.nii.gz").click()
    tab.get_by_role("heading", name="Predicted stage: F4").wait_for()
    tab.locator("main[data-shown^='#/scan/']").wait_for()
    assert place(tab)[0]["organ"] in ("liver", "spleen", "")
    tab.get_by_role("link", name="fibrolens").click()
    row.get_by_role("button", name="Delete first.nii.gz").click()
    dialog = tab.get_by_role("dialog", name="Delete first.nii.gz?")
    dialog.get_by_role("button", name="Keep").click()
    assert row.count() == 1
    row.get_by_role("button", name="Delete first.nii.gz").click()
    dialog.get_by_role("button", name="Delete").click()
    row.wait_for(state="detached")


def test_a_refused_upload_tells_why(tab):
    shown(tab, "#/")
    tab.get_by_label("Choose files").set_input_files({"name": "notes.zip", "mimeType": "", "buffer": b"PK\3\4 no zip"})
    row = tab.get_by_role("row", name=re.compile("notes.zip.*refused"))
    assert len(row.locator(".reason").inner_text()) > 20
    row.get_by_role("button", name="Delete notes.zip").click()
    tab.get_by_role("dialog").get_by_role("button", name="Delete").click()
    row.wait_for(state="detached")


def test_a_dropped_file_is_uploaded(tab):
    shown(tab, "#/")
    data = tab.evaluate_handle(
        "() => { const d = new DataTransfer(); d.items.add(new File(['PK nothing'], 'dropped.zip')); return d; }"
    )
    tab.locator(".drop").dispatch_event("drop", {"dataTransfer": data})
    tab.get_by_text("dropped.zip").first.wait_for()


def test_the_map_is_seen_and_every_stage_has_its_own(scan):
    names = [radio.get_attribute("value") for radio in scan.locator(RADIO).all()]
    assert names == ["F0", "F1", "F2", "F3", "F4", "recommended"]
    seen = {}
    for name in names:
        scan.locator(f"{RADIO}[value={name}]").check()
        scan.get_by_text(re.compile(f"map of {name.removeprefix('recommended')}")).first.wait_for()
        seen[name] = draw(scan, Hide_below=0.5)
    assert all(colored(one) > 0.01 for one in seen.values())
    assert all((np.abs(seen["F4"] - seen[name]).max(axis=2) > 0.1).mean() > 0.01 for name in names if name != "F4")


def test_opacity_and_threshold_are_separate(scan):
    whole = draw(scan, Hide_below=0.2, Opacity=0.8)
    faint = draw(scan, Opacity=0.1)
    none = draw(scan, Opacity=0)
    part = draw(scan, Opacity=0.8, Hide_below=2)
    empty = draw(scan, Hide_below=12)
    assert colored(whole) > colored(part) > 0.005
    assert colored(none) == 0
    assert colored(faint) < colored(whole)
    # What is below the threshold is the CT as it is without a map.
    assert (np.abs(empty - none).max(axis=2) > 0.05).mean() < 0.03


def test_no_picture_stands_under_another_scans_name(tab, served, jobs):
    slow, other = (f"#/scan/{job}" for job in jobs)
    page, held = tab.context.new_page(), []
    page.set_default_timeout(SLOW_MS)
    page.route(lambda url: f"{jobs[0]}/volumes/ct" in url, lambda route: held.append(route))  # noqa: PLW0108 (Playwright marks what it is given)
    page.goto(f"{served.origin}/{other}")
    page.locator(f"main[data-shown='{other}']").wait_for()
    page.goto(f"{served.origin}/{slow}")
    page.get_by_role("heading", name="Predicted stage").wait_for()
    until("not asked for", lambda: page.wait_for_timeout(50) or held)
    assert not page.locator("main canvas.slices").is_visible()
    assert page.locator(".place").inner_text().strip() == ""
    page.goto(f"{served.origin}/{other}")
    page.locator(f"main[data-shown='{other}']").wait_for()
    click(page, 0.4, 0.4)
    before = place(page)
    # What was asked for first comes last, and is thrown away.
    held[0].continue_()
    page.wait_for_timeout(3000)
    assert place(page) == before
    page.close()


@pytest.mark.parametrize("turned", [False, True])
def test_the_crosshair_tells_what_the_files_hold(tab, served, jobs, turned):
    job = jobs[int(turned)]
    page = shown(tab, f"#/scan/{job}")
    page.locator(f"{RADIO}[value=F3]").check()
    page.get_by_text("Location map of F3").wait_for()
    picture(page)
    ct, labels = (served.image_of(name) for name in (("first", "LPS"), ("second", "SAR"))[int(turned)])
    maps = served.image(job, "maps/F3.nii.gz")
    slope = json.loads(served.ask(f"/jobs/{job}/view"))["volumes"]
    half = next(volume["slope"] for volume in slope if volume["name"] == "F3") / 2
    seen = set()
    for across, down in ((0.3, 0.4), (0.4, 0.55), (0.62, 0.4), (0.7, 0.6), (0.55, 0.8), (0.22, 0.1)):
        click(page, across, down)
        page.keyboard.press("PageUp")
        page.wait_for_timeout(100)
        said, words = place(page)
        assert said["hu"] == at(ct, said["mm"])
        assert said["map"] == pytest.approx(at(maps, said["mm"]), abs=half + 1e-6)
        assert said["organ"] == ["", "liver", "spleen"][int(at(labels, said["mm"]))]
        assert f"{said['hu']:.0f} HU" in words
        # The patient's right is on the left.
        assert (said["mm"][0] > 0) == (across < 0.5)
        seen.add(said["hu"])
    assert len(seen) > 3


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("plane", ["axial", "coronal"])
def test_the_picture_is_the_right_way_up(tab, jobs, turned, plane):
    page = shown(tab, f"#/scan/{jobs[int(turned)]}")
    page.get_by_label("Outlines").uncheck()
    page.get_by_label("CT window").select_option(label="Bone, -500 to 1300")
    page.get_by_label("Plane").select_option(plane)
    draw(page, Opacity=0)
    page.locator("canvas.slices").focus()
    axis, among = {"axial": (2, PLANTED[0]), "coronal": (1, PLANTED[1])}[plane]
    for _ in range(130):
        said = place(page)[0]
        count = said["of"][axis]
        # Planted from the front and the top; voxels of the patient count towards the front and the top.
        wanted = count + (among.start + among.stop) // 2 if axis == 2 else count - 8
        if said["voxel"][axis] == wanted:
            break
        page.keyboard.press("PageUp" if said["voxel"][axis] < wanted else "PageDown")
        page.wait_for_timeout(30)
    bright = picture(page).min(axis=2) > 0.95
    rows, columns = np.nonzero(bright)
    inside = (rows < bright.shape[0] * 0.35) & (columns < bright.shape[1] * 0.4)
    assert inside.sum() > 200
    others = bright[: bright.shape[0] // 3, bright.shape[1] // 2 :].sum()
    assert others < inside.sum() / 4


def test_the_null_band_hides_what_untrained_networks_show_as_well(scan):
    box = scan.get_by_role("checkbox", name=re.compile("null band"))
    before = draw(scan, Hide_below=0)
    box.check()
    assert colored(picture(scan)) < colored(before)


def test_figures_stand_as_charts_and_as_tables(scan, served, jobs):
    result = json.loads(served.ask(f"/jobs/{jobs[0]}/result"))
    for summary in scan.locator("summary", has_text="As a table").all():
        summary.click()
    stages = scan.get_by_role("table", name="Probability of each stage")
    for stage, p in result["stage"]["probabilities"].items():
        row = stages.get_by_role("row", name=re.compile(f"^{stage}"))
        held = "yes" if stage in result["stage"]["conformal_set"]["stages"] else "no"
        assert f"{p:.3f}" in row.inner_text()
        assert row.inner_text().endswith(held)
    text = scan.locator("main").inner_text()
    assert "Conformal set: F3, F4" in text
    assert "90 %" in text
    for warning in result["warnings"]:
        assert warning in text
    for marker in result["marker_details"]:
        assert marker["title"] in scan.locator("main").text_content()
    assert "Research use only" in scan.locator("header").inner_text()
    assert scan.get_by_role("link", name=re.compile("zip")).first.get_attribute("href").endswith("/archive.zip")


def test_two_scans_side_by_side_show_the_same_place(tab, jobs):
    page = shown(tab, f"#/compare/{jobs[0]}/{jobs[1]}")
    picture(page)
    for across, down in ((0.35, 0.5), (0.6, 0.4)):
        click(page, across, down)
        page.keyboard.press("PageDown")
        page.wait_for_timeout(300)
        first, second = place(page, 0)[0], place(page, 1)[0]
        assert np.allclose(first["mm"], second["mm"], atol=5)
        assert first["hu"] == second["hu"]
    page.get_by_role("heading", level=1).click()
    left, right = (picture(page, f"canvas.slices >> nth={n}") for n in (0, 1))
    # One patient in two files: the same picture with map and outlines, but for the rims of voxels.
    assert (np.abs(left - right).max(axis=2) > 0.2).mean() < 0.008


def test_everything_is_reached_by_the_keyboard(tab, jobs):
    page = shown(tab, "#/")
    page.evaluate("document.body.focus()")
    reached = []

    def onwards(what, most=60):
        for _ in range(most):
            page.keyboard.press("Tab")
            said = page.evaluate(
                "() => { const e = document.activeElement; return e.tagName + ' ' + (e.getAttribute('aria-label') || "
                "(e.labels && e.labels[0] && e.labels[0].textContent) || e.textContent || '') }"
            )
            reached.append(said)
            if re.search(what, said):
                return
        raise AssertionError(f"{what} is not reached by Tab: {reached}")

    onwards("^A second.nii.gz")
    # The list is asked for again and again, and the focus stays.
    page.wait_for_timeout(4000)
    page.keyboard.press("Enter")
    page.locator(f"main[data-shown='#/scan/{jobs[1]}']").wait_for()
    onwards("^CANVAS")
    before = place(page)[0]
    for key, axis, by in (("PageUp", 2, 1), ("ArrowUp", 1, 1), ("ArrowRight", 0, -1), ("PageDown", 2, -1)):
        page.keyboard.press(key)
        page.wait_for_timeout(100)
        after = place(page)[0]
        assert [a - b for a, b in zip(after["voxel"], before["voxel"], strict=True)] == [
            by * (n == axis) for n in range(3)
        ]
        before = after
    # Told to a screen reader when the movement rests.
    page.get_by_role("status").get_by_text(re.compile(r"axial slice \d+ of \d+\. -?\d+ HU")).wait_for()
    for what in (
        "^INPUT.*(F0|F1|F2|F3|F4|Recommended)",
        "Plane",
        "CT window",
        "Colours",
        "Hide below",
        "Opacity",
        "Outlines",
    ):
        onwards(what)
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys and help").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


NAMELESS = """() => [...document.querySelectorAll('a, button, input, select, canvas, table, svg[role=img], summary')]
  .filter(e => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || (e.labels && e.labels.length) ||
    e.querySelector('caption, h2') || e.textContent.trim()) && !e.closest('[aria-hidden]')).map(e => e.outerHTML)"""
FAINT = """() => {
  const light = c => { const v = c.map(x => x / 255).map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
    return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
  const rgb = s => (s.match(/[\\d.]+/g) || []).map(Number);
  const under = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] > 0) return c; } return [0, 0, 0]; };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), faint = [];
  for (let n; (n = walk.nextNode());) {
    const e = n.parentElement;
    if (!n.data.trim() || !e.checkVisibility() || e.closest('option')) continue;
    const style = getComputedStyle(e), own = rgb(e.closest('svg') ? style.fill : style.color);
    const [a, b] = [light(own), light(under(e))].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) faint.push([n.data.trim(), ratio]);
  }
  return faint;
}"""

WIDE = """() => [...document.querySelectorAll('body, body *')].filter(e => e.checkVisibility() &&
  !e.closest('.parked, .hidden, .skip, svg') && e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("address", ["#/", "#/scan/{0}", "#/compare/{0}/{1}"])
def test_everything_has_a_name_and_enough_contrast(tab, jobs, address):
    page = shown(tab, address.format(*jobs))
    assert page.get_by_role("main").count() == page.get_by_role("banner").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("navigation", name="Service").count() == 1
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate(FAINT) == []


@pytest.mark.parametrize("width", [1024, 700])
@pytest.mark.parametrize("address", ["#/", "#/scan/{0}", "#/compare/{0}/{1}"])
def test_a_narrow_window_cuts_nothing_off(tab, jobs, address, width):
    """700 points are a window of 1400 at a zoom of 200 %."""
    page = shown(tab, address.format(*jobs))
    page.set_viewport_size({"width": width, "height": 800})
    page.wait_for_timeout(300)
    wide = page.evaluate(WIDE)
    page.set_viewport_size({"width": 1400, "height": 900})
    assert wide == []


def test_nothing_leaves_the_server_and_nothing_is_sent_twice(tab, jobs):
    for _ in range(2):
        page = shown(tab, f"#/scan/{jobs[0]}")
        for radio in page.locator(RADIO).all():
            radio.check()
            picture(page)
    shown(page, f"#/compare/{jobs[0]}/{jobs[0]}")
    volumes = [url for url in page.asked if "/volumes/" in url and jobs[0] in url]
    assert len(volumes) == len(set(volumes)) == 8
    assert page.elsewhere == []
    assert page.complaints == []
