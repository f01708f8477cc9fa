"""Infer the user's intention from the positions of the clicks.

A click on a car door may mean the door or the car. But users click near the centre of the object
that they want. Later they click near the centre of the remaining error. So we ask of each
candidate: would a user who wants this candidate have clicked there? (Baker, Saxe and Tenenbaum,
Action Understanding as Inverse Planning, Cognition 2009.) The robots of both papers click deep
inside an error. DOS's robot clicks the deepest pixel. Latent Diversity's robot clicks a random
pixel, and prefers deep ones (Eq. 8).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from skimage.measure import label
from torch import Tensor

from tutorial_lib.clicks import Clicks, Mark
from tutorial_lib.users.region_depth import depth


def intent_fit(candidates: Tensor, positive: Tensor, negative: Tensor, previous: Tensor) -> Tensor:
    """Measure how well the new clicks fit each candidate, as corrections of the previous mask.

    Suppose that the user wants candidate m. Then the error is where m and the previous mask differ.
    It has two regions: the missed object and the false object. The depth of a cell is its distance
    to the boundary of its region. A click is new if the previous mask is wrong at the click.

    Parameters
    ----------
    candidates : Tensor
        ``(B, M, h, w)`` in [0, 1].
    positive, negative : Tensor
        ``(B, h, w)``: above 0 at the clicked cells.
    previous : Tensor
        ``(B, h, w)`` in [0, 1]: the mask that was shown before the last click; 0 if there was none.

    Returns
    -------
    Tensor
        ``(B, M) float32`` in [0, 1], on the candidates' device: the largest depth at a new click,
        divided by the largest depth anywhere. It is 1 for a click of DOS's robot. It is 0 if no new
        click lies in the error, or if there is no error.
    """
    masks, shown = (candidates >= 0.5).cpu().numpy(), (previous >= 0.5).cpu().numpy()
    added = (positive > 0).cpu().numpy() & ~shown
    removed = (negative > 0).cpu().numpy() & shown
    fits = [
        [_fit(mask, *state) for mask in masks[index]]
        for index, state in enumerate(zip(shown, added, removed, strict=True))
    ]
    return torch.tensor(fits, dtype=torch.float32, device=candidates.device)


def refuted_share(mask: np.ndarray, mark: Mark) -> float:
    """Return how much of a mask is wrong at least, if a user corrects its largest error.

    A user who clicks in the middle of the largest error clicks as deep in the mask as that error is
    wide. So the disc around the click that just fits into the mask is about as large as an error.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``: the mask that was shown.
    mark : Click or Stroke
        The negative click, in pixels of the mask.

    Returns
    -------
    float
        Area of the disc, as a share of the mask; 0 if the click lies outside the mask.

    Examples
    --------
    >>> from tutorial_lib import Click
    >>> mask = np.pad(np.ones((5, 20), dtype=bool), 1)
    >>> round(refuted_share(mask, Click(3, 10, positive=False)), 2)  # depth 3
    0.28
    """
    return _disc_share(depth(mask), mask, mark)


def distance_share(mask: np.ndarray, mark: Mark) -> float:
    """Return how far a click lies outside a mask, compared with the size of the mask.

    A user who clicks far outside a small mask means something much larger.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``: the mask that was shown.
    mark : Click or Stroke
        The positive click, in pixels of the mask.

    Returns
    -------
    float
        Area of the disc around the click that just reaches the mask, divided by the area of the
        mask; 0 if the click lies inside, infinity if the mask is empty.

    Examples
    --------
    >>> from tutorial_lib import Click
    >>> mask = np.zeros((9, 30), dtype=bool)
    >>> mask[3:6, 3:6] = True
    >>> round(distance_share(mask, Click(4, 11)), 1)  # 6 pixels from a mask of 9
    12.6
    """
    if not mask.any():
        return math.inf
    outside = (~mask).astype(np.uint8)
    distances = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return _disc_share(distances, mask, mark)


def _disc_share(distances: np.ndarray, mask: np.ndarray, mark: Mark) -> float:
    """Return the area of the largest disc around a mark, as a share of the mask."""
    rows, cols = np.array(mark.points).T
    return math.pi * float(distances[rows, cols].max()) ** 2 / max(1, int(mask.sum()))


def extra_pieces(candidates: np.ndarray, clicks: Clicks, stride: int) -> np.ndarray:
    """Count the pieces of each candidate that hold positive clicks, beyond the first one.

    Most objects are in one piece. So a candidate that has a small piece around each click is rarely
    what a user means.

    Parameters
    ----------
    candidates : np.ndarray
        ``(M, h, w) bool``.
    clicks : Clicks
        In pixels of the view.
    stride : int
        Side of a cell of the candidates, in the same pixels.

    Returns
    -------
    np.ndarray
        ``(M,) int``. Clicks that a candidate does not hold do not count.
    """
    points = [point for mark in clicks if mark.positive for point in mark.points]
    if not points:
        return np.zeros(len(candidates), dtype=int)
    last = np.array(candidates.shape[1:]) - 1
    rows, cols = np.minimum(np.array(points) // stride, last).T
    held = [set(label(mask, connectivity=2)[rows, cols]) - {0} for mask in candidates]
    return np.array([max(0, len(pieces) - 1) for pieces in held])


def _fit(wanted: np.ndarray, shown: np.ndarray, added: np.ndarray, removed: np.ndarray) -> float:
    missed, deepest_missed = _depth_at(added, wanted & ~shown)
    false, deepest_false = _depth_at(removed, shown & ~wanted)
    deepest = max(deepest_missed, deepest_false)
    return max(missed, false) / deepest if deepest else 0.0


def _depth_at(clicked: np.ndarray, region: np.ndarray) -> tuple[float, float]:
    """Return a region's largest depth at a click, and its largest depth; 0 if there is none."""
    depths = depth(region)
    return float(depths.max(where=clicked, initial=0)), float(depths.max(initial=0))
