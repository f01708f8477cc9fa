"""ClickCanvas without a browser: the handlers are given what a browser would send."""

from __future__ import annotations

import asyncio
import io
import time

import numpy as np
import pytest
from PIL import Image

from tests.support import easy_scene
from tutorial_lib import segmenter as registry
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.segmenter import MethodInfo, Segmentation, register
from tutorial_lib.widgets import ClickCanvas


@pytest.fixture
def canvas() -> ClickCanvas:
    image, mask, _ = easy_scene()
    return ClickCanvas(image, truth=mask, autosave=False)


@pytest.fixture
def restored_registry(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


def mouse(x: int, y: int, canvas: ClickCanvas, button: int = 0, shift: bool = False) -> dict:
    size = {
        "boundingRectWidth": canvas.viewport.width,
        "boundingRectHeight": canvas.viewport.height,
    }
    event = {"event": "mousedown", "button": button, "shiftKey": shift}
    return {**event, "relativeX": x, "relativeY": y, **size}


def said(canvas: ClickCanvas) -> str:
    return canvas.panel.status.value


def test_mouse_touch_keyboard_and_code_all_make_the_same_click(canvas):
    x, y = (round(value) for value in canvas.viewport.to_canvas(24, 32))
    canvas._on_mouse(mouse(x, y, canvas))
    canvas._on_touch([(x, y)])
    canvas._cursor = (24, 32)
    canvas._on_key("Enter", False, False, False)
    canvas.click(24, 32)
    assert list(canvas.session.clicks) == [Click(24, 32)] * 4


@pytest.mark.parametrize(
    ("button", "shift", "side", "positive"),
    [(0, False, True, True), (2, False, True, False), (0, True, True, False),
     (0, False, False, False), (2, False, False, False)],
)  # fmt: skip
def test_button_shift_and_toggle_decide_the_side(canvas, button, shift, side, positive):
    canvas.panel.side.value = side
    canvas._on_mouse(mouse(10, 10, canvas, button, shift))
    assert canvas.session.clicks[-1].positive is positive


def test_other_buttons_and_events_are_no_clicks(canvas):
    canvas._on_mouse(mouse(10, 10, canvas, button=1))
    canvas._on_mouse({"event": "contextmenu"})
    canvas._on_mouse({"event": "keyup"})
    canvas._on_touch([(1, 1), (5, 5)])
    assert len(canvas.session.clicks) == 0


def test_the_status_line_counts_times_measures_and_asks_for_the_other_side(canvas):
    assert "Left-click the object" in said(canvas)
    canvas.click(24, 32)
    assert "1 object click, 0 background clicks; graph-cut took" in said(canvas)
    assert "Now mark the background too." in said(canvas)
    canvas.click(6, 6, positive=False)
    assert f"IoU {canvas.session.iou:.3f}." in said(canvas)
    assert canvas.session.iou > 0.9


def test_a_click_outside_is_refused_and_nothing_is_lost(canvas):
    canvas.click(24, 32)
    with pytest.raises(ValueError, match="outside the image"):
        canvas.click(1000, 5)
    assert len(canvas.session.clicks) == 1


def test_a_handler_that_fails_says_so_in_the_widget(canvas):
    canvas._safely(canvas.click)(1000, 5)
    assert "lies outside the image" in said(canvas)
    assert "error" in said(canvas)


def test_undo_redo_clear_and_the_buttons_that_are_off(canvas):
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
    canvas._on_mouse(mouse(x, y, canvas))
    assert canvas.session.clicks[-1] == Click(20, 40)


def test_keys_move_a_cursor_that_stays_inside(canvas):
    for _ in range(100):
        canvas._on_key("ArrowUp", True, False, False)
        canvas._on_key("ArrowLeft", True, False, False)
    assert canvas._cursor == (0, 0)
    canvas._on_key("Enter", True, False, False)
    assert canvas.session.clicks[-1] == Click(0, 0, False)
    canvas._on_key("Escape", False, False, False)
    assert canvas._cursor is None


def test_copying_is_no_clearing(canvas):
    canvas.click(24, 32)
    canvas._on_key("c", False, True, False)
    assert len(canvas.session.clicks) == 1
    canvas._on_key("z", False, True, False)
    assert len(canvas.session.clicks) == 0


def test_a_method_that_cannot_be_built_leaves_the_old_one(canvas, restored_registry):
    def broken():
        raise RuntimeError("no such weights")

    register(MethodInfo("broken", "classical", False, "Fails.", "nobody", broken))
    canvas.panel.method.options = (*canvas.panel.method.options, "broken")
    canvas.panel.method.value = "broken"
    assert canvas.session.method == canvas.panel.method.value == "graph-cut"
    assert "no such weights" in said(canvas)


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
    canvas._safely(canvas._on_upload)({"new": ({"name": "x.png", "content": b"no picture"},)})
    assert "hold no picture" in said(canvas)
    assert canvas.session.shape == (48, 64)
    canvas._safely(canvas._on_upload)({"new": (good,)})
    assert "wide.png was shrunk from 2048 x 40 to 1024 x 20 pixels" in said(canvas)
    assert canvas.session.shape == (20, 1024)
    assert canvas.session.name == "wide"


def test_clicks_kept_on_disk_are_offered_and_restored():
    image, _, clicks = easy_scene()
    first = ClickCanvas(image)
    for click in clicks:
        first.click(click.row, click.col, click.positive)
    again = ClickCanvas(image)
    assert "Restore brings back 2 kept clicks." in said(again)
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
        assert "slow is working" in said(canvas)
        for _ in range(100):
            if "took" in said(canvas):
                break
            await asyncio.sleep(0.02)
        return canvas

    canvas = asyncio.run(person())
    expected = Clicks(Click(10, col) for col in (10, 20, 30, 40)).discs(image.shape, 2)[0]
    assert (canvas.session.mask == expected).all()
    assert "4 object clicks" in said(canvas)
    assert len(canvas.session.history) <= 4


def test_the_still_picture_is_the_photo_with_answer_and_clicks(canvas):
    canvas.click(24, 32)
    canvas.click(6, 6, positive=False)
    bundle = canvas._repr_mimebundle_()
    assert bundle["text/plain"] == "ClickCanvas(photo, graph-cut)"
    still = np.asarray(Image.open(io.BytesIO(bundle["image/png"])).convert("RGB"))
    assert (still == canvas.session.picture()).all()
    assert (still != canvas.session.image).any()


def test_save_writes_the_export(canvas, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    canvas.click(24, 32)
    canvas.panel.save.click()
    assert "Saved photo-mask.png" in said(canvas)
    assert len(list((tmp_path / "exports").iterdir())) == 4
