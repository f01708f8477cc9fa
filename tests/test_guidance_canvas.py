"""GuidanceCanvas without a browser: two maps encode the clicks at once."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support import easy_scene, one_sentence
from tests.test_click_canvas import check_still, press_mouse, status_text
from tutorial_lib import render
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.guidance import click_gaussians, click_masks, distance_maps
from tutorial_lib.widgets import GuidanceCanvas
from tutorial_lib.widgets.background import guard

IMAGE, _, CLICKS = easy_scene()
SHAPE = IMAGE.shape[:2]


@pytest.fixture
def canvas() -> GuidanceCanvas:
    return GuidanceCanvas(IMAGE)


@pytest.fixture
def drawn(canvas, monkeypatch) -> list[np.ndarray]:
    """What was last drawn over each of the three photos, or None."""
    pixels: list = [None] * 3
    for place, layers in enumerate(canvas.photo_view.canvases):
        monkeypatch.setattr(
            layers, "show_over", lambda over, at=place: pixels.__setitem__(at, over)
        )
    return pixels


# -- the maps --------------------------------------------------------------------------------


def test_before_the_first_click_both_maps_are_255_and_a_hint_is_shown(canvas):
    assert (canvas.maps == np.full((2, *SHAPE), 255)).all()
    assert "Left-click the object" in status_text(canvas)


def test_every_click_is_in_the_maps_when_the_call_returns(canvas):
    for click in CLICKS:
        canvas.click(click.row, click.col, click.positive)
    assert canvas.clicks == CLICKS
    assert np.array_equal(canvas.maps, distance_maps(CLICKS, SHAPE))
    assert "1 object click, 1 background click; both maps took" in status_text(canvas)


def test_mouse_touch_and_keyboard_make_the_same_click(canvas):
    x, y = (round(value) for value in canvas.viewport.to_canvas(24, 32))
    press_mouse(x, y, canvas, button=2)
    canvas.panel.side.value = False
    canvas.gestures.on_touch([(x, y)])
    canvas.photo_view.cursor = (24, 32)
    canvas.gestures.on_key("Enter", False, False, False)
    assert list(canvas.clicks) == [Click(24, 32, False)] * 3


def test_undo_redo_and_clear_change_the_maps_too(canvas):
    canvas.click(24, 32)
    assert canvas.panel.redo.disabled
    canvas.panel.undo.click()
    assert (canvas.maps == 255).all() and not canvas.panel.redo.disabled
    canvas.panel.redo.click()
    assert canvas.maps[0, 24, 32] == 0
    canvas.panel.clear.click()
    assert (canvas.maps == 255).all()
    canvas.panel.undo.click()
    assert list(canvas.clicks) == [Click(24, 32)]


def test_initial_clicks_are_undone_one_by_one():
    canvas = GuidanceCanvas(IMAGE, CLICKS)
    assert np.array_equal(canvas.maps, distance_maps(CLICKS, SHAPE))
    canvas.undo()
    assert canvas.clicks == CLICKS[:1]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("distance", distance_maps(CLICKS, SHAPE)),
        ("Gaussian", click_gaussians(CLICKS, SHAPE)),
        ("disc", click_masks(CLICKS, SHAPE, 5)),
        ("pixel", click_masks(CLICKS, SHAPE)),
    ],
)
def test_the_view_selects_the_encoding(view, expected):
    canvas = GuidanceCanvas(IMAGE, CLICKS)
    canvas.panel.view.value = view
    assert np.array_equal(canvas.maps, expected)
    assert canvas.panel.truncation.disabled is (view != "distance")


def test_the_truncation_can_be_changed_to_any_value(canvas):
    canvas.click(24, 32)
    canvas.panel.truncation.value = 16
    assert canvas.maps.max() == 16
    canvas.truncate(7.5)
    assert np.array_equal(canvas.maps, distance_maps(canvas.clicks, SHAPE, 7.5))
    assert ("7.5 px", 7.5) in canvas.panel.truncation.options
    assert GuidanceCanvas(IMAGE, truncation=20).maps.max() == 20


# -- what is refused -------------------------------------------------------------------------


def test_a_click_outside_is_refused_and_nothing_is_lost(canvas):
    canvas.click(24, 32)
    with pytest.raises(ValueError, match="outside the image"):
        canvas.click(1000, 5)
    guard(canvas.click, canvas.panel.report)(1000, 5)
    assert "lies outside the image" in status_text(canvas)
    assert list(canvas.clicks) == [Click(24, 32)]
    with pytest.raises(ValueError, match="outside the image"):
        GuidanceCanvas(IMAGE, [Click(1000, 5)])


@pytest.mark.parametrize("truncation", [0, -3, np.nan, np.inf, "far"])
def test_a_truncation_is_a_number_above_0(canvas, truncation):
    for attempt in (canvas.truncate, lambda value: GuidanceCanvas(IMAGE, truncation=value)):
        with pytest.raises(ValueError, match="A truncation is a number of pixels") as caught:
            attempt(truncation)
        assert one_sentence(caught.value)
    assert canvas.truncation == 255


# -- what is drawn ---------------------------------------------------------------------------


def test_maps_are_black_at_a_click_and_light_where_they_end(canvas, drawn):
    canvas.panel.truncation.value = 16
    canvas.click(24, 32)
    x, y = (int(value) for value in canvas.viewport.to_canvas(24, 32))
    photo, positive, negative = drawn
    assert photo is None
    assert positive.shape == (canvas.viewport.height, canvas.viewport.width, 4)
    assert positive[y, x].tolist() == [0, 0, 0, 255]
    assert positive[0, 0].tolist() == [render.LIGHT] * 3 + [255]
    assert (negative[..., :3] == render.LIGHT).all()


def test_opacity_lets_the_photo_shine_through(canvas, drawn):
    canvas.panel.opacity.value = 0.5
    assert {over[0, 0, 3] for over in drawn[1:]} == {128}


def test_only_the_photo_shows_marks(canvas, monkeypatch):
    marked = {}

    def note_at(place):
        return lambda _viewport, clicks, cursor, *_more: marked.update({place: (clicks, cursor)})

    for place, layers in enumerate(canvas.photo_view.canvases):
        monkeypatch.setattr(layers, "show_marks", note_at(place))
    canvas.photo_view.cursor = (3, 4)
    canvas.click(24, 32)
    only = Clicks([Click(24, 32)])
    assert marked == {0: (only, (3, 4)), 1: (Clicks(), (3, 4)), 2: (Clicks(), (3, 4))}


def test_the_maps_follow_a_mark_while_it_is_dragged(canvas, drawn):
    canvas.click(24, 32)
    canvas.drag_mark(0, 24, 42)
    x, y = (int(value) for value in canvas.viewport.to_canvas(24, 42))
    assert drawn[1][y, x, 0] == 0 and list(canvas.clicks) == [Click(24, 32)]


def test_zoom_shows_the_same_part_of_photo_and_maps(canvas, drawn):
    canvas.click(24, 32)
    canvas.zoom(+1)
    assert canvas.viewport.factor == 2
    x, y = (int(value) for value in canvas.viewport.to_canvas(24, 32))
    assert drawn[1][y, x, 0] == 0
    assert canvas.maps.shape == (2, *SHAPE)


def test_the_still_picture_holds_photo_and_both_maps():
    canvas = GuidanceCanvas(IMAGE, CLICKS, truncation=16)
    bundle, _ = canvas._repr_mimebundle_()
    assert bundle["text/plain"] == "GuidanceCanvas(distance, 1 object click, 1 background click)"
    check_still(bundle, canvas)
    still = canvas.picture
    width = still.shape[1] // 3
    middle = slice(still.shape[0] // 2 - 30, still.shape[0] // 2 + 30)
    photo, first, second = (still[middle, at * width : (at + 1) * width] for at in range(3))
    assert (photo.max(axis=2) != photo.min(axis=2)).any()
    for grey in (first, second):
        assert (grey.max(axis=2) == grey.min(axis=2)).all()
    assert first.min() == 0
