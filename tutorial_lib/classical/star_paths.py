"""The path from every pixel to the nearest star centre, stored as each pixel's parent."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from tutorial_lib.classical.neighbours import OFFSETS, contrast_sigma, squared_differences
from tutorial_lib.classical.pixel_paths import PixelLinks

GOLDEN = (5**0.5 - 1) / 2
Centres = tuple[tuple[int, int], ...]


def ray_parents(centres: Centres, shape: tuple[int, int]) -> np.ndarray:
    """Find the next pixel on the straight ray from each pixel to the nearest centre.

    A pixel is n steps away, the larger of its offsets in rows and in columns. It moves along an
    axis if its offset there exceeds ``t(n) * n``. With ``t = 1/2`` this rounds to the nearest
    pixel. But rays share their pixels, so rounding errors add up and bend a ray of 400 pixels by
    nearly 50. With ``t(n) = n * golden ratio mod 1`` errors cancel, and rays stay within 3 pixels.

    Parameters
    ----------
    centres : sequence of (int, int)
        Rows and columns of the star centres, at least one.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    np.ndarray
        ``(H, W) int64`` index of the parent in the flattened image; a centre is its own.

    References
    ----------
    Gulshan et al., Geodesic Star Convexity for Interactive Image Segmentation, CVPR 2010;
    Chun et al., Consistent Digital Rays, 2009, for rays that share their pixels.
    """
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    nearest = np.full(shape, np.iinfo(np.int64).max)
    which = np.zeros(shape, dtype=np.intp)
    for index, (row, col) in enumerate(centres):
        squared = (rows - row) ** 2 + (cols - col) ** 2
        wins = squared < nearest  # at equal distance the earlier centre
        np.copyto(nearest, squared, where=wins)
        np.copyto(which, index, where=wins)
    centre_rows, centre_cols = np.transpose(centres)
    to_row, to_col = centre_rows[which] - rows, centre_cols[which] - cols
    steps = np.maximum(abs(to_row), abs(to_col))
    counts = np.arange(max(shape))
    threshold = np.floor(counts * GOLDEN % 1 * counts).astype(np.int64)[steps]
    row_step = np.sign(to_row) * (abs(to_row) > threshold)
    col_step = np.sign(to_col) * (abs(to_col) > threshold)
    return (rows + row_step) * shape[1] + cols + col_step


def link_lengths(image: np.ndarray, gamma: float = 0.7) -> list[np.ndarray]:
    """Return the length of the step between neighbours, one array per offset.

    ``length(p, q) = sqrt( (1 - gamma) * dist(p, q)^2 + gamma * |I_p - I_q|^2 / sigma^2 )``

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    gamma : float
        0 counts pixels only. The closer to 1, the more a path avoids edges. It is less than 1,
        because every step must have a length.

    Returns
    -------
    list of np.ndarray
        One ``float32`` array for each of :data:`~tutorial_lib.classical.neighbours.OFFSETS`;
        sigma is :func:`~tutorial_lib.classical.neighbours.contrast_sigma` of the photo.

    References
    ----------
    Gulshan et al., CVPR 2010. Here the gradient is the difference of the two pixels, divided by
    sigma, so that one gamma fits photos of low and of high contrast.
    """
    scale = gamma / contrast_sigma(image) ** 2
    return [
        np.sqrt((1 - gamma) * (row**2 + col**2) + scale * square)
        for (row, col), square in zip(OFFSETS, squared_differences(image), strict=True)
    ]


def step_lengths(image: np.ndarray, gamma: float = 0.7) -> csr_array:
    """Return :func:`link_lengths` as a graph.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    gamma : float
        From 0 up to less than 1.

    Returns
    -------
    csr_array
        ``(H * W, H * W) float64``, symmetric.
    """
    return PixelLinks(image.shape[:2]).graph(link_lengths(image, gamma))


def path_parents(centres: Centres, shape: tuple[int, int], lengths: csr_array) -> np.ndarray:
    """Find the next pixel on the shortest path from each pixel to the nearest centre.

    Parameters
    ----------
    centres : sequence of (int, int)
        Rows and columns of the star centres, at least one.
    shape : tuple of int
        Height and width of the image.
    lengths : csr_array
        Length of each step, from :func:`step_lengths`.

    Returns
    -------
    np.ndarray
        ``(H, W) int64`` index of the parent in the flattened image; a centre is its own.

    References
    ----------
    Gulshan et al., CVPR 2010, section 3: the geodesic forest.
    """
    starts = np.ravel_multi_index(tuple(np.asarray(centres).T), shape)
    _, parents, _ = dijkstra(lengths, indices=starts, min_only=True, return_predecessors=True)
    return np.where(parents < 0, np.arange(parents.size), parents).astype(np.int64).reshape(shape)


def is_star(mask: np.ndarray, parents: np.ndarray) -> bool:
    """Return whether the parent of every object pixel is object.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``.
    parents : np.ndarray
        ``(H, W) int``, from :func:`ray_parents` or :func:`path_parents`.

    Returns
    -------
    bool
        True also for an empty mask.
    """
    return bool(mask.ravel()[parents[mask]].all())
