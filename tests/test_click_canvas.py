"""ClickCanvas without a browser: the tests call the handlers with a browser's events."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

from tests.support import easy_scene, one_sentence
from tutorial_lib import registry
from tutorial_lib.actions import Box, Stroke
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.data.samples import load_sample, sample_names
from tutorial_lib.registry import MethodInfo, best_method, register
from tutorial_lib.render import CONTOUR
from tutorial_lib.render import layer as layer_of
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.session import Session
from tutorial_lib.widgets import (
    CandidatePicker,
    ClickCanvas,
    Compare,
    GuidanceCanvas,
    Replay,
    click_canvas,
)
from tutorial_lib.widgets.background import guard
from tutorial_lib.widgets.panel import BOX, BRUSH, ERASER
from tutorial_lib.widgets.still import controls_above


@pytest.fixture
def canvas(monkeypatch) -> ClickCanvas:
    image, mask, _ = easy_scene()
    monkeypatch.setattr(click_canvas, "best_method", lambda: "graph-cut")  # and no network
    return ClickCanvas(image, truth=mask, autosave=False)


@pytest.fixture
def restored_registry(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


def mouse(x: int, y: int, canvas: ClickCanvas, kind: str = "mousedown", **changes) -> dict:
    size = {
        "boundingRectWidth": canvas.viewport.width,
        "boundingRectHeight": canvas.viewport.height,
    }
    held = dict.fromkeys(("shiftKey", "ctrlKey", "metaKey", "altKey"), False)
    keys = {"button": 0, **held}
    return {"event": kind, **keys, "relativeX": x, "relativeY": y, **size, **changes}


def drag(canvas: ClickCanvas, *places: tuple[int, int], **changes) -> None:
    """Press at the first place, pass the others, and release at the last."""
    kinds = ["mousedown", *["mousemove"] * (len(places) - 2), "mouseup"]
    for kind, (x, y) in zip(kinds, places, strict=True):
        canvas.gestures.on_mouse(mouse(x, y, canvas, kind, **changes))


def press_mouse(x: int, y: int, canvas: ClickCanvas, **changes) -> None:
    drag(canvas, (x, y), (x, y), **changes)


def check_still(bundle: dict, widget) -> np.ndarray:
    """Check that a bundle has controls, the picture of a widget and a hint; return the picture."""
    whole = np.asarray(Image.open(io.BytesIO(bundle["image/jpeg"])))
    picture = widget.picture
    height, width = picture.shape[:2]
    top = min(
        range(len(whole) - height),
        key=lambda row: np.abs(whole[row : row + height, :width].astype(int) - picture).mean(),
    )
    above, still, below = np.split(whole, [top, top + height])
    still = still[:, :width]
    assert np.abs(still.astype(int) - picture).mean() < 8  # the scene is noisy
    if controls_above(widget.children):
        assert above.min() < 90 < 220 < above.max(), "the controls stand above the picture"
    else:
        assert not len(above)
    assert below.min() < 90 < 220 < below.max(), "the hint stands below the picture"
    return still


def test_the_still_picture_has_the_controls_in_their_states(canvas):
    shown = {control.text: control for control in controls_above(canvas.children)}
    assert [text for text, control in shown.items() if control.pressed] == ["Object"]
    assert not shown["Undo"].enabled
    canvas.click(20, 20, positive=False)
    canvas.panel.side.value = False
    shown = {control.text: control for control in controls_above(canvas.children)}
    assert [text for text, control in shown.items() if control.pressed] == ["Background"]
    assert shown["Undo"].enabled
    assert not any("Size" in text for text in shown), "a hidden control is not drawn"
    assert any(text.startswith("Method | ") for text in shown)
    assert "Save" not in shown, "what lies below the photo is not drawn above it"


def test_the_button_that_deletes_a_mark_says_so_and_leaves_the_row_to_the_brush(canvas):
    delete = canvas.panel.delete
    assert delete.description == "Delete" and "tutorial-icon-only" not in delete._dom_classes
    for tool, shown in ((BOX, True), (BRUSH, False), (ERASER, False), (True, True)):
        canvas.panel.side.value = tool
        assert (delete.layout.display != "none") == shown
        assert (canvas.panel.size.layout.display == "none") == shown


def status_text(canvas: ClickCanvas) -> str:
    return canvas.panel.status.value


def test_mouse_touch_keyboard_and_code_all_make_the_same_click(canvas):
    x, y = (round(value) for value in canvas.viewport.to_canvas(24, 32))
    press_mouse(x, y, canvas)
    canvas.undo()
    canvas.gestures.on_touch([(x, y)])
    canvas.photo_view.cursor = (24, 32)
    canvas.gestures.on_key("Enter", False, False, False)
    canvas.click(24, 32)
    assert list(canvas.session.clicks) == [Click(24, 32)] * 3


@pytest.mark.parametrize(
    ("button", "shift", "side", "positive"),
    [(0, False, True, True), (2, False, True, False), (0, True, True, False),
     (0, False, False, False), (2, False, False, False)],
)  # fmt: skip
def test_button_shift_and_toggle_decide_the_side(canvas, button, shift, side, positive):
    canvas.panel.side.value = side
    press_mouse(10, 10, canvas, button=button, shiftKey=shift)
    assert canvas.session.clicks[-1].positive is positive


def test_a_press_tells_a_tool_that_the_kernel_does_not_know_yet(canvas):
    tools = [value for _, value in canvas.panel.side.options]

    def told(tool):
        return {"target": {"className": f"tutorial-photo tutorial-tool-{tools.index(tool)} other"}}

    press_mouse(10, 10, canvas, **told(False))
    press_mouse(20, 20, canvas, **told(True))
    assert [click.positive for click in canvas.clicks] == [False, True]
    drag(canvas, (10, 10), (40, 40), **told(BOX))
    assert canvas.clicks.box is not None
    press_mouse(30, 30, canvas, **told(BRUSH))
    press_mouse(30, 30, canvas, **told(ERASER))
    assert [each.positive for each in canvas.clicks.touch_ups] == [True, False]
    canvas.panel.side.value = False
    press_mouse(60, 60, canvas, target={"className": "tutorial-photo"})
    assert not canvas.clicks[-1].positive, "a photo that tells nothing leaves it to the kernel"
    assert canvas.panel.side.value is False


def test_other_buttons_and_events_are_no_clicks(canvas):
    press_mouse(10, 10, canvas, button=1)
    canvas.gestures.on_mouse({"event": "contextmenu"})
    canvas.gestures.on_mouse({"event": "keyup"})
    canvas.gestures.on_touch([(1, 1), (5, 5)])
    assert len(canvas.session.clicks) == 0


def test_a_press_that_moves_draws_a_stroke_that_undo_takes_back_whole(canvas):
    corners = [(20, 30), (24, 30), (24, 40)]
    places = [tuple(map(round, canvas.viewport.to_canvas(*corner))) for corner in corners]
    drag(canvas, *places, shiftKey=True)
    assert list(canvas.clicks) == [Stroke(corners, False)]
    canvas.undo()
    assert not len(canvas.clicks)
    canvas.gestures.on_mouse(mouse(*places[0], canvas))
    canvas.gestures.on_mouse(mouse(*places[2], canvas, "mouseleave"))
    canvas.gestures.on_mouse(mouse(*places[1], canvas, "mouseup"))
    assert list(canvas.clicks) == [Stroke([corners[0], corners[2]])]


def test_a_mark_is_moved_by_mouse_and_by_keys_as_one_step_and_the_answer_follows(canvas):
    canvas.click(24, 32)
    canvas.click(6, 6, positive=False)
    before, drawn = canvas.clicks, []
    canvas.photo_view.canvases[0].show_answer = lambda *shown: drawn.append(shown[1])
    x, y = (round(value) for value in canvas.viewport.to_canvas(24, 32))
    canvas.gestures.on_mouse(mouse(x + 2, y, canvas))
    canvas.gestures.on_mouse(mouse(x + 52, y, canvas, "mousemove"))
    assert canvas.clicks is before, "a mark that is held has not been moved yet"
    moved = before.move_mark(0, 24, 42)
    assert (drawn[-1].mask == canvas.session.answer_to(moved).mask).all()
    canvas.gestures.on_mouse(mouse(x + 52, y, canvas, "mouseup"))
    assert canvas.clicks == moved and canvas.selected is None and not canvas.session.stale
    canvas.undo()
    assert canvas.clicks == before
    for key, shift in (("k", True), ("ArrowRight", False), ("ArrowDown", True)):
        canvas.gestures.on_key(key, shift, False, False)
    assert list(canvas.clicks) == [Click(24, 32), Click(10, 7, False)]
    assert "Mark 2 of 2 is selected." in status_text(canvas) and canvas.selected == 1
    canvas.undo()
    assert canvas.clicks == before and canvas.selected is None, "keys in a row are one step"
    canvas.move_mark(1, 0, 6)
    for key in ("k", "k", "ArrowUp", "ArrowRight", "k", "ArrowRight", "ArrowRight"):
        canvas.gestures.on_key(key, False, False, False)
    assert list(canvas.clicks) == [Click(24, 34), Click(0, 7, False)]
    for expected in ((24, 32), (0, 6)):  # the first mark, the second one
        canvas.undo()
        assert expected in [mark.points[0] for mark in canvas.clicks]
    canvas.undo()
    assert canvas.clicks == before, "to move a mark out of the photo is no step"
    drag(canvas, (x, y), (5000, y), (5000, y))
    assert canvas.clicks[0] == Click(24, 63), "a mark stays on the photo"


def test_a_mark_is_deleted_by_key_button_and_alt_click(canvas):
    canvas.click(24, 32)
    canvas.click(6, 6, positive=False)
    x, y = (round(value) for value in canvas.viewport.to_canvas(24, 32))
    press_mouse(x, y, canvas)
    assert len(canvas.clicks) == 2 and canvas.selected == 0
    canvas.gestures.on_key("Backspace", False, False, False)
    assert list(canvas.clicks) == [Click(6, 6, False)] and canvas.panel.delete.disabled
    canvas.undo()
    press_mouse(x, y, canvas, altKey=True)
    assert list(canvas.clicks) == [Click(6, 6, False)]
    canvas.gestures.on_key("k", False, False, False)
    canvas.panel.delete.click()
    assert not len(canvas.clicks)
    guard(lambda: canvas.gestures.on_key("Delete", False, False, False), canvas.panel.report)()
    assert "Select a mark first" in status_text(canvas)
    canvas.undo()
    press_mouse(6 * 5, 6 * 5, canvas, button=2)
    assert len(canvas.clicks) == 2, "a right click on a mark is a click"
    assert 'data-marks="' in canvas._places.value
    canvas.panel.side.value = BOX
    assert 'data-marks=""' in canvas._places.value, "a finger on a mark draws a box"


def test_brush_and_eraser_touch_up_the_mask_by_mouse_and_by_keys(canvas):
    canvas.click(24, 32)
    canvas.click(6, 6, positive=False)
    before = canvas.clicks
    for key in ("e", ",", ","):
        canvas.gestures.on_key(key, False, False, False)
    assert (canvas.panel.side.value, canvas.panel.brush_radius) == (ERASER, 2.0)
    assert "Erase what is too much" in status_text(canvas)
    assert 'data-brush="10.0"' in canvas._places.value and 'data-marks=""' in canvas._places.value
    places = [tuple(map(round, canvas.viewport.to_canvas(24, col))) for col in (28, 30, 34)]
    canvas.gestures.on_mouse(mouse(*places[0], canvas))
    canvas.gestures.on_mouse(mouse(*places[1], canvas, "mousemove"))
    assert canvas.photo_view.draft.radius == 2 and canvas.clicks is before
    canvas.gestures.on_mouse(mouse(*places[2], canvas, "mouseup"))
    assert not canvas.session.mask[24, 28:35].any() and canvas.session.mask[24, 38]
    assert canvas.photo_view.draft is None and len(canvas.clicks.touch_ups) == 1
    assert "1 touch-up; graph-cut took" in status_text(canvas)
    assert f"IoU {canvas.session.iou:.3f} with touch-ups." in status_text(canvas)
    press_mouse(*places[0], canvas, button=2)
    assert canvas.session.mask[24, 28], "the right button does the opposite"
    canvas.undo()
    canvas.undo()
    assert canvas.clicks == before, "each is one step"
    canvas.gestures.on_key("t", False, False, False)
    canvas.gestures.on_key("ArrowUp", True, False, False)
    canvas.gestures.on_key("Enter", False, False, False)
    assert canvas.panel.side.value == BRUSH and canvas.clicks.touch_ups[0].positive
    canvas.gestures.on_key("t", False, False, False)
    assert canvas.panel.side.value is True


def test_ctrl_and_wheel_zoom_at_the_pointer_and_the_middle_button_moves_the_view(canvas):
    width, height = canvas.viewport.width, canvas.viewport.height
    at = canvas.viewport.to_pixel(width // 4, height // 4)
    canvas.gestures.on_mouse(mouse(width // 4, height // 4, canvas, "wheel", deltaY=-100))
    assert canvas.viewport.factor == 1, "a plain wheel is the page's"
    wheel = mouse(width // 4, height // 4, canvas, "wheel", deltaY=-100, ctrlKey=True)
    canvas.gestures.on_mouse(wheel)
    assert canvas.viewport.factor == 2
    assert canvas.viewport.to_pixel(width // 4, height // 4) == at
    grabbed = canvas.viewport.to_pixel(width // 2, height // 2)
    places = [(width // 2, height // 2), (width // 3, height // 2), (width // 4, height // 3)]
    drag(canvas, *places, button=1)
    assert canvas.viewport.to_pixel(*places[-1]) == grabbed
    assert not len(canvas.clicks)


def test_the_box_tool_draws_a_box_by_drag_and_by_two_corners(canvas):
    canvas.panel.side.value = BOX
    assert "Everything outside the box is marked background" in status_text(canvas)
    corners = (8, 16), (40, 50)
    places = [tuple(map(round, canvas.viewport.to_canvas(*corner))) for corner in corners]
    drag(canvas, places[0], (100, 100), places[1])
    assert canvas.clicks.box == Box.between(*corners)
    assert canvas.panel.side.value is True, "the next click marks the object"
    assert "1 box" in status_text(canvas) and "left-click the object" in status_text(canvas)
    canvas.panel.side.value = BOX
    press_mouse(*places[0], canvas)
    assert canvas.clicks.box == Box.between(*corners), "one corner is no box"
    canvas.gestures.on_touch([(200, 150)])
    assert canvas.clicks.box == Box.between(corners[0], canvas.viewport.to_pixel(200, 150))
    assert not len(canvas.clicks)
    canvas.undo()
    assert canvas.clicks.box == Box.between(*corners)
    canvas.panel.side.value = BOX
    press_mouse(10, 10, canvas, button=2)
    assert not canvas.clicks[-1].positive, "a right click still marks the background"


def test_a_corner_of_the_box_is_dragged_with_any_tool_that_marks(canvas):
    canvas.box((8, 16), (40, 50))
    for side, corner, to, stays in [
        (True, (8, 16), (4, 20), (40, 50)),
        (BOX, (40, 50), (30, 45), (4, 20)),
        (True, (4, 45), (44, 60), (30, 20)),
    ]:
        canvas.panel.side.value = side
        start, end = (tuple(map(round, canvas.viewport.to_canvas(*at))) for at in (corner, to))
        drag(canvas, start, (start[0] + 20, start[1] + 20), end)
        assert canvas.clicks.box == Box.between(stays, to)
        assert canvas.panel.side.value is True and not len(canvas.clicks)
    canvas.undo()
    assert canvas.clicks.box == Box.between((4, 20), (30, 45)), "each drag is one step"
    places = canvas._places.value
    assert places.count(",") == 4, "a finger drags the corners too"
    canvas.panel.side.value = BOX
    assert canvas._places.value.count(",") == 4
    canvas.panel.side.value = BRUSH
    assert canvas._places.value.count(",") == 0
    canvas.panel.side.value = True
    x, y = (round(value) for value in canvas.viewport.to_canvas(4, 20))
    press_mouse(x, y, canvas)
    assert list(canvas.clicks) == [Click(4, 20)], "a press on a corner is a click"


def test_the_page_draws_marks_early_and_hears_which_clicks_the_kernel_has(canvas):
    assert 'data-radius="7"' in canvas._places.value
    canvas.panel.presenter.value = True
    assert 'data-radius="14"' in canvas._places.value
    assert canvas.gestures.heard in canvas.children
    drawn = []
    canvas.photo_view.draw_marks = lambda clicks: drawn.append(canvas.gestures.heard.value)
    press_mouse(20, 20, canvas, timeStamp=1234.5)
    assert drawn == ['<i data-heard="1234.5"></i>'], "then the page keeps its own mark no more"
    drawn = []
    canvas.photo_view.draw_marks = drawn.append
    with pytest.raises(ValueError):
        canvas.click(1000, 1000)
    assert drawn == [canvas.clicks], "the mark that the page has drawn goes again"


def test_only_the_part_of_an_answer_that_can_be_seen_is_sent(canvas):
    sent = []
    layer = canvas.photo_view.canvases[0][1]
    layer.put_image_data = lambda pixels, x, y: sent.append((pixels.copy(), x, y))
    canvas.click(24, 32)
    canvas.click(6, 6, positive=False)
    pixels, left, top = sent[-1]
    view = canvas.viewport
    whole = layer_of(view.cut(canvas.session.mask), None, "mask", 0.5)
    rows, cols = np.nonzero(whole[..., 3])
    assert (top, left) == (rows.min(), cols.min())
    assert np.array_equal(pixels, whole[top : rows.max() + 1, left : cols.max() + 1])
    sent.clear()
    canvas.panel.before.value = True
    assert not sent, "nothing lies over the photo"


def test_several_objects_have_names_colours_and_a_way_back(canvas):
    objects = canvas.panel.objects
    objects.next.click()
    assert "before you begin the next object" in status_text(canvas)
    canvas.click(24, 32)
    canvas.click(6, 6, positive=False)
    first = canvas.session.mask.copy()
    canvas.gestures.on_key("n", False, False, False)
    assert canvas.session.object_names == ["object", "object 2"] and not len(canvas.clicks)
    objects.name.value = "corner"
    canvas.click(4, 4)
    assert canvas.session.object_names == ["object", "corner"]
    assert canvas.session.colour != canvas.session.objects[0].colour
    assert (canvas.picture[first] != canvas.session.image[first]).any(axis=1).all()
    go, eye, trash = objects.widget.children[1].children[0].children
    eye.value = False
    assert not canvas.session.others
    go, eye, trash = objects.widget.children[1].children[0].children
    eye.value = True
    objects.widget.children[1].children[1].children[2].click()
    assert canvas.session.object_names == ["object"] and (canvas.session.mask == first).all()
    objects.back.click()
    assert canvas.session.object_name == "corner" and list(canvas.clicks) == [Click(4, 4)]
    objects.widget.children[1].children[0].children[0].click()
    assert canvas.session.object_name == "object" and len(canvas.clicks) == 2
    objects.name.value = "corner"
    assert "already" in status_text(canvas)
    assert canvas.session.object_names == ["object", "corner"] and objects.name.value == "object"


def test_before_and_after_spotlight_presenter_and_the_list_of_keys(canvas):
    def key(name):
        canvas.gestures.on_key(name, False, False, False)

    layers = canvas.photo_view.canvases[0]
    drawn = []
    layers._put = lambda index, pixels, left=0, top=0: drawn.append(pixels)
    canvas.click(24, 32)
    canvas.click(6, 6, positive=False)
    assert drawn[-1].any()
    key("b")
    assert not drawn[-1].any() and canvas.panel.before.value
    canvas.click(7, 7, positive=False)
    assert drawn[-1].any() and not canvas.panel.before.value
    thin = (drawn[-1][..., :3] == CONTOUR).all(axis=2).sum()
    key("p")
    assert (drawn[-1][..., :3] == CONTOUR).all(axis=2).sum() > 1.5 * thin
    assert "tutorial-presenter" in canvas._dom_classes
    key("p")
    assert "tutorial-presenter" not in canvas._dom_classes
    key("s")
    assert canvas.panel.view.value == "spotlight"
    key("s")
    assert canvas.panel.view.value == "mask"
    key("?")
    assert canvas.panel._keys.layout.display == "" and "undo" in canvas.panel._keys.value


def test_the_status_line_counts_times_measures_and_asks_for_the_other_side(canvas):
    assert "Left-click the object" in status_text(canvas)
    canvas.click(24, 32)
    assert "1 object click, 0 background clicks; graph-cut took" in status_text(canvas)
    assert "Now right-click the background." in status_text(canvas)
    assert "Now choose Background and tap that." in status_text(canvas), "on a touch screen"
    assert "IoU" not in status_text(canvas), "graph cut needs both kinds to answer"
    canvas.click(6, 6, positive=False)
    assert f"IoU {canvas.session.iou:.3f}." in status_text(canvas)
    assert "right-click what is too much" in status_text(canvas)
    assert canvas.session.iou > 0.9


def test_a_click_outside_is_refused_and_nothing_is_lost(canvas):
    canvas.click(24, 32)
    with pytest.raises(ValueError, match="outside the image"):
        canvas.click(1000, 5)
    assert len(canvas.session.clicks) == 1


def test_a_handler_that_fails_says_so_in_the_widget(canvas):
    guard(canvas.click, canvas.panel.report)(1000, 5)
    assert "lies outside the image" in status_text(canvas)
    assert "error" in status_text(canvas)


def test_undo_redo_clear_and_their_disabled_buttons(canvas):
    assert canvas.panel.undo.disabled and canvas.panel.clear.disabled
    canvas.click(24, 32)
    canvas.panel.undo.click()
    assert len(canvas.session.clicks) == 0 and not canvas.panel.redo.disabled
    canvas.panel.redo.click()
    canvas.panel.clear.click()
    assert len(canvas.session.clicks) == 0
    canvas.panel.undo.click()
    assert len(canvas.session.clicks) == 1


def test_zoomed_clicks_land_on_the_pixel_under_the_mouse(canvas):
    canvas.click(24, 32)
    canvas.zoom(+1)
    assert canvas.viewport.factor == 2
    x, y = (round(value) for value in canvas.viewport.to_canvas(20, 40))
    press_mouse(x, y, canvas)
    assert canvas.session.clicks[-1] == Click(20, 40)


def test_keys_move_a_cursor_that_stays_inside(canvas):
    for _ in range(100):
        canvas.gestures.on_key("ArrowUp", True, False, False)
        canvas.gestures.on_key("ArrowLeft", True, False, False)
    assert canvas.photo_view.cursor == (0, 0)
    canvas.gestures.on_key("Enter", True, False, False)
    assert canvas.session.clicks[-1] == Click(0, 0, False)
    canvas.gestures.on_key("Escape", False, False, False)
    assert canvas.photo_view.cursor is None


def test_ctrl_c_does_not_clear(canvas):
    canvas.click(24, 32)
    canvas.gestures.on_key("c", False, True, False)
    assert len(canvas.session.clicks) == 1
    canvas.gestures.on_key("z", False, True, False)
    assert len(canvas.session.clicks) == 0


def test_a_method_that_cannot_be_built_leaves_the_old_one(canvas, restored_registry):
    def broken():
        raise RuntimeError("no such weights")

    register(MethodInfo("broken", "classical", False, "Fails.", "nobody", broken))
    canvas.panel.method.options = (*canvas.panel.method.options, ("broken", "broken"))
    canvas.panel.method.value = "broken"
    assert canvas.session.method == canvas.panel.method.value == "graph-cut"
    assert "no such weights" in status_text(canvas)


@pytest.mark.parametrize("failing", [False, True])
def test_a_method_is_loaded_in_a_thread_while_clicks_are_marked(restored_registry, failing):
    class SlowToBuild:
        def __init__(self):
            time.sleep(0.4)
            if failing:
                raise RuntimeError("no such weights")

        def prepare(self, image):
            return image

        def segment(self, image, clicks):
            return Segmentation(np.ones(image.shape[:2]))

    async def person() -> ClickCanvas:
        canvas = ClickCanvas(easy_scene()[0], autosave=False)
        canvas.click(24, 32)
        canvas.panel.method.options = (*canvas.panel.method.options, ("large", "large"))
        start = time.perf_counter()
        canvas.panel.method.value = "large"
        canvas.click(6, 6, positive=False, wait=False)
        assert time.perf_counter() - start < 0.35, "the kernel must stay free"
        assert "loading large" in status_text(canvas) and 'data-busy="true"' in status_text(canvas)
        assert len(canvas.clicks) == 2
        while canvas._loading or canvas._answering.waiting:
            await asyncio.sleep(0.02)
        return canvas

    register(MethodInfo("large", "deep", False, "All of it.", "nobody", SlowToBuild))
    canvas = asyncio.run(asyncio.wait_for(person(), 20))
    assert (
        canvas.session.method == canvas.panel.method.value == ("graph-cut" if failing else "large")
    )
    assert canvas.session.mask.all() != failing
    if failing:
        assert "no such weights" in status_text(canvas)


def test_the_best_method_is_loaded_once_a_person_pauses(monkeypatch):
    loaded = []
    monkeypatch.setattr(Session, "load", lambda session, method: loaded.append(method))
    monkeypatch.setattr(click_canvas, "READING_SECONDS", 0.3)

    async def person() -> None:
        canvas = ClickCanvas(easy_scene()[0], autosave=False)
        canvas.photo_view.canvases[0]._canvases[-1]._client_ready_callbacks()
        for col in range(10, 30, 5):
            await asyncio.sleep(0.15)
            canvas.click(24, col)
            assert loaded == [], "a click would have to wait"
        await asyncio.sleep(0.6)
        assert loaded == [best_method()]

    asyncio.run(asyncio.wait_for(person(), 20))


def test_a_method_registered_later_can_be_used(canvas, restored_registry):
    class Everything:
        def prepare(self, image):
            return image

        def segment(self, image, clicks):
            return Segmentation(np.ones(image.shape[:2]))

    register(MethodInfo("everything", "classical", False, "All of it.", "nobody", Everything))
    canvas.click(24, 32)
    canvas.use("everything")
    assert canvas.session.mask.all()
    assert canvas.panel.method.value == "everything"


def test_a_good_upload_replaces_the_photo_and_a_bad_one_does_not(canvas):
    stream = io.BytesIO()
    Image.new("RGB", (2048, 40), "red").save(stream, "PNG")
    good = {"name": "wide.png", "content": memoryview(stream.getvalue())}
    upload = guard(canvas._on_upload, canvas.panel.report)
    upload({"new": ({"name": "x.png", "content": b"no picture"},)})
    assert "hold no picture" in status_text(canvas)
    assert canvas.session.shape == (48, 64)
    upload({"new": (good,)})
    assert "wide.png was shrunk from 2048 x 40 to 1024 x 20 pixels" in status_text(canvas)
    assert canvas.session.shape == (20, 1024)
    assert canvas.session.name == "wide"


def test_an_upload_is_saved_at_its_own_size_and_replays_on_the_file(canvas, tmp_path):
    photo, _, _ = easy_scene(1000, 1500)
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "PNG")
    canvas._on_upload({"new": ({"name": "my disc.png", "content": stream.getvalue()},)})
    assert canvas.session.shape == (683, 1024)
    canvas.click(341, 512)
    canvas.click(9, 9, positive=False)
    mask, cutout, coco, log = canvas.session.export(tmp_path)
    assert Image.open(mask).size == Image.open(cutout).size == (1500, 1000)
    assert json.loads(coco.read_text())["images"][0]["file_name"] == "my disc.png"
    again = Session.replay(photo, log, strict=True)
    assert (again.mask == canvas.session.mask).all()


def test_a_photo_of_48_megapixels_is_shrunk_like_all_others(canvas):
    stream = io.BytesIO()
    Image.new("RGB", (8000, 6000), "red").save(stream, "JPEG")
    canvas._on_upload({"new": ({"name": "camera.jpg", "content": stream.getvalue()},)})
    assert canvas.session.shape == (768, 1024)
    assert canvas.session.full_shape == (6000, 8000)
    assert "shrunk from 8000 x 6000 to 1024 x 768 pixels" in status_text(canvas)


@pytest.mark.parametrize("name", ["../escaped.png", "..\\escaped.png", "/escaped.png"])
def test_an_upload_is_saved_in_the_folder_whatever_its_name(canvas, tmp_path, monkeypatch, name):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    stream = io.BytesIO()
    Image.fromarray(easy_scene()[0]).save(stream, "PNG")
    canvas._on_upload({"new": ({"name": name, "content": stream.getvalue()},)})
    canvas.click(24, 32)
    canvas.panel.save.click()
    assert [path.name for path in tmp_path.iterdir()] == ["here"]
    found = sorted(path.name for path in (tmp_path / "here" / "exports").iterdir())
    assert found[0] == "escaped-clicks.json"
    coco = json.loads((tmp_path / "here" / "exports" / "escaped-coco.json").read_text())
    assert coco["images"][0]["file_name"] == "escaped.png"


def test_an_unwritable_folder_is_reported_in_one_sentence(canvas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exports").write_text("in the way")
    canvas.click(24, 32)
    canvas.panel.save.click()
    assert "Nothing can be saved in &#x27;exports&#x27;" in status_text(canvas)
    assert len(downloads(canvas)) == 5, "the browser can still have the files"


def test_after_a_restore_the_clicks_of_another_session_are_offered():
    image, _, clicks = easy_scene()
    first, second = ClickCanvas(image), ClickCanvas(image)
    for click in clicks:
        first.click(click.row, click.col, click.positive)
    second.click(3, 3)
    again = ClickCanvas(image)
    again.panel.restore.click()
    assert again.session.clicks == clicks
    again.undo()
    assert "Restore brings back 1 saved click." in status_text(again)
    again.panel.restore.click()
    assert again.session.clicks == Clicks([Click(3, 3)])


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), RuntimeError("Too hard.")])
@pytest.mark.parametrize("step", ["prepare", "segment"])
def test_any_exception_of_a_method_is_shown_and_ends_the_work(restored_registry, error, step):
    class Leaving:
        def prepare(self, image):
            if step == "prepare":
                raise error
            return image

        def segment(self, image, clicks):
            raise error

    register(MethodInfo("leaving", "classical", False, "Leaves.", "nobody", Leaving))

    async def person() -> str:
        canvas = ClickCanvas(easy_scene()[0], "leaving", autosave=False)
        canvas.click(10, 10, wait=False)
        for _ in range(250):
            if 'data-busy="false"' in status_text(canvas):
                return status_text(canvas)
            await asyncio.sleep(0.02)
        return "still working"

    told = asyncio.run(person())
    assert ("Too hard." if isinstance(error, RuntimeError) else type(error).__name__) in told


def test_an_exit_in_a_handler_does_not_end_the_kernel(canvas):
    def leave(*_):
        raise SystemExit(1)

    guard(leave, canvas.panel.report)()
    assert "ended by SystemExit (1)" in status_text(canvas)


WAYS_ON = [
    lambda canvas: canvas.click(30, 30),
    lambda canvas: canvas.panel.undo.click(),
    lambda canvas: setattr(canvas.panel.side, "value", False),
    lambda canvas: canvas.select_mark(0),
    lambda canvas: canvas.use("growcut"),
]


@pytest.mark.parametrize("go_on", WAYS_ON)
def test_what_went_wrong_is_said_until_a_person_goes_on(canvas, go_on):
    canvas.click(20, 20)
    canvas.panel.report(ValueError("No picture there."))
    for drawn_meanwhile in (canvas.redraw, canvas.show_answer, lambda: canvas.zoom(+1)):
        drawn_meanwhile()
        assert "No picture there." in canvas.panel.status.value
    go_on(canvas)
    assert "No picture there." not in canvas.panel.status.value
    assert "click" in canvas.panel.status.value


@pytest.mark.parametrize("width", [0, -1, float("nan"), 640.0, "640", True])
@pytest.mark.parametrize(
    "make", [ClickCanvas, CandidatePicker, Compare, GuidanceCanvas], ids=lambda c: c.__name__
)
def test_an_invalid_width_is_refused_in_one_sentence(make, width):
    with pytest.raises(ValueError, match="The width is a whole number of at least 1") as caught:
        make(easy_scene()[0], width=width)
    assert one_sentence(caught.value)


def test_a_width_may_be_a_numpy_integer():
    canvas = ClickCanvas(easy_scene()[0], width=np.int64(100), autosave=False)
    assert canvas.viewport.width == 100


def test_clicks_saved_on_disk_are_offered_and_restored():
    image, _, clicks = easy_scene()
    first = ClickCanvas(image)
    for click in clicks:
        first.click(click.row, click.col, click.positive)
    again = ClickCanvas(image)
    assert "Restore brings back 2 saved clicks." in status_text(again)
    assert again.panel.restore.layout.display == ""
    again.panel.restore.click()
    assert again.session.clicks == clicks
    assert (again.session.mask == first.session.mask).all()


def test_clicks_made_while_a_method_works_are_all_answered(restored_registry):
    class Slow:
        def prepare(self, image):
            return image

        def segment(self, image, clicks):
            time.sleep(0.05)
            return Segmentation(clicks.discs(image.shape, 2)[0].astype(np.float32))

    register(MethodInfo("slow", "classical", False, "Sleeps.", "nobody", Slow))
    image, _, _ = easy_scene()

    async def person() -> ClickCanvas:
        canvas = ClickCanvas(image, "slow", autosave=False)
        for col in (10, 20, 30, 40):
            canvas.click(10, col, wait=False)
            await asyncio.sleep(0.02)
        assert "slow is working" in status_text(canvas)
        for _ in range(100):
            if "took" in status_text(canvas):
                break
            await asyncio.sleep(0.02)
        return canvas

    canvas = asyncio.run(person())
    expected = Clicks(Click(10, col) for col in (10, 20, 30, 40)).discs(image.shape, 2)[0]
    assert (canvas.session.mask == expected).all()
    assert "4 object clicks" in status_text(canvas)
    assert len(canvas.session.history) <= 4


@pytest.mark.parametrize("failing", [False, True])
def test_a_method_looks_ahead_once_its_answer_is_shown(restored_registry, failing):
    ahead: list[tuple[int, str]] = []

    class Forward:
        def prepare(self, image):
            return image

        def segment(self, image, clicks):
            return Segmentation(clicks.discs(image.shape, 2)[0].astype(np.float32))

        def look_ahead(self, image, clicks):
            time.sleep(0.05)
            ahead.append((len(clicks), status_text(canvas)))
            if failing:
                raise RuntimeError("Too far.")

    async def person() -> None:
        for count in (1, 2):
            canvas.click(10, 10 * count, wait=False)
            while len(ahead) < count:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)

    register(MethodInfo("forward", "classical", False, "Hurries.", "nobody", Forward))
    canvas = ClickCanvas(easy_scene()[0], "forward", autosave=False)
    asyncio.run(asyncio.wait_for(person(), 20))
    assert [count for count, _ in ahead] == [1, 2]
    for _, text in [*ahead, (2, status_text(canvas))]:  # a person sees nothing of it
        assert 'data-busy="false"' in text
        assert "took" in text
        assert "Too far" not in text


def test_the_still_picture_is_the_photo_with_answer_and_clicks(canvas):
    canvas.click(24, 32)
    canvas.click(6, 6, positive=False)
    bundle, described = canvas._repr_mimebundle_()
    assert bundle["text/plain"] == "ClickCanvas(photo, graph-cut)"
    assert "ClickCanvas(photo" in described["image/jpeg"]["alt"]
    still = check_still(bundle, canvas)
    assert (still[24, 32] != canvas.session.image[24, 32]).any()


def downloads(canvas: ClickCanvas) -> dict[str, bytes]:
    (shown,) = canvas.panel.downloads.widget.children
    links = re.findall(r'download="([^"]+)" href="data:[^;]+;base64,([^"]+)"', shown.value)
    return {name: base64.b64decode(data) for name, data in links}


def test_save_says_first_which_objects_are_empty(canvas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    canvas.click(6, 6, positive=False)
    canvas.next_object()
    canvas.click(24, 32)
    canvas.panel.save.click()
    text = status_text(canvas)
    assert "Nothing is selected for object. Saved photo-1-object-mask.png" in text


def test_save_writes_files_that_overwrite_nothing_and_offers_them_for_download(
    canvas, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    canvas.panel.save.click()
    assert "the mask is empty" in status_text(canvas)
    assert not (tmp_path / "exports").exists()
    canvas.click(24, 32)
    canvas.panel.save.click()
    assert "Saved photo-mask.png, photo-cutout.png" in status_text(canvas)
    assert str(tmp_path / "exports") in status_text(canvas)
    before = {path: path.read_bytes() for path in (tmp_path / "exports").iterdir()}
    assert len(before) == 4
    canvas.click(6, 6, positive=False)
    assert "Saved" not in status_text(canvas)
    canvas.panel.save.click()
    assert {path: path.read_bytes() for path in before} == before
    names = ["mask.png", "cutout.png", "coco.json", "clicks.json"]
    files = downloads(canvas)
    assert list(files) == [*(f"photo-2-{name}" for name in names), "photo-2.zip"]
    assert files["photo-2-mask.png"] == (tmp_path / "exports/photo-2-mask.png").read_bytes()
    assert len(zipfile.ZipFile(io.BytesIO(files["photo-2.zip"])).namelist()) == 4


def test_a_photo_of_ones_own_starts_with_the_best_method_unless_one_was_chosen(canvas, monkeypatch):
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(stream, "PNG")
    own = {"new": ({"name": "own.png", "content": stream.getvalue()},)}
    monkeypatch.setattr(click_canvas, "best_method", lambda: "growcut")
    canvas._on_upload(own)
    assert canvas.session.method == canvas.panel.method.value == "growcut"
    canvas.panel.method.value = "geodesic-star"
    canvas._on_upload(own)
    assert canvas.session.method == "geodesic-star"


def test_a_sample_photo_is_chosen_from_a_list(canvas, monkeypatch):
    assert canvas.panel.sample.layout.display == "none"
    chooser = ClickCanvas(samples=True, autosave=False)
    chosen = chooser.panel.sample
    assert chosen.value == chooser.session.name == sample_names()[0]
    assert [value for _, value in chosen.options] == [None, *sample_names()]
    chosen.value = "coffee"
    assert chooser.session.name == "coffee" and chooser.session.truth.any()
    chooser.load(easy_scene()[0], "own")
    assert chosen.value is None and chooser.session.truth is None
    chooser.load_sample("coffee", "spoon")
    assert chosen.value == "coffee"
    assert (chooser.session.truth == load_sample("coffee").reading("spoon")).all()


def test_a_session_and_its_log_are_replayed_step_by_step(canvas):
    with pytest.raises(ValueError, match="nobody has clicked"):
        Replay(canvas.session)
    canvas.click(24, 32)
    canvas.click(6, 6, positive=False)
    canvas.touch_up([(24, 32)], 2, positive=False)
    canvas.move_mark(1, 5, 9)
    canvas.undo(wait=True)
    canvas.delete_mark(1)
    replay = Replay(canvas.session)
    assert [caption.split(";")[0] for caption in replay.captions] == [
        "The photo",
        "Left click on the object at row 24, column 32",
        "Right click on the background at row 6, column 6",
        "Eraser of 4 pixels, to row 24, column 32",
        "Click 2 is dragged to row 5, column 9",
        "Undo",
        "Click 2 is deleted",
    ]
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowRight"):
        replay._on_key(key, False, False, False)
    assert replay.step == 2 and (replay.mask == canvas.session.history[1].mask).all()
    assert "Step 2 of 6." in replay._words.value and "IoU 1.000" in replay._words.value
    replay._next.click()
    assert not replay.mask[24, 32]
    replay._on_key("End", False, False, False)
    assert replay._next.disabled and replay.clicks == canvas.clicks
    replay._on_key(" ", False, False, False)
    assert replay._play.playing
    with pytest.raises(ValueError, match="The steps are 0 to 6; there is no 7"):
        replay.show(7)
    again = Replay(canvas.session.log(), canvas.session.image, truth=canvas.session.truth)
    assert len(again) == 3, "a log keeps what was left in the end"
    again.show(2)
    check_still(again._repr_mimebundle_()[0], again)
    with pytest.raises(TypeError, match=r"Replay\(log, photo\)"):
        Replay(canvas.session.log())
