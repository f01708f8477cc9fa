"""Zoom-in: crop the photo around the object, so that the network sees it at higher resolution."""

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
        Row and column of its upper left pixel.
    height, width : int
        Size, in pixels.
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
        """Index of the view's pixels in an array ``(H, W, ...)``."""
        rows = slice(self.top, self.top + self.height)
        return rows, slice(self.left, self.left + self.width)

    def holds(self, click: Click) -> bool:
        """Check whether a click lies inside the view.

        Parameters
        ----------
        click : Click
            In pixels of the photo.

        Returns
        -------
        bool
            True if it lies inside.
        """
        down, across = click.row - self.top, click.col - self.left
        return 0 <= down < self.height and 0 <= across < self.width

    def clicks(self, clicks: Clicks, size: tuple[int, int]) -> Clicks:
        """Convert clicks to this view, resized.

        Parameters
        ----------
        clicks : Clicks
            Clicks in pixels of the photo. Those outside the view are left out.
        size : tuple of int
            Height and width of the resized view, in pixels.

        Returns
        -------
        Clicks
            Clicks in pixels of the resized view, at the centres of the clicked pixels.
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
        """Return the IoU with another view.

        Parameters
        ----------
        other : View
            Another view of the same photo.

        Returns
        -------
        float
            In [0, 1].

        Examples
        --------
        >>> View(0, 0, 10, 10).overlap(View(0, 5, 10, 10))
        0.3333333333333333
        """
        rows = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        cols = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        common = max(rows, 0) * max(cols, 0)
        return common / (self.height * self.width + other.height * other.width - common)


def crop_around(
    mask: np.ndarray, clicks: Clicks, expansion_ratio: float, min_crop_size: int
) -> View:
    """Return a view that contains a mask and all clicks, with a margin around them.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``.
    clicks : Clicks
        Clicks inside the photo. If the mask is empty, there must be at least one.
    expansion_ratio : float
        Ratio of the view's sides to those of the bounding box.
    min_crop_size : int
        Minimum length of the view's sides, in pixels. A side is never longer than the photo.

    Returns
    -------
    View
        A view inside the photo.

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
