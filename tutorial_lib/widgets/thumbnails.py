"""Small pictures of a method's candidates, each with a button to choose it."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as w
import numpy as np
from ipyevents import Event
from traitlets import Unicode

from tutorial_lib import render
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.widgets.viewport import Viewport

FRAME, PADDING, THUMBNAIL_GAP = 4, 2, 8  # CSS pixels: around a picture, and between two
MAX_ASPECT = 3 / 4  # height by width: three rows then fit beside a photo of any shape


class NamedImage(w.Image):
    """An image with a name for screen readers: its tooltip."""

    description = Unicode("").tag(sync=True)  # without it ipywidgets ignores the tooltip


class Thumbnail:
    """One candidate: its mask over the photo, and a button with number and score below.

    Parameters
    ----------
    number : int
        The candidate's number, from 0.
    viewport : Viewport
        Its size is the size of the picture.
    pressed : callable
        ``pressed()`` is called when picture or button is clicked.
    """

    def __init__(self, number: int, viewport: Viewport, pressed: Callable[[], None]) -> None:
        self.number = number
        size = {"width": f"{viewport.width}px", "height": f"{viewport.height}px"}
        self.picture = NamedImage(format="png", tooltip=f"Candidate {number}", layout=size)
        self.picture.layout.margin = "0"
        self.button = w.Button(layout={"width": "100%", "margin": "2px 0 0 0"})
        self.button.on_click(lambda _: pressed())
        self.mouse = Event(
            source=self.picture, watched_events=["click"], prevent_default_action=True
        )
        self.mouse.on_dom_event(lambda _: pressed())
        self.widget = w.VBox([self.picture, self.button], layout={"padding": f"{PADDING}px"})
        self.widget.add_class("tutorial-candidate")

    def show(self, pixels: np.ndarray, score: float) -> None:
        """Show ``(height, width, 3) uint8`` and a score."""
        self.picture.value = render.encode_png(pixels)
        self.button.description = f"{self.number}: {render.score_text(score)}"

    def mark(self, shown: bool, best: bool, preferred: bool) -> None:
        """Show whether this candidate is shown, scores best, and is preferred by a person."""
        colour = render.hex_colour(render.PREFERRED if preferred else render.SELECTED)
        stroke = "solid" if shown else "dashed"
        frame = f"{FRAME}px {stroke} {colour}" if shown or best else f"{FRAME}px solid transparent"
        self.widget.layout.border = frame
        self.button.icon = "user" if preferred else "star" if best else ""
        self.button.style.button_color = colour if shown else None
        self.button.style.text_color = ("black" if preferred else "white") if shown else None
        self.button.tooltip = self._explain(shown, best, preferred)

    def _explain(self, shown: bool, best: bool, preferred: bool) -> str:
        name = f"Candidate {self.number}"
        if preferred:
            return f"{name}, your choice: press to leave the choice to the method again"
        if shown:
            return f"{name}, selected by the method: press to make it your choice"
        what = ", which scores best" if best else ""
        key = f" (key {self.number})" if self.number < 10 else ""
        return f"{name}{what}: press to prefer it{key}"


class Thumbnails:
    """All candidates of the latest answer, in the order of their numbers.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    width : int
        Largest width of a picture, in CSS pixels. Its height is at most three quarters of that.
    columns : int
        Pictures in a row.
    pressed : callable
        ``pressed(number)`` is called when a candidate is clicked.
    """

    def __init__(
        self, photo: np.ndarray, width: int, columns: int, pressed: Callable[[int], None]
    ) -> None:
        rows, cols = photo.shape[:2]
        limit = min(width, round(MAX_ASPECT * width * max(1, cols / rows)))
        self.viewport = Viewport((rows, cols), limit)
        self._photo, self._pressed = self.viewport.cut(photo), pressed
        self.all: list[Thumbnail] = []
        self._shown: tuple = ()
        cell = self.viewport.width + 2 * (FRAME + PADDING)
        self.width = columns * cell + (columns - 1) * THUMBNAIL_GAP
        layout = {
            "grid_template_columns": f"repeat({columns}, {cell}px)",
            "grid_gap": f"{THUMBNAIL_GAP}px",
            "align_items": "flex-start",
        }
        self.widget = w.GridBox(layout=layout)

    def show(
        self,
        answer: Segmentation | None,
        preferred: int | None,
        view: str,
        opacity: float,
        colour: render.Colour = render.MASK,
    ) -> None:
        """Show the candidates of an answer; None, or an answer without candidates, shows none.

        What is shown already is not drawn again: zoom and pan move the large photo only.

        Parameters
        ----------
        answer : Segmentation or None
            The answer.
        preferred : int or None
            The candidate that a person chose.
        view : {"mask", "contour", "cut-out", "spotlight", "probability"}
            What is drawn over the photo.
        opacity : float
            Opacity of the tint, 0 to 1.
        colour : tuple of int
            Red, green and blue of the tint, 0 to 255.
        """
        key = (answer, preferred, view, opacity, colour)
        if key == self._shown:
            return
        self._shown = key
        candidates = () if answer is None or answer.candidates is None else answer.candidates
        self._make(len(candidates))
        for thumbnail, candidate in zip(self.all, candidates, strict=True):
            number = thumbnail.number
            over = render.layer(*self._cut(candidate), view, opacity, colour=colour)
            thumbnail.show(render.blend(self._photo, over), answer.scores[number])
            best = number == answer.scores.argmax()
            thumbnail.mark(number == answer.selected, best, number == preferred)
        # Only now: the page would show frames without a picture.
        self.widget.children = [thumbnail.widget for thumbnail in self.all]

    def _make(self, count: int) -> None:
        if count != len(self.all):
            self.all = [
                Thumbnail(number, self.viewport, lambda number=number: self._pressed(number))
                for number in range(count)
            ]

    def _cut(self, candidate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.viewport.cut(candidate >= 0.5), self.viewport.cut(candidate)
