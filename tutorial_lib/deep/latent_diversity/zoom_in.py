"""Zoom-in: crop the photo around the object, so that the network sees it at higher resolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage.measure import label

from tutorial_lib.clicks import Click, Clicks, Mark

CLOSER_SHARES = (0.5, 0.25)  # of the photo's sides: the closer views that a first click is seen in


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

    def holds(self, mark: Mark) -> bool:
        """Check whether a click or a whole stroke lies inside the view.

        Parameters
        ----------
        mark : Click or Stroke
            In pixels of the photo.

        Returns
        -------
        bool
            True if it lies inside.
        """
        bottom, right = self.top + self.height, self.left + self.width
        return all(
            self.top <= row < bottom and self.left <= col < right for row, col in mark.points
        )

    def clicks(self, clicks: Clicks, size: tuple[int, int]) -> Clicks:
        """Convert clicks to this view, resized.

        Parameters
        ----------
        clicks : Clicks
            Clicks in pixels of the photo. Those outside the view are left out, and so are the parts
            of strokes outside.
        size : tuple of int
            Height and width of the resized view, in pixels.

        Returns
        -------
        Clicks
            Clicks in pixels of the resized view, at the centres of the clicked pixels.
        """
        scale = size[0] / self.height, size[1] / self.width
        return clicks.moved(scale, (self.top, self.left), self.shape)

    def inside(self, margin: float, photo: tuple[int, int]) -> View:
        """Return the view without a margin. At the photo's border there is no margin.

        Parameters
        ----------
        margin : float
            Width of the margin, as a share of the shorter side.
        photo : tuple of int
            Height and width of the photo, in pixels.

        Returns
        -------
        View
            A view inside this one.

        Examples
        --------
        >>> View(0, 10, 20, 20).inside(0.1, (100, 200))
        View(top=0, left=12, height=18, width=16)
        """
        width, spans = round(margin * min(self.shape)), []
        for start, side, length in zip((self.top, self.left), self.shape, photo, strict=True):
            first = start + width * (start > 0)
            spans.append((first, start + side - width * (start + side < length) - first))
        (top, height), (left, width) = spans
        return View(top, left, height, width)

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


def closer_view(photo: tuple[int, int], click: Click, share: float) -> View:
    """Return a view of the photo's proportions around a click.

    Parameters
    ----------
    photo : tuple of int
        Height and width of the photo, in pixels.
    click : Click
        Inside the photo. It is the centre of the view, unless that would reach beyond the photo.
    share : float
        Sides of the view, as a share of the photo's.

    Returns
    -------
    View
        A view inside the photo.

    Examples
    --------
    >>> closer_view((100, 200), Click(10, 100), 0.5)
    View(top=0, left=50, height=50, width=100)
    """
    height, width = (max(1, round(side * share)) for side in photo)
    top = min(max(click.row - height // 2, 0), photo[0] - height)
    left = min(max(click.col - width // 2, 0), photo[1] - width)
    return View(top, left, height, width)


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
        (rows, [row for mark in clicks for row, _ in mark.points], mask.shape[0]),
        (cols, [col for mark in clicks for _, col in mark.points], mask.shape[1]),
    ):
        ends = [*places[:1], *places[-1:], *clicked]
        first, last = min(ends), max(ends) + 1
        side = min(max(round((last - first) * expansion_ratio), min_crop_size), length)
        start = (first + last - side) // 2
        spans.append((min(max(start, 0), length - side), side))
    (top, height), (left, width) = spans
    return View(int(top), int(left), int(height), int(width))


def changed_region(mask: np.ndarray, previous: np.ndarray, mark: Mark) -> np.ndarray:
    """Return what a click or a stroke changed around it.

    Parameters
    ----------
    mask, previous : np.ndarray
        ``(H, W) bool``: the masks after and before the mark.
    mark : Click or Stroke
        In pixels of the photo.

    Returns
    -------
    np.ndarray
        ``(H, W) bool``: the pixels of the mark, and all regions in which the masks differ that
        contain one of them. Diagonal neighbours are connected.

    References
    ----------
    Chen et al., FocalClick: Towards Practical Interactive Image Segmentation, CVPR 2022, section
    3.3 (progressive merge).

    Examples
    --------
    >>> previous, mask = np.zeros((1, 6), bool), np.array([[1, 1, 0, 0, 1, 1]], bool)
    >>> changed_region(mask, previous, Click(0, 1)).astype(int)
    array([[1, 1, 0, 0, 0, 0]])
    """
    rows, cols = np.array(mark.points).T
    regions = label(mask != previous, connectivity=2)
    marked = np.unique(regions[rows, cols])
    changed = np.isin(regions, marked[marked > 0])
    changed[rows, cols] = True
    return changed
