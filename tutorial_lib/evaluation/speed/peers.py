"""Functions of well-known libraries for the same task, to compare our speed with.

They keep nothing between two clicks. So each click is one call on the whole photo.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tutorial_lib.clicks import Click, Clicks


@dataclass(frozen=True)
class Peer:
    """A library's function that does what one of our methods does.

    Parameters
    ----------
    name : str
        The function, with its module.
    module : str
        The module to import. It has a ``__version__``.
    settings : str
        The arguments, and how they differ from our method's.
    segment : callable
        Takes the ``(H, W, 3) uint8`` photo and the clicks, at least one of each kind. Returns the
        ``(H, W) bool`` mask.
    """

    name: str
    module: str
    settings: str
    segment: Callable[[np.ndarray, Clicks], np.ndarray]

    @property
    def available(self) -> bool:
        """Whether the library is installed."""
        return importlib.util.find_spec(self.module) is not None

    @property
    def version(self) -> str:
        """Version of the library."""
        return importlib.import_module(self.module).__version__

    def warm_up(self) -> None:
        """Answer once on a small picture, so that loading the library is not timed."""
        picture = np.zeros((32, 32, 3), dtype=np.uint8)
        picture[:, 16:] = 255
        self.segment(picture, Clicks([Click(16, 8), Click(16, 24, positive=False)]))


def scikit_image_random_walker(image: np.ndarray, clicks: Clicks) -> np.ndarray:
    """Call scikit-image's random walker with its defaults.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    clicks : Clicks
        At least one of each kind. Their discs of radius 5 are the labels.

    Returns
    -------
    np.ndarray
        ``(H, W) bool``.
    """
    from skimage.segmentation import random_walker

    positive, negative = clicks.discs(image.shape)
    labels = np.where(positive, 1, np.where(negative, 2, 0))
    return random_walker(image, labels, channel_axis=-1) == 1


def opencv_grab_cut(image: np.ndarray, clicks: Clicks) -> np.ndarray:
    """Call OpenCV's GrabCut with 5 iterations, initialised from a mask.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    clicks : Clicks
        At least one of each kind. Their discs of radius 5 are certain. All other pixels are
        probably background.

    Returns
    -------
    np.ndarray
        ``(H, W) bool``.
    """
    import cv2

    positive, negative = clicks.discs(image.shape)
    labels = np.full(image.shape[:2], cv2.GC_PR_BGD, dtype=np.uint8)
    labels[positive], labels[negative] = cv2.GC_FGD, cv2.GC_BGD
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(image, labels, None, *models, 5, cv2.GC_INIT_WITH_MASK)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


_GRAB_CUT = "5 iterations from a mask of the same discs, all else probably background"

PEERS = {
    "random-walker": Peer(
        "skimage.segmentation.random_walker",
        "skimage",
        "defaults, the same discs, on every pixel; ours solves on a grid of at most 40,000",
        scikit_image_random_walker,
    ),
    "grabcut": Peer(
        "cv2.grabCut", "cv2", f"{_GRAB_CUT}; ours has 3 from a first guess", opencv_grab_cut
    ),
    "graph-cut": Peer(
        "cv2.grabCut", "cv2", f"{_GRAB_CUT}; it refits its colours, ours cuts once", opencv_grab_cut
    ),
}
