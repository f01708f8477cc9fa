"""What all classical methods share: clicks and strokes become discs, and both kinds are required.

Everything outside a box is marked background. A start mask stands in for a kind of click that is
missing, and each method uses it in its own way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.images import ImageLike
from tutorial_lib.segmenter import Segmentation

PRIOR = 0.9  # probability of the label that a start mask has


def marked_discs(
    clicks: Clicks, shape: tuple[int, ...], radius: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels that the user marked: discs, and everything outside the box.

    Parameters
    ----------
    clicks : Clicks
        The clicks so far.
    shape : tuple of int
        Shape of the image, ``(H, W, ...)``.
    radius : int
        Radius of the discs, in pixels.

    Returns
    -------
    positive, negative : np.ndarray
        ``(H, W) bool`` each; no pixel is in both.

    Raises
    ------
    ValueError
        If something lies outside the image.
    """
    positive, negative = clicks.discs(shape, radius)
    if clicks.box is not None:
        negative |= ~(clicks.box.inside(shape) | positive)
    return positive, negative


def with_prior(probability: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Multiply a probability map by the prior of a start mask (Bayes' rule).

    Parameters
    ----------
    probability : np.ndarray
        ``(H, W)`` in [0, 1]: the probability of object where both labels are equally likely.
    start : np.ndarray
        ``(H, W) bool``. The prior of object is 0.9 inside and 0.1 outside.

    Returns
    -------
    np.ndarray
        ``(H, W)`` in [0, 1].
    """
    prior = np.where(start, PRIOR, 1 - PRIOR)
    on_object = probability * prior
    return on_object / (on_object + (1 - probability) * (1 - prior))


def with_discs(probability: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Return an ``(H, W)`` probability map with 1 and 0 in the clicked discs."""
    return np.where(positive, 1, np.where(negative, 0, probability))


class DiscSegmenter(ABC):
    """A method that reads its clicks as discs (Xu et al. use radius 5; Li et al. give none).

    Nothing separates object from background while one kind of click is missing. Until then the
    answer is the positive discs themselves. A box marks the background around it. A start mask is
    the answer until the first click, and then stands in for a kind that is missing.

    Parameters
    ----------
    radius : int
        Radius of the disc around each click, in pixels.
    """

    def __init__(self, radius: int = 5) -> None:
        if radius < 0:
            raise ValueError(f"A disc's radius is at least 0, not {radius}.")
        self.radius = radius

    @abstractmethod
    def prepare(self, image: ImageLike) -> Any:
        """Do everything that depends on the image alone."""

    def segment(self, prepared: Any, clicks: Clicks) -> Segmentation:
        """Answer these clicks.

        Parameters
        ----------
        prepared
            The result of :meth:`prepare`.
        clicks : Clicks
            The clicks so far, all inside the image.

        Returns
        -------
        Segmentation
            ``mask`` equals the positive discs while one kind of click is missing. Without clicks
            it equals the start mask, if there is one.

        Raises
        ------
        ValueError
            If a click lies outside the image.
        """
        positive, negative = marked_discs(clicks, prepared.shape, self.radius)
        start = None if clicks.start is None else clicks.start.mask
        if start is not None and not (positive.any() or negative.any()):
            return Segmentation(probability=start.astype(np.float32))
        if start is None and not (positive.any() and negative.any()):
            return Segmentation(probability=positive.astype(np.float32))
        return self._segment(prepared, positive, negative, start)

    @abstractmethod
    def _segment(
        self,
        prepared: Any,
        positive: np.ndarray,
        negative: np.ndarray,
        start: np.ndarray | None,
    ) -> Segmentation:
        """Answer two ``(H, W) bool`` maps of discs, and a start mask if there is one."""
