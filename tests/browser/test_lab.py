"""ClickCanvas in JupyterLab, with a real mouse, keyboard and finger."""

from __future__ import annotations

import io
import re
from functools import partial

import pytest
from PIL import Image

from tests.browser.driver import PHOTO, WIDGET, wait_until_ready

SLOW = """
import time
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.registry import MethodInfo, register
class Slow:
    def prepare(self, image):
        return image
    def segment(self, image, clicks):
        time.sleep(1.0)
        if len(clicks) == 4:
            raise RuntimeError("Four clicks are too many for me.")
        return Segmentation(clicks.discs(image.shape, 40)[0].astype("float32"))
register(MethodInfo("slow", "classical", False, "Sleeps.", "nobody", Slow))
"""

SAVED = "() => !window.jupyterapp.shell.currentWidget.context.model.dirty"
# A button that keeps the kernel busy until the test lets it go on, and draws the photo in between.
BUSY = """
import time
from pathlib import Path
from IPython.display import display
says = ipywidgets.HTML().add_class("says")
busy = ipywidgets.Button(description="Be busy")
def wait_for(name):
    says.value = "waits for " + name
    while not Path(name).exists():
        time.sleep(0.05)
    Path(name).unlink()
def be_busy(_):
    wait_for("redraw")
    canvas.redraw()
    wait_for("go")
    says.value = "is free"
busy.on_click(be_busy)
display(busy, says)
"""


COUNT_WHITE = """
(() => { const c = document.querySelector('canvas.tutorial-photo');
  const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0;
  for (let i = 0; i < d.length; i += 4) n += d[i] + d[i + 1] + d[i + 2] === 765;
  return n; })()"""


def test_left_right_and_shift_click_select(open_in_lab):
    clicker = open_in_lab()
    bare = clicker.pixel(300, 360)
    clicker.click(300, 360)
    clicker.wait_for_clicks([360, 300, True])
    clicker.click(60, 60, button="right")
    clicker.wait_for_clicks([360, 300, True], [60, 60, False])
    clicker.click(600, 60, modifiers=["Shift"])
    clicker.wait_for_clicks([360, 300, True], [60, 60, False], [60, 600, False])
    clicker.wait_for_status("1 object click, 2 background clicks; graph-cut took")
    clicker.wait("([x, y, r, g, b]) => b > 100 && b > r", 330, 380)
    assert clicker.pixel(330, 380) != bare
    assert clicker.page.locator(".lm-Menu").count() == 0, "a right click must not open Lab's menu"


def test_undo_redo_and_clear_by_button_and_by_key(open_in_lab):
    clicker = open_in_lab()
    first, second = [200, 280, True], [60, 60, False]
    clicker.click(280, 200)
    clicker.wait_for_clicks(first)
    clicker.click(60, 60, button="right")
    clicker.wait_for_clicks(first, second)
    clicker.drag((280, 200), (340, 260))
    clicker.wait_for_clicks([260, 340, True], second)
    clicker.press("Undo")
    clicker.wait_for_clicks(first, second)
    clicker.click(280, 200)
    clicker.wait_for_status("Mark 1 of 2 is selected.")
    clicker.page.keyboard.press("Delete")
    clicker.wait_for_clicks(second)
    clicker.press("Undo")
    clicker.wait_for_clicks(first, second)
    clicker.press("Undo")
    clicker.wait_for_clicks(first)
    clicker.press("Redo")
    clicker.wait_for_clicks(first, second)
    clicker.press("Clear")
    clicker.wait_for_clicks()
    for key in "xz":  # without the focus of the photo, X would cut the cell
        clicker.page.keyboard.press(key)
    clicker.wait_for_clicks(first, second)
    clicker.page.keyboard.press("c")
    clicker.wait_for_clicks()
    clicker.canvas.hover(position={"x": 500, "y": 300})
    for key, expected in (
        ("z", [first, second]),
        ("z", [first]),
        ("y", [first, second]),
        ("c", []),
    ):
        clicker.page.keyboard.press(key)
        clicker.wait_for_clicks(*expected)
    clicker.wait_for_status("Left-click the object")


