"""GuidanceCanvas, StudyCanvas and a clicked Explorer in JupyterLab, on one page."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page

from tests.browser.driver import PHOTO, Clicker, Server, wait_until_ready
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
STUDY = """
from tutorial_lib.study import draw_plan
from tutorial_lib.widgets import StudyCanvas
plan = draw_plan(["Ada"], 6, ["flower", "coffee"], ["graph-cut"])
plan = plan.model_copy(update={"answer_seconds": 3.0, "pause_seconds": 0.2})
StudyCanvas(plan, "Ada", width=320)
"""
EXPLORER = """
from tutorial_lib.widgets import Explorer
def draw(row=50, col=50):
    return photo
Explorer(draw, point=("row", "col"), row=(1, 99, 1), col=(1, 99, 1))
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


def test_clicks_show_up_in_the_maps_and_a_study_can_be_done(open_in_lab, lab):
    whole = open_in_lab([PHOTO + GUIDANCE, STUDY, EXPLORER])
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
    point_at_a_picture(page)
    do_a_study(page, lab)


def point_at_a_picture(page: Page) -> None:
    """Click the picture of an Explorer, and move on with the arrow keys."""
    picture = page.locator("img.tutorial-pointed")
    readouts = page.locator(".tutorial-explorer .widget-readout")
    size = picture.bounding_box()
    picture.click(position={"x": 0.25 * size["width"], "y": 0.75 * size["height"]})
    readouts.nth(0).filter(has_text="75").wait_for()
    readouts.nth(1).filter(has_text="25").wait_for()
    for key in ("ArrowUp", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    readouts.nth(0).filter(has_text="73").wait_for()
    readouts.nth(1).filter(has_text="26").wait_for()


def do_a_study(page: Page, lab: Server) -> None:
    """Agree, click, reload the page, reach the goal, and go on to the next photo."""
    study = page.locator(".tutorial-study")
    words, canvas = study.locator(".tutorial-study-words"), study.locator("canvas.tutorial-photo")
    state = study.locator(".tutorial-click-canvas div[role=status]")
    study.get_by_role("button", name="I have read this and take part").click()
    canvas.wait_for()
    goal = study.get_by_alt_text("The goal").bounding_box()
    assert abs(goal["width"] - canvas.bounding_box()["width"]) <= 1, "as large as the photo"
    canvas.click(position={"x": 160, "y": 107})
    state.filter(has_text="Click 1 of 20. IoU").wait_for()
    page.mouse.move(1150, 300)
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1500)
    page.reload()
    wait_until_ready(page)
    state.filter(has_text="Click 1 of 20. IoU").wait_for()
    canvas.click(position={"x": 20, "y": 20}, button="right")
    state.filter(has_text="Click 2 of 20 is being answered").wait_for()
    words.filter(has_text="You reached the goal").wait_for()
    assert "graph" not in study.inner_text().lower()
    (path,) = (lab.root / "study-logs").glob("*.json")
    text = path.read_text()
    assert "graph" not in text
    assert [len(task["events"]) for task in json.loads(text)["tasks"]] == [2]
    study.get_by_role("button", name="Next photo").click()
    words.filter(has_text="Task 1 of 1").wait_for()
