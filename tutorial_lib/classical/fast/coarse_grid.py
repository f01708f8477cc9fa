"""A coarse grid over an image: each square block of pixels becomes one node of the graph."""

from __future__ import annotations

import numpy as np

from tutorial_lib.classical.neighbours import OFFSETS, pair_slices

# The largest graph that is cut in one go: 200 x 200 pixels, or 640 x 480 in blocks of 3 x 3.
EXACT_UP_TO = 40_000


def block_side(shape: tuple[int, int]) -> int:
    """Return the smallest odd side of blocks that keeps the coarse grid small enough.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    int
        In pixels; 1 for images of up to :data:`EXACT_UP_TO` pixels. It is odd, so that a block has
        a pixel at its centre.
    """
    side = 1
    while np.prod(coarse_grid_shape(shape, side)) > EXACT_UP_TO:
        side += 2
    return side


def coarse_grid_shape(shape: tuple[int, int], side: int) -> tuple[int, int]:
    """Return how many rows and columns of blocks cover an image; the last may be incomplete."""
    return -(-shape[0] // side), -(-shape[1] // side)


def block_sums(array: np.ndarray, side: int) -> np.ndarray:
    """Add up the pixels of each block.

    Parameters
    ----------
    array : np.ndarray
        ``(H, W)``.
    side : int
        Side of the blocks, in pixels.

    Returns
    -------
    np.ndarray
        ``(h, w) float64``, one sum per block, of shape :func:`coarse_grid_shape`.
    """
    height, width = coarse_grid_shape(array.shape, side)
    padded = np.zeros((height * side, width * side))
    padded[: array.shape[0], : array.shape[1]] = array
    return padded.reshape(height, side, -1).sum(axis=1).reshape(height, width, side).sum(axis=2)


def to_pixels(array: np.ndarray, side: int, shape: tuple[int, int]) -> np.ndarray:
    """Give every pixel of an image the value of its block."""
    return array.repeat(side, axis=0).repeat(side, axis=1)[: shape[0], : shape[1]]


def cheapest_within(weight: np.ndarray, offset: tuple[int, int], reach: int) -> np.ndarray:
    """Return, for each link, the weight of the cheapest link up to ``reach`` steps away.

    Parameters
    ----------
    weight : np.ndarray
        Costs of all links of one offset.
    offset : tuple of int
        That offset, one of :data:`~tutorial_lib.classical.neighbours.OFFSETS`.
    reach : int
        How many steps along the offset to look.

    Returns
    -------
    np.ndarray
        Of the shape of ``weight``.
    """
    cheapest = weight.copy()
    for step in range(1, reach + 1):
        first, second = pair_slices(step * offset[0], step * offset[1])
        cheapest[first] = np.minimum(cheapest[first], weight[second])
        cheapest[second] = np.minimum(cheapest[second], weight[first])
    return cheapest


def coarse_weights(
    weights: list[np.ndarray], shape: tuple[int, int], side: int
) -> list[np.ndarray]:
    """Return the cost of separating each pair of neighbouring blocks.

    The cost is a sum over all links between the two blocks. Each link counts with the weight of the
    cheapest link up to half a block away: an edge of the photo seldom runs exactly where two
    blocks meet. The cut in the band finds its exact place later.

    Parameters
    ----------
    weights : list of np.ndarray
        Pairwise costs of the pixels, one array per offset.
    shape : tuple of int
        Height and width of the image.
    side : int
        Side of the blocks, in pixels.

    Returns
    -------
    list of np.ndarray
        Pairwise costs of the blocks, one array per offset.
    """
    sums = np.zeros((len(OFFSETS), *coarse_grid_shape(shape, side)))
    row_of, col_of = (np.arange(length) // side for length in shape)
    for offset, weight in zip(OFFSETS, weights, strict=True):
        cheapest = cheapest_within(weight, offset, side // 2)
        (first_rows, first_cols), (second_rows, second_cols) = pair_slices(*offset)
        rows, cols = row_of[first_rows], col_of[first_cols]
        down, right = row_of[second_rows] - rows, col_of[second_cols] - cols
        for total, (row, col) in zip(sums, OFFSETS, strict=True):
            # Within a row of blocks the left block is the first, whichever end of the link it has.
            start = cols if row else np.minimum(cols, cols + right)
            these = (
                np.flatnonzero(down == row),
                np.flatnonzero((right if row else abs(right)) == col),
            )
            np.add.at(total, np.ix_(rows[these[0]], start[these[1]]), cheapest[np.ix_(*these)])
    return [total[pair_slices(*offset)[0]] for total, offset in zip(sums, OFFSETS, strict=True)]


def coarse_parents(parents: np.ndarray, side: int) -> np.ndarray:
    """Find the next block on the path from the centre of each block.

    Parameters
    ----------
    parents : np.ndarray
        ``(H, W) int`` index of each pixel's parent in the flattened image.
    side : int
        Side of the blocks, in pixels.

    Returns
    -------
    np.ndarray
        ``(h, w) int64`` index of the parent in the flattened coarse grid: a neighbouring block, or
        the block itself if the path ends in it or has not left it after ``2 * side`` steps.
    """
    height, width = parents.shape
    shape = coarse_grid_shape(parents.shape, side)
    blocks = np.arange(shape[0] * shape[1]).reshape(shape)
    block_of = to_pixels(blocks, side, parents.shape).ravel()
    rows = np.minimum(np.arange(shape[0]) * side + side // 2, height - 1)
    cols = np.minimum(np.arange(shape[1]) * side + side // 2, width - 1)
    at = rows[:, None] * width + cols
    for _ in range(2 * side):
        at = np.where(block_of[at] == blocks, parents.ravel()[at], at)
    return block_of[at]