def test_a_tap_marks_what_the_toggle_says_and_other_gestures_leave_no_click(open_in_lab):
    clicker = open_in_lab(before=3, has_touch=True)
    clicker.canvas.scroll_into_view_if_needed()
    box = clicker.canvas.bounding_box()
    clicker.page.touchscreen.tap(box["x"] + 280, box["y"] + 200)
    clicker.wait_for_clicks([200, 280, True])
    clicker.press("Background")
    clicker.page.touchscreen.tap(box["x"] + 60, box["y"] + 60)
    clicker.wait_for_clicks([200, 280, True], [60, 60, False])
    finger = clicker.page.context.new_cdp_session(clicker.page)
    place = {"x": box["x"] + 300, "y": box["y"] + 300}
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    clicker.page.wait_for_timeout(900)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    zoom = {**place, "scaleFactor": 2.5, "gestureSourceType": "touch"}
    finger.send("Input.synthesizePinchGesture", zoom)
    clicker.page.get_by_title("Move the view up").wait_for()
    clicker.page.wait_for_timeout(800)  # as people do; a touch right after a gesture is part of it
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    for step in (40, 80, 120):
        moved = {**place, "y": place["y"] - step}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [moved]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    clicker.page.wait_for_timeout(1000)  # long enough for a click that should not come
    clicker.wait_for_clicks([200, 280, True], [60, 60, False])
    clicker.canvas.hover(position={"x": 400, "y": 300})
    for _ in range(4):
        clicker.page.keyboard.press("-")
    clicker.page.get_by_title("Move the view up").wait_for(state="hidden")
    box = clicker.canvas.bounding_box()
    place = {"x": box["x"] + 285, "y": box["y"] + 195}
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    for step in (40, 80, 120):
        moved = {**place, "y": place["y"] - step}
        finger.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [moved]})
        clicker.page.wait_for_timeout(60)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    clicker.wait_for_clicks([80, 280, True], [60, 60, False])


def test_marks_show_while_the_kernel_is_busy_and_none_stays_that_it_has_not(open_in_lab, lab):
    clicker = open_in_lab([PHOTO + WIDGET, BUSY])
    page, places = clicker.page, [(100, 100), (300, 100), (500, 100), (300, 300)]
    bare = [clicker.pixel(x - 4, y - 4) for x, y in places]

    def wait_until(text: str) -> None:
        page.locator(".says", has_text=text).wait_for()

    page.get_by_role("button", name="Be busy").click()
    wait_until("waits for redraw")
    clicker.click(*places[0])
    clicker.click(*places[1], button="right")
    clicker.press("Background")  # the kernel does not know it yet
    clicker.click(*places[2])
    clicker.press("Object")  # the page tells it to the kernel after the next click
    clicker.click(*places[3])

    def early() -> list[list[int]]:
        return [clicker.pixel(x - 4, y - 4) for x, y in places]

    green, red = [0, 158, 115, 255], [213, 64, 0, 255]
    assert early() == [green, red, red, green]
    (lab.root / "redraw").touch()
    wait_until("waits for go")
    page.wait_for_timeout(300)  # the photo is drawn again
    assert early() == [green, red, red, green], "the marks are still there"
    assert clicker.clicks() == []
    (lab.root / "go").touch()
    wait_until("is free")
    clicker.wait_for_status("2 object clicks, 2 background clicks; graph-cut took")
    assert early() == [green, red, red, green]
    clicker.press("Clear")
    clicker.wait_for_clicks()
    clicker.wait_for_status("Left-click the object")
    page.wait_for_timeout(500)
    assert early() == bare


def test_names_of_icons_stay_hidden_on_a_projector_and_the_hint_is_seen_in_a_narrow_window(
    open_in_lab,
):
    clicker = open_in_lab()
    clicker.press("Presenter")
    clicker.page.locator(".tutorial-presenter").wait_for()
    upload = clicker.page.get_by_role("button", name="Open a photo")
    sizes = upload.evaluate(
        "e => [e, e.querySelector('i')].map(part => getComputedStyle(part).fontSize)"
    )
    assert sizes[0] == "0px" and float(sizes[1][:-2]) > 15
    clicker.press("Presenter")
    clicker.page.locator(".tutorial-presenter").wait_for(state="detached")
    clicker.click(300, 360)
    clicker.wait_for_status("Now right-click the background.")
    clicker.page.set_viewport_size({"width": 800, "height": 1000})
    clicker.page.wait_for_function(
        "() => { const box = document.querySelector('.tutorial-status');"
        " const hint = box.querySelector('.tutorial-by-mouse');"
        " const bottom = e => e.getBoundingClientRect().bottom;"
        " return hint && bottom(hint) - bottom(box) <= 1; }",
        timeout=10_000,
    )


