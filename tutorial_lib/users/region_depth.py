"""The depth of a region: how far each of its pixels is from the nearest pixel outside."""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import distance_transform_edt

from tutorial_lib.clicks import Clicks

# Squared distances are integers. OpenCV's distances are rounded to float32, which is precise enough
# to find that integer up to this depth, in pixels.
RECOVERABLE = 1000


def depth(region: np.ndarray, border: bool = True) -> np.ndarray:
    """Return the distance of every pixel of a region to the nearest pixel outside it.

    This is also the *geodesic* distance, along paths within the region, to the boundary of the
    region: the disc around p that just reaches the nearest pixel outside lies within the region, so
    the straight path to that pixel is free.

    Parameters
    ----------
    region : np.ndarray
        ``(H, W) bool``.
    border : bool
        Whether everything beyond the image border is outside. If not, the border is no boundary.

    Returns
    -------
    np.ndarray
        ``(H, W) float64`` in pixels, exact; 0 outside the region, at least 1 within. Without the
        border, a region that fills the image is infinitely deep.

    Examples
    --------
    >>> depth(np.ones((3, 4), dtype=bool))
    array([[1., 1., 1., 1.],
           [1., 2., 2., 1.],
           [1., 1., 1., 1.]])
    >>> depth(np.array([[False, True, True, True]]), border=False)
    array([[0., 1., 2., 3.]])
    """
    if border:  # nothing beyond the region's own box and one pixel around it can be nearer
        left, top, width, height = cv2.boundingRect(region.astype(np.uint8))
        box = np.s_[top : top + height, left : left + width]
        depths = np.zeros(region.shape)
        if width:
            depths[box] = depth(np.pad(region[box], 1), border=False)[1:-1, 1:-1]
        return depths
    if region.all():
        return np.full(region.shape, np.inf)
    image = region.astype(np.uint8)
    distance = cv2.distanceTransform(image, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    if distance.max() > RECOVERABLE:
        return distance_transform_edt(image)  # exact at any size, and slower
    return np.sqrt(np.rint(distance.astype(np.float64) ** 2))


def without_clicked(values: np.ndarray, clicks: Clicks) -> np.ndarray:
    """Set the pixels of clicks and strokes to 0, in place, so that no robot clicks them again.

    Parameters
    ----------
    values : np.ndarray
        ``(H, W)``: depths, or the pixels that can be clicked.
    clicks : Clicks
        The clicks so far.

    Returns
    -------
    np.ndarray
        ``values``.
    """
    for mark in clicks:
        values[tuple(mark.pixels.T)] = 0
    return values
