"""Three canvases on top of each other: the photo, the answer, the marks of clicks and strokes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import cv2
import numpy as np
from ipycanvas import Canvas, MultiCanvas, hold_canvas
from traitlets import Unicode

from tutorial_lib import render
from tutorial_lib.actions import Box, Stroke, TouchUp
from tutorial_lib.clicks import Clicks
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.widgets.viewport import Viewport

PHOTO, ANSWER, MARKS = range(3)  # from back to front
# What stands around a photo in a notebook, controls and status line too, takes about 320 pixels.
MAX_HEIGHT = "max(240px, calc(100vh - 320px))"
MARK = 7  # radius of a click's mark, in canvas pixels


class PhotoLayers(MultiCanvas):
    """Three layers, drawn one by one: sending a photo costs a hundred times as much as a mask.

    Parameters
    ----------
    viewport : Viewport
        Its size is the size of the canvas.
    label : str
        The tooltip. Screen readers read it aloud.

    Attributes
    ----------
    enlarged : int
        How many times as large marks and contours are as usual, for projectors.
    bare : bool
        True leaves answer and marks away.
    """

    # ipywidgets turns a tooltip into the element's title, its name for screen readers, only if the
    # model has a description. The model of ipycanvas has none.
    description = Unicode("").tag(sync=True)

    def __init__(self, viewport: Viewport, label: str) -> None:
        super().__init__(3, width=viewport.width, height=viewport.height, tooltip=label)
        self.layout.align_self = "flex-start"  # a stretched canvas reports wrong positions
        self.layout.width = self.layout.height = "auto"
        self.layout.max_width, self.layout.max_height = "100%", MAX_HEIGHT
        self.add_class("tutorial-photo")
        self.enlarged, self.bare = 1, False

    def resize(self, viewport: Viewport) -> None:
        """Take another size, for another photo."""
        self.width, self.height = viewport.width, viewport.height

    def show_photo(self, photo: np.ndarray, quickly: bool = False) -> None:
        """Draw ``(height, width, 3) uint8`` at the back, quickly as JPEG, else without loss."""
        if not quickly:  # ipycanvas sends four channels as PNG
            photo = np.dstack([photo, np.full(photo.shape[:2], 255, dtype=np.uint8)])
        self._put(PHOTO, photo)

    def show_answer(
        self,
        viewport: Viewport,
        answer: Segmentation | None,
        view: str,
        opacity: float,
        colour: render.Colour = render.MASK,
        others: Sequence[tuple[np.ndarray, render.Colour]] = (),
    ) -> None:
        """Draw an answer over the photo, see :func:`tutorial_lib.render.layer`; None clears it."""
        size = viewport.height, viewport.width
        if answer is None and not others:
            self.show_over(np.zeros((*size, 4), dtype=np.uint8))
            return
        mask, probability = np.zeros(size, dtype=bool), np.zeros(size, dtype=np.float32)
        if answer is not None:
            mask, probability = viewport.cut(answer.mask), viewport.cut(answer.probability)
        cut = [(viewport.cut(other), own) for other, own in others]
        width = 2 * self.enlarged
        self.show_over(render.layer(mask, probability, view, opacity, width, colour, cut))

    def show_over(self, pixels: np.ndarray) -> None:
        """Draw ``(height, width, 4) uint8`` over the photo instead of an answer.

        Only the part that can be seen is sent: compressing a picture takes longer than painting it.
        """
        left, top, width, height = (0, 0, 0, 0) if self.bare else cv2.boundingRect(pixels[..., 3])
        self._put(ANSWER, pixels[top : top + height, left : left + width], left, top)

    def show_marks(
        self,
        viewport: Viewport,
        clicks: Clicks,
        cursor: tuple[int, int] | None,
        selected: int | None = None,
        draft: TouchUp | None = None,
    ) -> None:
        """Draw the box, clicks, strokes, and the keyboard's cursor, if there is one, in front.

        The selected click has a ring. A touch-up that is being painted is half transparent.
        """
        layer = self[MARKS]
        with _held_canvas():
            layer.clear()
            if self.bare:
                clicks = Clicks()
            if clicks.box is not None:
                _draw_box(layer, viewport, clicks.box, 4 * self.enlarged)
            if draft is not None:
                _draw_touch_up(layer, viewport, draft)
            radius = MARK * self.enlarged
            for number, mark in enumerate(clicks):
                places = [viewport.to_canvas(*point) for point in mark.points]
                if isinstance(mark, Stroke):
                    _draw_line(layer, places, mark.positive, radius)
                _draw_mark(layer, *places[-1], mark.positive, radius)
                if number == selected:
                    _draw_ring(layer, *places[-1], radius + 5)
            if cursor is not None:
                _draw_cursor(layer, *viewport.to_canvas(*cursor))

    def _put(self, index: int, pixels: np.ndarray, left: int = 0, top: int = 0) -> None:
        with _held_canvas():
            self[index].clear()
            if pixels.size:
                self[index].put_image_data(pixels, left, top)


@contextmanager
def _held_canvas() -> Iterator[None]:
    """Send drawing commands in one message, as hold_canvas, but also after an exception."""
    failure = None
    with hold_canvas():
        try:
            yield
        except Exception as error:
            failure = error
    if failure is not None:
        raise failure


def mark_colour(positive: bool) -> str:
    """Return the colour of a mark of the object or the background, such as ``"#00aa00"``."""
    return render.hex_colour(render.POSITIVE if positive else render.NEGATIVE)


def _draw_box(layer: Canvas, viewport: Viewport, box: Box, handle: int) -> None:
    """Draw a box, with a square in each corner to drag it by."""
    corners = [viewport.to_canvas(*corner) for corner in box.corners]
    (left, top), _, (right, bottom), _ = corners
    for width, paint in ((5, "white"), (2, mark_colour(True))):
        layer.line_width, layer.stroke_style = width, paint
        layer.stroke_rect(left, top, right - left, bottom - top)
    for half, paint in ((handle + 1, "white"), (handle, mark_colour(True))):
        layer.fill_style = paint
        for x, y in corners:
            layer.fill_rect(x - half, y - half, 2 * half, 2 * half)


def _draw_touch_up(layer: Canvas, viewport: Viewport, draft: TouchUp) -> None:
    places = [viewport.to_canvas(*point) for point in draft.points]
    layer.global_alpha, layer.line_cap, layer.line_join = 0.6, "round", "round"
    layer.line_width, layer.stroke_style = (
        2 * draft.radius * viewport.scale,
        mark_colour(draft.positive),
    )
    layer.stroke_lines(places if len(places) > 1 else places * 2)
    layer.global_alpha, layer.line_cap, layer.line_join = 1, "butt", "miter"


def _draw_line(
    layer: Canvas, places: list[tuple[float, float]], positive: bool, radius: int
) -> None:
    """Draw a stroke as a line with a white rim, as ``render.draw_clicks``."""
    layer.line_cap = layer.line_join = "round"
    for width, paint in ((radius + 2, "white"), (radius, mark_colour(positive))):
        layer.line_width, layer.stroke_style = width, paint
        layer.stroke_lines(places)
    layer.line_cap, layer.line_join = "butt", "miter"


def _draw_mark(layer: Canvas, x: float, y: float, positive: bool, radius: int) -> None:
    """Draw a green disc with a plus or a red square with a minus, as ``render.draw_clicks``."""
    for half, paint in ((radius + 1, "white"), (radius, mark_colour(positive))):
        layer.fill_style = paint
        if positive:
            layer.fill_circle(x, y, half)
        else:
            layer.fill_rect(x - half + 1, y - half + 1, 2 * half - 2, 2 * half - 2)
    layer.stroke_style, layer.line_width = "white", max(2, radius / 3.5)
    layer.stroke_line(x - radius / 2, y, x + radius / 2, y)
    if positive:
        layer.stroke_line(x, y - radius / 2, x, y + radius / 2)


def _draw_ring(layer: Canvas, x: float, y: float, radius: int) -> None:
    for width, colour in ((5, "black"), (2, "white")):
        layer.line_width, layer.stroke_style = width, colour
        layer.stroke_circle(x, y, radius)


def _draw_cursor(layer: Canvas, x: float, y: float) -> None:
    for width, colour in ((4, "black"), (2, "white")):
        layer.line_width, layer.stroke_style = width, colour
        for step in (-1, 1):
            layer.stroke_line(x + 4 * step, y, x + 14 * step, y)
            layer.stroke_line(x, y + 4 * step, x, y + 14 * step)