def test_a_corner_of_the_box_follows_the_mouse_and_a_finger(open_in_lab):
    clicker = open_in_lab(has_touch=True)
    clicker.press("Box")
    clicker.drag((100, 100), (400, 300))
    clicker.wait_for_box(100, 100, 301, 401)
    clicker.press("Object")
    clicker.drag((401, 299), (500, 380))
    clicker.wait_for_box(100, 100, 381, 501)
    finger = clicker.page.context.new_cdp_session(clicker.page)
    box = clicker.canvas.bounding_box()
    for kind, x, y in (
        ("Start", 108, 106), ("Move", 120, 130), ("Move", 158, 166), ("End", 0, 0)
    ):  # fmt: skip
        points = [] if kind == "End" else [{"x": box["x"] + x, "y": box["y"] + y}]
        finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
        clicker.page.wait_for_timeout(60)
    clicker.wait_for_box(160, 150, 381, 501)
    clicker.press("Undo")
    clicker.wait_for_box(100, 100, 381, 501)


def test_wheel_drag_and_space_bar(open_in_lab):
    clicker = open_in_lab(before=3)
    clicker.canvas.scroll_into_view_if_needed()
    page, mouse, box = clicker.page, clicker.page.mouse, clicker.canvas.bounding_box()
    mouse.move(box["x"] + 160, box["y"] + 120)
    mouse.wheel(0, -150)
    clicker.wait_until_lower_than(box["y"] + 50)
    box = clicker.canvas.bounding_box()
    mouse.move(box["x"] + 160, box["y"] + 120)
    page.keyboard.down("Control")
    mouse.wheel(0, -100)
    page.keyboard.up("Control")
    page.get_by_title("Move the view up").wait_for()
    drag = partial(clicker.drag, (160, 120), (260, 220))
    page.keyboard.down("Space")
    drag()
    page.keyboard.up("Space")  # the view now begins at row 10, column 30
    drag(button="middle")  # and cannot go further than row 0, column 0
    assert clicker.clicks() == []
    drag()
    (stroke,) = clicker.wait_for_kernel(len, "a stroke")
    (first, *_, last), positive = stroke["stroke"], stroke["positive"]
    assert positive and first == pytest.approx([60, 80], abs=1)
    assert last == pytest.approx([110, 130], abs=1)
    clicker.press("Box")
    clicker.wait_for_status("Everything outside the box is marked background")
    drag()
    clicker.wait_for_status("1 stroke, 1 box")


def test_the_first_click_on_a_half_scrolled_canvas_lands_where_it_was_made(open_in_lab):
    clicker = open_in_lab(before=3)
    clicker.canvas.evaluate(
        "c => { let box = c; while (box && box.scrollHeight <= box.clientHeight + 5)"
        " box = box.parentElement;"
        " box.scrollTop += c.getBoundingClientRect().top - 250 - box.getBoundingClientRect().top"
        " + 400; }"
    )
    clicker.page.wait_for_timeout(500)
    box = clicker.canvas.bounding_box()
    assert box["y"] < 0, "the canvas must reach out of the window for this test to mean anything"
    clicker.page.mouse.move(box["x"] + 300, box["y"] + 440)
    clicker.page.mouse.down()
    clicker.page.mouse.up()
    clicker.wait_for_clicks([440, 300, True])


def test_a_reloaded_page_shows_photo_clicks_and_mask_again(open_in_lab):
    clicker = open_in_lab()
    clicker.click(300, 360)
    clicker.click(60, 60, button="right")
    clicker.wait_for_status("graph-cut took")
    clicker.wait("([x, y, r, g, b]) => b > 100 && b > r", 330, 380)
    before = clicker.pixel(330, 380)
    clicker.page.mouse.move(1100, 300)  # off the canvas, which else keeps the keys to itself
    clicker.page.keyboard.press("Control+s")
    clicker.page.wait_for_timeout(1500)
    clicker.page.wait_for_function(SAVED)
    clicker.page.reload()
    wait_until_ready(clicker.page)
    clicker.wait_until_shown()
    clicker.wait("([x, y, r, g, b]) => b > 100 && b > r", 330, 380)
    assert clicker.pixel(330, 380) == before
    clicker.click(600, 60, button="right")
    clicker.wait_for_clicks([360, 300, True], [60, 60, False], [60, 600, False])


