"""Zoom-in: let a network look at an object and its surroundings instead of the whole photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tutorial_lib.clicks import Click, Clicks


@dataclass(frozen=True)
class View:
    """A rectangle of a photo.

    Parameters
    ----------
    top, left : int
        Its upper left pixel.
    height, width : int
        Its size, in pixels.
    """

    top: int
    left: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, in pixels."""
        return self.height, self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """What to index a photo with."""
        rows = slice(self.top, self.top + self.height)
        return rows, slice(self.left, self.left + self.width)

    def holds(self, click: Click) -> bool:
        """Whether a click lies in it."""
        down, across = click.row - self.top, click.col - self.left
        return 0 <= down < self.height and 0 <= across < self.width

    def clicks(self, clicks: Clicks, size: tuple[int, int]) -> Clicks:
        """Return where the clicked pixels' centres lie in this view at another size.

        Parameters
        ----------
        clicks : Clicks
            In pixels of the photo; those outside are left out.
        size : tuple of int
            Height and width the view is brought to.

        Returns
        -------
        Clicks
            In pixels of the view at that size.
        """
        down, across = size[0] / self.height, size[1] / self.width
        return Clicks(
            Click(
                int((click.row - self.top + 0.5) * down),
                int((click.col - self.left + 0.5) * across),
                click.positive,
            )
            for click in clicks
            if self.holds(click)
        )

    def overlap(self, other: View) -> float:
        """Return the intersection over union with another view."""
        rows = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        cols = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        common = max(rows, 0) * max(cols, 0)
        return common / (self.height * self.width + other.height * other.width - common)


def crop_around(
    mask: np.ndarray, clicks: Clicks, expansion_ratio: float, min_crop_size: int
) -> View:
    """Return a view of a mask and of all clicks, with some room around them.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``.
    clicks : Clicks
        All inside the photo; at least one, if the mask is empty.
    expansion_ratio : float
        The view's sides are those of the bounding box times this.
    min_crop_size : int
        No side is shorter than this, unless the photo's is, in pixels.

    Returns
    -------
    View
        Inside the photo.

    References
    ----------
    Sofiiuk et al., f-BRS: Rethinking Backpropagating Refinement for Interactive Segmentation, CVPR
    2020, section 3.5 ("Zoom-In").
    """
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    spans = []
    for places, clicked, length in (
        (rows, [c.row for c in clicks], mask.shape[0]),
        (cols, [c.col for c in clicks], mask.shape[1]),
    ):
        ends = [*places[:1], *places[-1:], *clicked]
        first, last = min(ends), max(ends) + 1
        side = min(max(round((last - first) * expansion_ratio), min_crop_size), length)
        start = (first + last - side) // 2
        spans.append((min(max(start, 0), length - side), side))
    (top, height), (left, width) = spans
    return View(int(top), int(left), int(height), int(width))
