"""How good a mask is."""

from __future__ import annotations

import numpy as np


def iou(mask: np.ndarray, truth: np.ndarray, ignore: np.ndarray | None = None) -> float:
    """Intersection over union of two masks.

    Parameters
    ----------
    mask, truth : np.ndarray
        ``(H, W) bool``.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that do not count, such as the undecided band of the GrabCut masks.

    Returns
    -------
    float
        Between 0 and 1; two empty masks agree, 1.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if mask.shape != truth.shape:
        raise ValueError(f"The mask has shape {mask.shape}, the known mask {truth.shape}.")
    mask, truth = mask.astype(bool), truth.astype(bool)
    counted = np.ones_like(truth) if ignore is None else ~ignore.astype(bool)
    union = ((mask | truth) & counted).sum()
    return float((mask & truth & counted).sum() / union) if union else 1.0
