"""What a click says about the user's intention, beyond the pixel it lies on.

Who clicks on a car door may mean the door or the car. But people click into the middle of what they
mean, and later into the middle of what is still wrong. So of each candidate can be asked: had the
user meant this one, would they have clicked there? (Baker, Saxe and Tenenbaum, Action Understanding
as Inverse Planning, Cognition 2009.) Both papers' robots click deep in an error: DOS's on its
deepest pixel, Latent Diversity's on a pixel the likelier the deeper it lies (Eq. 8).
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

INTENT = 3  # numbers a candidate
MEAN_DEPTHS = 3  # in a cone, the tip is three times as deep as the mean
LARGE = 5.0  # log of a depth of some 150 cells


def intent_numbers(
    candidates: Tensor, positive: Tensor, negative: Tensor, previous: Tensor
) -> Tensor:
    """Say how well new clicks fit to each candidate, as corrections of the mask shown before.

    If candidate m is meant, the cells that differ between it and the mask shown before are the
    error, missed object and false object apart, and d is the distance of each of them to its
    region's boundary. New are clicks that the mask shown before got wrong.

    Parameters
    ----------
    candidates : Tensor
        ``(B, M, h, w)`` in [0, 1].
    positive, negative : Tensor
        ``(B, h, w)``: above 0 at the cells that were clicked, of either kind.
    previous : Tensor
        ``(B, h, w)`` in [0, 1]: the mask shown before the last click; 0 if there was none.

    Returns
    -------
    Tensor
        ``(B, M, 3) float32``, on the candidates' device: d at the new clicks as a share of the
        largest d, about 1 if DOS's robot clicked; d there over three times the mean d, which is
        how much likelier Eq. 8 makes this cell than others; and the logarithm of the largest d.
        The first two are 0 where no new click lies in the error, and all three without an error.
    """
    masks, shown = (candidates >= 0.5).cpu().numpy(), (previous >= 0.5).cpu().numpy()
    added = (positive > 0).cpu().numpy() & ~shown
    removed = (negative > 0).cpu().numpy() & shown
    numbers = [
        [_fit(mask, *state) for mask in masks[index]]
        for index, state in enumerate(zip(shown, added, removed, strict=True))
    ]
    return torch.tensor(numbers, dtype=torch.float32, device=candidates.device)


def _fit(
    meant: np.ndarray, shown: np.ndarray, added: np.ndarray, removed: np.ndarray
) -> tuple[float, float, float]:
    missed, false = _depth(meant & ~shown), _depth(shown & ~meant)
    deepest, total = max(missed.max(), false.max()), missed.sum() + false.sum()
    if total == 0:
        return 0.0, 0.0, 0.0
    clicked = max(missed.max(where=added, initial=0), false.max(where=removed, initial=0))
    mean = total / np.count_nonzero(meant != shown)
    return clicked / deepest, clicked / (MEAN_DEPTHS * mean), float(np.log1p(deepest)) / LARGE


def _depth(region: np.ndarray) -> np.ndarray:
    """Distance of each cell of a region to the nearest one outside; so is all beyond the border."""
    padded = np.pad(region, 1).astype(np.uint8)
    return cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
