"""A photo on one or several canvases: the visible part, the keyboard's cursor, the marks."""

from __future__ import annotations

from collections.abc import Sequence
from math import dist

import numpy as np

from tutorial_lib.actions import TouchUp
from tutorial_lib.clicks import Clicks
from tutorial_lib.widgets.photo_layers import MARK, PhotoLayers
from tutorial_lib.widgets.viewport import Viewport


class PhotoView:
    """Canvases that show the same part of one photo.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    width : int, optional
        The longer side of a canvas, in CSS pixels; see :class:`Viewport` for the default.
    labels : sequence of str
        One canvas is made for each label. Screen readers read the label aloud.
    marks : sequence of bool, optional
        For each canvas, whether it shows the marks of the clicks. By default, all do.

    Attributes
    ----------
    viewport : Viewport
        The visible part of the photo.
    cursor : tuple of int or None
        The pixel ``(row, col)`` of the keyboard's cursor, if there is one.
    selected : int or None
        Which click or stroke is selected, as an index.
    draft : TouchUp or None
        A touch-up that is being painted.
    canvases : tuple of PhotoLayers
        The canvases.
    """

    def __init__(
        self,
        photo: np.ndarray,
        width: int | None,
        labels: Sequence[str],
        marks: Sequence[bool] | None = None,
    ) -> None:
        self.viewport = Viewport(photo.shape[:2], width)
        self.cursor: tuple[int, int] | None = None
        self.selected: int | None = None
        self.draft: TouchUp | None = None
        self.canvases = tuple(PhotoLayers(self.viewport, label) for label in labels)
        self._photo, self._marks = photo, marks or [True] * len(self.canvases)
        for canvas, marked in zip(self.canvases, self._marks, strict=True):
            if not marked:
                canvas.add_class("tutorial-unmarked")

    def load(self, photo: np.ndarray) -> None:
        """Take another photo, ``(H, W, 3) uint8``."""
        self.viewport, self.cursor = Viewport(photo.shape[:2], self.viewport.limit), None
        self.selected = self.draft = None
        self._photo = photo
        for canvas in self.canvases:
            canvas.resize(self.viewport)

    def draw(self, canvas: PhotoLayers, clicks: Clicks, quickly: bool = False) -> None:
        """Draw photo and marks on one of the canvases; quickly while the view moves."""
        canvas.show_photo(self.viewport.cut(self._photo), quickly)
        self._draw_marks(canvas, clicks)

    def draw_marks(self, clicks: Clicks) -> None:
        """Draw the marks of the clicks and the cursor on all canvases."""
        for canvas in self.canvases:
            self._draw_marks(canvas, clicks)

    def _draw_marks(self, canvas: PhotoLayers, clicks: Clicks) -> None:
        if self._marks[self.canvases.index(canvas)]:
            canvas.show_marks(self.viewport, clicks, self.cursor, self.selected, self.draft)
        else:
            canvas.show_marks(self.viewport, Clicks(), self.cursor)

    @property
    def radius(self) -> int:
        """The radius of a click's sign, in canvas pixels."""
        return MARK * self.canvases[0].enlarged

    def places(self, clicks: Clicks) -> list[tuple[float, float]]:
        """Return where the signs of clicks and strokes stand, ``(x, y)`` in canvas pixels."""
        return [self.viewport.to_canvas(*mark.points[-1]) for mark in clicks]

    def corners(self, clicks: Clicks) -> list[tuple[float, float]]:
        """Return where the corners of the box stand, ``(x, y)`` in canvas pixels."""
        found = () if clicks.box is None else clicks.box.corners
        return [self.viewport.to_canvas(*corner) for corner in found]

    def mark_at(self, clicks: Clicks, x: float, y: float) -> int | None:
        """Return the click or stroke whose sign is at a place of the canvas.

        Parameters
        ----------
        clicks : Clicks
            Clicks and strokes on the photo.
        x, y : float
            The place, in canvas pixels.

        Returns
        -------
        int or None
            Its index, of several the nearest. None if there is no sign.
        """
        return self._nearest(self.places(clicks), x, y)

    def corner_at(self, clicks: Clicks, x: float, y: float) -> int | None:
        """Return the corner of the box at a place of the canvas.

        Parameters
        ----------
        clicks : Clicks
            What a person has said, perhaps with a box.
        x, y : float
            The place, in canvas pixels.

        Returns
        -------
        int or None
            Its index in :attr:`tutorial_lib.actions.Box.corners`. None if there is no corner.
        """
        return self._nearest(self.corners(clicks), x, y)

    def _nearest(self, places: Sequence[tuple[float, float]], x: float, y: float) -> int | None:
        reach = self.radius + 2
        far = [(dist(place, (x, y)), number) for number, place in enumerate(places)]
        distance, number = min(far, default=(reach, None))
        return number if distance < reach else None
