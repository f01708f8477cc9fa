"""A smaller image, for methods whose time grows faster than the number of pixels."""

from __future__ import annotations

import cv2
import numpy as np


def coarse_shape(shape: tuple[int, int], pixels: int) -> tuple[int, int]:
    """Return the shape of about ``pixels`` pixels with the same proportions.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the photo.
    pixels : int
        Number of pixels; a photo with no more than that keeps its shape.

    Returns
    -------
    tuple of int
        Height and width, each at least 1.
    """
    height, width = shape
    scale = min(1.0, (pixels / (height * width)) ** 0.5)
    return max(1, round(height * scale)), max(1, round(width * scale))


def coarsen(array: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Average an ``(H, W)`` or ``(H, W, C)`` array over each pixel of a smaller one, in float64."""
    return cv2.resize(array.astype(np.float64), shape[::-1], interpolation=cv2.INTER_AREA)


def enlarge(array: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Enlarge an ``(h, w) float64`` map by linear interpolation between pixel centres."""
    return cv2.resize(array, shape[::-1], interpolation=cv2.INTER_LINEAR)
