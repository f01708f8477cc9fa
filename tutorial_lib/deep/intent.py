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


def intent_fit(candidates: Tensor, positive: Tensor, negative: Tensor, previous: Tensor) -> Tensor:
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
        ``(B, M) float32`` in [0, 1], on the candidates' device: the largest d at a new click as a
        share of the largest d anywhere. 1 where DOS's robot would have clicked just there; 0 where
        no new click lies in the error, or where there is no error.
    """
    masks, shown = (candidates >= 0.5).cpu().numpy(), (previous >= 0.5).cpu().numpy()
    added = (positive > 0).cpu().numpy() & ~shown
    removed = (negative > 0).cpu().numpy() & shown
    fits = [
        [_fit(mask, *state) for mask in masks[index]]
        for index, state in enumerate(zip(shown, added, removed, strict=True))
    ]
    return torch.tensor(fits, dtype=torch.float32, device=candidates.device)


def _fit(meant: np.ndarray, shown: np.ndarray, added: np.ndarray, removed: np.ndarray) -> float:
    missed, false = _depth(meant & ~shown), _depth(shown & ~meant)
    clicked = max(missed.max(where=added, initial=0), false.max(where=removed, initial=0))
    deepest = max(missed.max(), false.max())
    return clicked / deepest if deepest else 0.0


def _depth(region: np.ndarray) -> np.ndarray:
    """Distance of each cell of a region to the nearest one outside; so is all beyond the border."""
    padded = np.pad(region, 1).astype(np.uint8)
    return cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
