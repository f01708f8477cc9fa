"""COCO's masks as run lengths: a few hundred bytes each, whichever way they were written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as rle

Size = tuple[int, int]


def run_lengths(shape: Any, size: Size) -> list[dict]:
    """Encode a mask, in any of the three ways in which COCO writes one.

    Parameters
    ----------
    shape : list or dict
        Polygons ``[[x1, y1, x2, y2, ...], ...]``; or ``{"size": [H, W], "counts": ...}`` with run
        lengths down the columns as a list (uncompressed) or a text (compressed).
    size : tuple of int
        ``(H, W)``.

    Returns
    -------
    list of dict
        Parts whose :func:`union` is the mask. A polygon of fewer than three corners has none.

    Raises
    ------
    ValueError
        If it is none of these, or of another size.
    """
    if isinstance(shape, dict):
        if tuple(shape["size"]) != tuple(size):
            raise ValueError(f"The run lengths are of size {shape['size']}, not {list(size)}.")
        if isinstance(shape["counts"], list):
            return [rle.frPyObjects(shape, *size)]
        return [{"size": list(size), "counts": shape["counts"].encode()}]
    if not isinstance(shape, list):
        raise ValueError(f"A mask is polygons or run lengths, not {shape!r}.")
    polygons = [corners for corners in shape if len(corners) >= 6]
    return rle.frPyObjects(polygons, *size) if polygons else []


def union(parts: Sequence[dict], size: Size) -> bytes:
    """Return the compressed run lengths of all parts together; ``size`` is ``(H, W)``."""
    if not parts:
        return rle.encode(np.zeros(size, np.uint8, order="F"))["counts"]
    return rle.merge(list(parts))["counts"]


def area(size: Size, counts: bytes) -> int:
    """Return how many pixels compressed run lengths mark; ``size`` is ``(H, W)``."""
    return int(rle.area({"size": list(size), "counts": counts}))


def decode(size: Size, counts: bytes) -> np.ndarray:
    """Return the ``(H, W) bool`` mask of compressed run lengths."""
    return rle.decode({"size": list(size), "counts": counts}).astype(bool)
