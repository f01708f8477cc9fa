"""GuidanceCanvas in JupyterLab: a click on any picture changes the maps at once."""

from __future__ import annotations

import re

from tests.browser.driver import PHOTO, Clicker
from tutorial_lib.render import LIGHT

GUIDANCE = """
from tutorial_lib.widgets import GuidanceCanvas
canvas = GuidanceCanvas(photo)
probe = ipywidgets.HTML()
probe.add_class("probe")
def tell(_=None):
    probe.value = canvas.clicks.to_json()
canvas.panel.status.observe(tell, "value")
tell()
ipywidgets.VBox([canvas, probe])
"""
EMPTY = [LIGHT, LIGHT, LIGHT, 255]


def pane(page, name: str) -> Clicker:
    one = Clicker(page)
    title = page.locator(f".tutorial-pane-name:text-is('{name}')")
    one.canvas = page.locator(".tutorial-pane").filter(has=title).locator("canvas").first
    return one


def wait_for_pixel(clicker: Clicker, x: int, y: int, wanted) -> None:
    for _ in range(400):
        if wanted(clicker.pixel(x, y)):
            return
        clicker.page.wait_for_timeout(50)
    raise AssertionError(f"The pixel at ({x}, {y}) stays {clicker.pixel(x, y)}.")


def test_clicks_on_photo_and_map_show_up_in_the_map_of_their_kind(open_in_lab):
    whole = open_in_lab([PHOTO + GUIDANCE])
    page = whole.page
    photo, positive, negative = (
        pane(page, name) for name in ("photo", "object clicks", "background clicks")
    )
    for empty in (positive, negative):
        wait_for_pixel(empty, 100, 100, lambda rgba: rgba == EMPTY)

    photo.click(100, 100)
    whole.wait_for_clicks([200, 200, True])
    wait_for_pixel(positive, 100, 100, lambda rgba: max(rgba[:3]) <= 2)
    assert negative.pixel(100, 100) == EMPTY
    assert photo.pixel(100, 100) != photo.pixel(110, 110), "the photo shows a mark"

    positive.click(200, 60, button="right")
    whole.wait_for_clicks([200, 200, True], [120, 400, False])
    wait_for_pixel(negative, 200, 60, lambda rgba: max(rgba[:3]) <= 2)
    whole.wait_for_status("1 object click, 1 background click; both maps took")

    page.get_by_label("Truncation").select_option("32 px")
    wait_for_pixel(positive, 140, 100, lambda rgba: rgba == EMPTY)
    whole.press("Undo")
    whole.press("Undo")
    whole.wait_for_clicks()
    wait_for_pixel(positive, 100, 100, lambda rgba: rgba == EMPTY)

    tree = page.locator(".tutorial-guidance").first.aria_snapshot()
    controls = re.findall(r"- (?:button|combobox|slider|textbox|checkbox)\b.*", tree)
    assert [c for c in controls if not re.search(r'"[^"]*[A-Za-z]{2}[^"]*"', c)] == []
