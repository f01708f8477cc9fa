"""Square cells of pixels, and what a graph over pixels becomes when each cell is one node."""

from __future__ import annotations

import numpy as np

from tutorial_lib.classical.pixel_graph import OFFSETS, pair_slices

# So many nodes are cut in one go: 200 x 200 pixels, or 640 x 480 in cells of 3 x 3.
EXACT_UP_TO = 40_000


def cell_size(shape: tuple[int, int]) -> int:
    """Return the side of an image's cells: the smallest odd one that makes few enough of them.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    int
        In pixels. 1 for images of up to :data:`EXACT_UP_TO` pixels: they need no cells. Odd, so
        that a cell has a pixel in its middle.
    """
    side = 1
    while np.prod(cell_grid(shape, side)) > EXACT_UP_TO:
        side += 2
    return side


def cell_grid(shape: tuple[int, int], side: int) -> tuple[int, int]:
    """Return how many rows and columns of cells cover an image; the last may be cut short."""
    return -(-shape[0] // side), -(-shape[1] // side)


def cell_sums(array: np.ndarray, side: int) -> np.ndarray:
    """Add up the pixels of each cell.

    Parameters
    ----------
    array : np.ndarray
        ``(H, W)``.
    side : int
        Side of the cells, in pixels.

    Returns
    -------
    np.ndarray
        ``(h, w) float64``, one sum a cell of :func:`cell_grid`.
    """
    height, width = cell_grid(array.shape, side)
    padded = np.zeros((height * side, width * side))
    padded[: array.shape[0], : array.shape[1]] = array
    return padded.reshape(height, side, -1).sum(axis=1).reshape(height, width, side).sum(axis=2)


def spread(array: np.ndarray, side: int, shape: tuple[int, int]) -> np.ndarray:
    """Give every pixel of an image the value of its cell."""
    return array.repeat(side, axis=0).repeat(side, axis=1)[: shape[0], : shape[1]]


def cheapest_within(weight: np.ndarray, offset: tuple[int, int], reach: int) -> np.ndarray:
    """Give each link the weight of the cheapest one up to ``reach`` steps before or behind it.

    Parameters
    ----------
    weight : np.ndarray
        Costs of all links of one offset.
    offset : tuple of int
        That offset, one of :data:`~tutorial_lib.classical.pixel_graph.OFFSETS`.
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


def cell_weights(weights: list[np.ndarray], shape: tuple[int, int], side: int) -> list[np.ndarray]:
    """Cost of separating each pair of neighbouring cells.

    All links that cross from one cell to the other count, each at the price of the cheapest link
    up to half a cell away. An edge of the photo seldom runs exactly where two cells meet, and a
    cell that heeds only the links there would not see it; the band finds its exact place later.

    Parameters
    ----------
    weights : list of np.ndarray
        Pairwise costs of the pixels, one array an offset.
    shape : tuple of int
        Height and width of the image.
    side : int
        Side of the cells, in pixels.

    Returns
    -------
    list of np.ndarray
        Pairwise costs of the cells, one array an offset.
    """
    sums = np.zeros((len(OFFSETS), *cell_grid(shape, side)))
    row_of, col_of = (np.arange(length) // side for length in shape)
    for offset, weight in zip(OFFSETS, weights, strict=True):
        cheapest = cheapest_within(weight, offset, side // 2)
        (first_rows, first_cols), (second_rows, second_cols) = pair_slices(*offset)
        rows, cols = row_of[first_rows], col_of[first_cols]
        down, right = row_of[second_rows] - rows, col_of[second_cols] - cols
        for total, (row, col) in zip(sums, OFFSETS, strict=True):
            # Within a row of cells the left cell is the first, whichever end of the link it has.
            start = cols if row else np.minimum(cols, cols + right)
            these = (
                np.flatnonzero(down == row),
                np.flatnonzero((right if row else abs(right)) == col),
            )
            np.add.at(total, np.ix_(rows[these[0]], start[these[1]]), cheapest[np.ix_(*these)])
    return [total[pair_slices(*offset)[0]] for total, offset in zip(sums, OFFSETS, strict=True)]


def cell_parents(parents: np.ndarray, side: int) -> np.ndarray:
    """Find the cell that the way from the middle of each cell leads to next.

    Parameters
    ----------
    parents : np.ndarray
        ``(H, W) int`` index of each pixel's parent in the flattened image.
    side : int
        Side of the cells, in pixels.

    Returns
    -------
    np.ndarray
        ``(h, w) int64`` index of the parent in the flattened grid of cells: a neighbouring cell,
        or the cell itself where a way ends, or has not left it after ``2 * side`` steps.
    """
    height, width = parents.shape
    cells = np.arange(np.prod(cell_grid(parents.shape, side))).reshape(
        cell_grid(parents.shape, side)
    )
    cell_of = spread(cells, side, parents.shape).ravel()
    rows = np.minimum(np.arange(cells.shape[0]) * side + side // 2, height - 1)
    cols = np.minimum(np.arange(cells.shape[1]) * side + side // 2, width - 1)
    at = rows[:, None] * width + cols
    for _ in range(2 * side):
        at = np.where(cell_of[at] == cells, parents.ravel()[at], at)
    return cell_of[at]
