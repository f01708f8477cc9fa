"""The visible part of a photo, and the mapping between canvas positions and photo pixels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from numbers import Integral

import cv2
import numpy as np

SMALLEST_SIDE, LARGEST_SIDE = 320, 640  # canvas pixels, where no width is asked for
MAX_FACTOR = 16
SMALLEST_WINDOW = 24  # photo pixels on the shorter side: a closer view shows nothing new


def check_length(label: str, number: object) -> None:
    """Refuse a width or a number of columns that is not a whole number of at least 1.

    Parameters
    ----------
    label : str
        The name of the number, as in a sentence after "The".
    number : object
        Any value.

    Raises
    ------
    ValueError
        If it is not a whole number of at least 1.
    """
    whole = isinstance(number, Integral) and not isinstance(number, bool)
    if not whole or number < 1:
        raise ValueError(f"The {label} is a whole number of at least 1, not {number!r}.")


@dataclass(frozen=True)
class Viewport:
    """A window of a photo, scaled to a canvas of fixed size.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the photo, in pixels.
    limit : int, optional
        The longer side of the canvas, in canvas pixels. By default that of the photo, but at least
        320 and at most 640.
    factor : int
        Zoom: 1 shows the whole photo, 2 a quarter of it.
    top, left : int
        Upper left pixel of the window.
    """

    shape: tuple[int, int]
    limit: int | None = None
    factor: int = 1
    top: int = 0
    left: int = 0
    width: int = field(init=False)
    height: int = field(init=False)

    def __post_init__(self) -> None:
        if self.limit is not None:
            check_length("width", self.limit)
        rows, cols = self.shape
        longest = max(rows, cols)
        scale = (self.limit or min(max(longest, SMALLEST_SIDE), LARGEST_SIDE)) / longest
        object.__setattr__(self, "width", max(1, round(cols * scale)))
        object.__setattr__(self, "height", max(1, round(rows * scale)))

    @property
    def window(self) -> tuple[int, int]:
        """Height and width of the visible part, in photo pixels."""
        return -(-self.shape[0] // self.factor), -(-self.shape[1] // self.factor)

    @property
    def scale(self) -> float:
        """Canvas pixels per photo pixel."""
        return self.width / self.window[1]

    @property
    def centre(self) -> tuple[int, int]:
        """Photo pixel in the middle of the window."""
        return self.top + self.window[0] // 2, self.left + self.window[1] // 2

    @property
    def can_zoom_in(self) -> bool:
        """Whether the zoom can be doubled."""
        return self.factor < MAX_FACTOR and min(self.window) // 2 >= SMALLEST_WINDOW

    def to_pixel(self, x: float, y: float) -> tuple[int, int]:
        """Return the pixel (row, col) at a canvas position, or the nearest one inside the photo."""
        rows, cols = self.window
        row = self.top + int(np.floor(y * rows / self.height))
        col = self.left + int(np.floor(x * cols / self.width))
        return min(max(row, 0), self.shape[0] - 1), min(max(col, 0), self.shape[1] - 1)

    def to_point(self, x: float, y: float) -> tuple[float, float]:
        """Return the place (row, col) at a canvas position, to a fraction of a pixel.

        Whole numbers are the centres of pixels, as for :meth:`to_canvas`.
        """
        rows, cols = self.window
        row = self.top + y * rows / self.height - 0.5
        col = self.left + x * cols / self.width - 0.5
        return min(max(row, 0.0), self.shape[0] - 1.0), min(max(col, 0.0), self.shape[1] - 1.0)

    def to_canvas(self, row: float, col: float) -> tuple[float, float]:
        """Return the canvas position (x, y) of a place on the photo, such as a pixel's centre."""
        rows, cols = self.window
        x = (col - self.left + 0.5) * self.width / cols
        return x, (row - self.top + 0.5) * self.height / rows

    def zoomed(self, step: int, centre: tuple[int, int] | None = None) -> Viewport:
        """Double (+1) or halve (-1) the zoom around a photo pixel, within the limits."""
        if step > 0 and not self.can_zoom_in:
            return self
        factor = self.factor * 2 if step > 0 else max(1, self.factor // 2)
        return replace(self, factor=factor)._around(centre or self.centre)

    def zoomed_at(self, step: int, x: float, y: float) -> Viewport:
        """Double (+1) or halve (-1) the zoom; the pixel at a canvas position stays there."""
        return self.zoomed(step).placed(self.to_pixel(x, y), x, y)

    def placed(self, pixel: tuple[int, int], x: float, y: float) -> Viewport:
        """Move the window so that a photo pixel lies at a canvas position, within the limits."""
        rows, cols = self.window
        down, right = int(np.floor(y * rows / self.height)), int(np.floor(x * cols / self.width))
        return self._at(pixel[0] - down, pixel[1] - right)

    def moved(self, down: int, right: int) -> Viewport:
        """Move the window by quarters of its size."""
        rows, cols = self.window
        return self._at(self.top + down * rows // 4, self.left + right * cols // 4)

    def follow(self, pixel: tuple[int, int]) -> Viewport:
        """Return a viewport that shows a pixel: this one if it does, else one around the pixel."""
        rows, cols = self.window
        if self.top <= pixel[0] < self.top + rows and self.left <= pixel[1] < self.left + cols:
            return self
        return self._around(pixel)

    def cut(self, array: np.ndarray) -> np.ndarray:
        """Return the visible part at canvas size.

        Parameters
        ----------
        array : np.ndarray
            ``(H, W, ...)`` of the photo's size: uint8, float32 or bool.

        Returns
        -------
        np.ndarray
            ``(height, width, ...)`` of the same type; masks keep hard edges.
        """
        rows, cols = self.window
        part = array[self.top : self.top + rows, self.left : self.left + cols]
        if part.shape[:2] == (self.height, self.width):
            return part
        hard = part.dtype == bool
        mode = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_NEAREST
        if 1 < self.scale < 2 and not hard:  # pixels of unequal size would look like damage
            mode = cv2.INTER_LINEAR
        values = part.astype(np.uint8) * 255 if hard else np.ascontiguousarray(part)
        resized = cv2.resize(values, (self.width, self.height), interpolation=mode)
        return resized >= 128 if hard else resized

    def _around(self, pixel: tuple[int, int]) -> Viewport:
        rows, cols = self.window
        return self._at(pixel[0] - rows // 2, pixel[1] - cols // 2)

    def _at(self, top: int, left: int) -> Viewport:
        rows, cols = self.window
        return replace(
            self,
            top=min(max(top, 0), self.shape[0] - rows),
            left=min(max(left, 0), self.shape[1] - cols),
        )