def test_clicks_made_while_a_method_is_slow_are_kept_and_errors_are_told(open_in_lab):
    clicker = open_in_lab([PHOTO + SLOW + WIDGET.replace('name="', 'method="slow", name="')])
    for x in (100, 300, 500):
        clicker.click(x, 100)
    clicker.wait_for_status("slow is working")
    busy = clicker.page.locator("div[role=status][data-busy=true] .fa-spinner")
    assert busy.count() == 1
    clicker.wait_for_clicks([100, 100, True], [100, 300, True], [100, 500, True])
    clicker.wait_for_status("3 object clicks, 0 background clicks; slow took")
    for x in (100, 300, 500):
        clicker.wait("([x, y, r, g, b]) => b > 80", x + 20, 110)
    clicker.click(100, 300)
    clicker.wait_for_status("Four clicks are too many for me.")
    clicker.press("Undo")
    clicker.wait_for_status("3 object clicks, 0 background clicks; slow took")


def test_zoomed_clicks_views_and_the_keyboard(open_in_lab):
    clicker = open_in_lab()
    clicker.click(320, 240)
    clicker.wait_for_clicks([240, 320, True])
    clicker.canvas.hover(position={"x": 500, "y": 300})
    clicker.page.keyboard.press("+")
    clicker.page.get_by_title("Move the view up").wait_for()
    clicker.click(10, 10, button="right")
    clicker.wait_for_clicks([240, 320, True], [124, 165, False])
    clicker.page.keyboard.press("-")
    assert clicker.page.evaluate(COUNT_WHITE) < 20000
    clicker.page.get_by_label("View", exact=True).select_option("cut-out")
    clicker.page.wait_for_function(COUNT_WHITE + " > 20000")
    clicker.canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Enter", "Shift+Enter"):
        clicker.page.keyboard.press(key)
    last_two = [[245, 330, True], [245, 330, False]]
    clicker.wait_for_clicks([240, 320, True], [124, 165, False], *last_two)
    clicker.page.keyboard.press("Tab")
    clicker.page.wait_for_function("document.activeElement.tagName === 'SELECT'")


def test_own_photo_and_bad_upload(open_in_lab, tmp_path):
    clicker = open_in_lab()
    bad = tmp_path / "notes.png"
    bad.write_text("no picture")
    clicker.upload(bad)
    clicker.wait_for_status("hold no picture that can be read")
    large = {"name": "large.png", "mimeType": "image/png", "buffer": bytes(11_000_000)}
    clicker.upload(large)
    clicker.wait_for_status("large.png has 11.0 MB, but this page can send at most 10.0 MB")
    clicker.click(280, 200)
    clicker.wait_for_clicks([200, 280, True])
    buffer = io.BytesIO()
    Image.new("RGB", (2000, 1000), (250, 0, 0)).save(buffer, "PNG")
    clicker.upload({"name": "red.png", "mimeType": "image/png", "buffer": buffer.getvalue()})
    clicker.wait_for_status("red.png was shrunk from 2000 x 1000 to 1024 x 512")
    clicker.wait("([x, y, r, g, b]) => r === 250 && g === 0", 300, 150)
    clicker.wait_for_clicks()


def test_the_dark_theme_is_readable(open_in_lab):
    assert contrast(open_in_lab(theme="JupyterLab Dark")) > 4.5


def test_every_control_has_a_name_for_screen_readers(open_in_lab):
    clicker = open_in_lab()
    tree = clicker.page.locator(".tutorial-click-canvas").first.aria_snapshot()
    for name in (
        "Object",
        "Background",
        "Undo",
        "Redo",
        "Clear",
        "Save",
        "Zoom in",
        "Open a photo",
    ):
        assert re.search(rf'button "[^"]*{name}', tree), f"no button {name} in:\n{tree}"
    for name in ("Method", "View", "Opacity"):
        assert f'combobox "{name}"' in tree
    controls = re.findall(r"- (?:button|combobox|slider|textbox|checkbox)\b.*", tree)
    nameless = [line for line in controls if not re.search(r'"[^"]*[A-Za-z]{2}[^"]*"', line)]
    assert nameless == []
    assert "Left-click the object" in tree
    assert clicker.canvas.get_attribute("title").startswith("Left click: object.")
    assert clicker.canvas.get_attribute("tabindex") == "0"


def contrast(clicker) -> float:
    """Contrast ratio (WCAG) of the status line against what lies behind it."""
    colours = clicker.status.evaluate(
        "e => { const parse = t => t.match(/[0-9.]+/g).map(Number);"
        " const ink = parse(getComputedStyle(e).color); let box = e, paper;"
        " do { paper = parse(getComputedStyle(box).backgroundColor); box = box.parentElement; }"
        " while (box && paper.length === 4 && paper[3] === 0); return [ink, paper]; }"
    )

    def luminance(colour: list[float]) -> float:
        channels = [v / 255 for v in colour[:3]]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted(luminance(colour) for colour in colours)
    return (light + 0.05) / (dark + 0.05)
