"""What all classical methods share: clicks become discs, and both kinds are required."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.images import ImageLike
from tutorial_lib.segmenter import Segmentation


def with_discs(probability: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """Return an ``(H, W)`` probability map with 1 and 0 in the clicked discs."""
    return np.where(positive, 1, np.where(negative, 0, probability))


class DiscSegmenter(ABC):
    """A method that reads its clicks as discs (Xu et al. use radius 5; Li et al. give none).

    Nothing separates object from background while one kind of click is missing. Until then the
    answer is the positive discs themselves.

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
            ``mask`` equals the positive discs while one kind of click is missing.

        Raises
        ------
        ValueError
            If a click lies outside the image.
        """
        positive, negative = clicks.discs(prepared.shape, self.radius)
        if not self._can_answer(positive, negative):
            return Segmentation(probability=positive.astype(np.float32))
        return self._segment(prepared, positive, negative)

    def _can_answer(self, positive: np.ndarray, negative: np.ndarray) -> bool:
        return bool(positive.any() and negative.any())

    @abstractmethod
    def _segment(self, prepared: Any, positive: np.ndarray, negative: np.ndarray) -> Segmentation:
        """Answer two ``(H, W) bool`` maps of discs."""
