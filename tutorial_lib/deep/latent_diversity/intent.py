"""What a click says about the user's intention, beyond the pixel it lies on.

Who clicks on a car door may mean the door or the car. But people click into the middle of what they
mean, and later into the middle of what is still wrong. So of each candidate can be asked: had the
user meant this one, would they have clicked there? (Baker, Saxe and Tenenbaum, Action Understanding
as Inverse Planning, Cognition 2009.) Both papers' robots click deep in an error: DOS's on its
deepest pixel, Latent Diversity's on a pixel the likelier the deeper it lies (Eq. 8).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tutorial_lib.users.region_depth import depth


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
    missed, deepest_missed = _depth_at(added, meant & ~shown)
    false, deepest_false = _depth_at(removed, shown & ~meant)
    deepest = max(deepest_missed, deepest_false)
    return max(missed, false) / deepest if deepest else 0.0


def _depth_at(clicked: np.ndarray, region: np.ndarray) -> tuple[float, float]:
    """Return the largest depth of a region at a click, and anywhere; 0 if there is none."""
    rows, cols = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if not len(rows):
        return 0.0, 0.0
    # The region's bounding box is enough: everything around it is outside.
    box = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
    depths = depth(region[box])
    return float(depths.max(where=clicked[box], initial=0)), float(depths.max())
