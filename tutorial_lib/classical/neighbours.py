"""Pixels and their neighbours: pairs, colour differences, and capacities of the links between them.

Every array with one value for each pair comes as a list: one array for each of :data:`OFFSETS`, of
the shape that :func:`pair_slices` gives.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Half of the 8-neighbourhood. The other half holds the same pairs, seen from the other side.
OFFSETS = ((0, 1), (1, 0), (1, 1), (1, -1))
# Costs become whole 256ths of the strongest link. With integers the minimum cut is exact and the
# same on every machine; this coarse rounding halves the solver's time
# (tools/measure_graph_reuse.py).
SCALE = 256


def pair_slices(row: int, col: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Index both ends of all neighbour pairs that lie ``(row, col)`` apart.

    Parameters
    ----------
    row, col : int
        The offset from the first pixel to the second; ``row`` is at least 0.

    Returns
    -------
    first, second : tuple of slice
        ``array[first]`` and ``array[second]`` have the same shape and hold the two ends.
    """
    first = (slice(None, -row or None), slice(max(0, -col), -col if col > 0 else None))
    second = (slice(row, None), slice(max(0, col), col if col < 0 else None))
    return first, second


def squared_differences(image: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the squared colour differences of all neighbour pairs, one array per offset.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, C)`` colours.

    Yields
    ------
    np.ndarray
        ``float32``, for each of :data:`OFFSETS`.
    """
    colours = image.astype(np.float32)
    for offset in OFFSETS:
        first, second = pair_slices(*offset)
        yield ((colours[first] - colours[second]) ** 2).sum(axis=-1)


def contrast_sigma(image: np.ndarray) -> float:
    """Return the typical contrast of a photo: the root mean square difference between neighbours.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.

    Returns
    -------
    float
        Sigma of DOS, Eq. 5, in grey levels; 1 for an image of one colour.
    """
    squares = list(squared_differences(image))
    count = sum(square.size for square in squares)
    mean = sum(float(square.sum(dtype=np.float64)) for square in squares) / max(count, 1)
    return float(np.sqrt(mean)) or 1.0


def link_totals(weights: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Add up the weights of all links of each pixel: the largest cost of separating it.

    Parameters
    ----------
    weights : list of np.ndarray
        Pairwise costs, one array for each of :data:`OFFSETS`.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    np.ndarray
        ``(H, W) float64``.
    """
    totals = np.zeros(shape)
    for offset, weight in zip(OFFSETS, weights, strict=True):
        for end in pair_slices(*offset):
            totals[end] += weight
    return totals


def to_integer(cost: np.ndarray) -> np.ndarray:
    """Round costs to whole multiples of ``1 / SCALE``, as ``int64``."""
    return np.rint(cost.astype(np.float64) * SCALE).astype(np.int64)
