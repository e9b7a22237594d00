"""The form in a real browser: by keyboard alone, saved at once, going on where the reader stopped."""

import shutil
import threading
from pathlib import Path

import pytest

from fibrolens.readers.server import FormServer

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: the form is not driven")
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645"
    "400000000049454e44ae426082"
)


@pytest.fixture
def server(store, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for item in store.order("A"):
        (pictures / f"{item}.png").write_bytes(PIXEL)
    with FormServer(store, pictures) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _own(play):
    path = Path(play.chromium.executable_path)
    return path if path.exists() else None


@pytest.fixture
def page(server):
    with playwright.sync_playwright() as play:
        try:
            # Playwright's own where it was installed, else the machine's.
            browser = play.chromium.launch(executable_path=_own(play) or shutil.which("chromium"))
        except playwright.Error as error:
            pytest.skip(f"Playwright has no Chromium: {error}")
        page = browser.new_page()
        page.goto(server.link)
        page.get_by_role("radio", name="A", exact=True).check()
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Picture 1 of 6").wait_for()
        yield page
        browser.close()


def test_two_digits_are_a_reading_and_arrows_go_on(page, store):
    assert "token" not in page.url
    page.keyboard.press("2")
    assert "how sure" in page.get_by_role("status").inner_text()
    page.keyboard.press("4")
    page.get_by_text("Saved.", exact=True).wait_for()
    assert store.current("A")["map0"].said == ("core", 4, "")
    page.keyboard.press("ArrowRight")
    page.get_by_role("heading", name="Picture 2 of 6").wait_for()
    page.keyboard.press("ArrowLeft")
    assert page.get_by_role("radio", name="Centres of liver and spleen").is_checked()


def test_the_reader_goes_on_where_they_stopped(page):
    page.keyboard.press("1")
    page.keyboard.press("5")
    page.get_by_text("Saved.", exact=True).wait_for()
    page.reload()
    page.get_by_role("heading", name="Picture 2 of 6").wait_for()
    assert page.get_by_text("1 of 6 read").is_visible()


def test_a_comment_is_saved_as_text(page, store):
    page.keyboard.press("3")
    page.keyboard.press("1")
    page.get_by_label("Comment").fill("<b>rim</b> 5")
    page.keyboard.press("Tab")
    playwright.expect(page.get_by_role("status")).to_have_text("Saved.")
    page.reload()
    page.get_by_role("heading", name="Picture 2 of 6").wait_for()
    page.keyboard.press("ArrowLeft")
    assert page.get_by_label("Comment").input_value() == "<b>rim</b> 5"
    assert [reading.comment for reading in store.history("A")][-1] == "<b>rim</b> 5"


def test_without_the_program_the_page_says_so_and_tries_again(page, store):
    page.route("**/readings", lambda route: route.abort())
    page.keyboard.press("1")
    page.keyboard.press("1")
    page.get_by_text("Not saved: the program does not answer").wait_for()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("heading", name="Picture 1 of 6").is_visible()
    page.unroute("**/readings")
    page.get_by_text("Saved.", exact=True).wait_for()
    assert len(store.history("A")) == 1
