"""A photo on one or several canvases: the visible part, the keyboard's cursor, the marks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.widgets.photo_layers import PhotoLayers
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
        self.canvases = tuple(PhotoLayers(self.viewport, label) for label in labels)
        self._photo, self._marks = photo, marks or [True] * len(self.canvases)

    def load(self, photo: np.ndarray) -> None:
        """Take another photo, ``(H, W, 3) uint8``."""
        self.viewport, self.cursor = Viewport(photo.shape[:2], self.viewport.limit), None
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
        marked = self._marks[self.canvases.index(canvas)]
        canvas.show_marks(self.viewport, clicks if marked else Clicks(), self.cursor)
