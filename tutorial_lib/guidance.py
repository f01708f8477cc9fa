"""Click maps: the clicks as images, for networks and colour models (DOS, section 3.1).

Every pixel of a stroke counts like a click.
"""

from __future__ import annotations

import numpy as np

from tutorial_lib.clicks import Clicks

TRUNCATION = 255.0  # pixels; DOS stores its maps in 8 bits
MANY = 16  # points; from here on one distance transform is faster than one pass for each point


def distance_map(
    points: np.ndarray, shape: tuple[int, ...], truncation: float = TRUNCATION
) -> np.ndarray:
    """Compute the truncated distance of every pixel to the nearest point.

    ``u(m, n) = min( truncation, min over (i, j) of sqrt((m - i)^2 + (n - j)^2) )``

    Parameters
    ----------
    points : np.ndarray
        ``(n, 2)`` rows and columns, in pixels; n may be 0. More than 16 whole numbers must lie
        inside the image.
    shape : tuple of int
        Shape of the image, ``(H, W, ...)``.
    truncation : float
        Largest distance, in pixels. Without points, every pixel has this value.

    Returns
    -------
    np.ndarray
        ``(H, W) float32``, in pixels.

    Examples
    --------
    >>> import numpy as np
    >>> distance_map(np.array([[0, 1]]), (1, 5), truncation=2).tolist()
    [[1.0, 0.0, 1.0, 2.0, 2.0]]

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, Eq. 1; Li et al., Interactive Image
    Segmentation with Latent Diversity, CVPR 2018, Eq. 1.
    """
    squared = np.full(shape[:2], truncation**2, dtype=np.float32)
    if len(points) > MANY and np.issubdtype(points.dtype, np.integer):
        return np.sqrt(np.minimum(squared, _squared_distances(points, shape), out=squared))
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    cols = np.arange(shape[1], dtype=np.float32)[None, :]
    for row, col in np.asarray(points, dtype=np.float32).reshape(-1, 2):
        np.minimum(squared, (rows - row) ** 2 + (cols - col) ** 2, out=squared)
    return np.sqrt(squared)


def _squared_distances(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Compute the squared distances to many pixels inside the image at once, as for a stroke."""
    import cv2

    elsewhere = np.ones(shape[:2], dtype=np.uint8)
    elsewhere[tuple(points.T)] = 0
    distance = cv2.distanceTransform(elsewhere, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.rint(distance.astype(np.float64) ** 2).astype(np.float32)  # whole between pixels


def distance_maps(
    clicks: Clicks, shape: tuple[int, ...], truncation: float = TRUNCATION
) -> np.ndarray:
    """Stack the distance maps of the positive and of the negative clicks and strokes.

    Parameters
    ----------
    clicks : Clicks
        The user's clicks.
    shape : tuple of int
        Shape of the image, ``(H, W, ...)``.
    truncation : float
        Largest distance, in pixels.

    Returns
    -------
    np.ndarray
        ``(2, H, W) float32``: the distance to the nearest positive click, then to the nearest
        negative click, in pixels.

    Raises
    ------
    ValueError
        If a click lies outside the image.
    """
    clicks.check(shape)
    return np.stack(
        [distance_map(points, shape, truncation) for points in (clicks.positives, clicks.negatives)]
    )


def click_masks(clicks: Clicks, shape: tuple[int, ...], radius: int = 0) -> np.ndarray:
    """Stack binary maps of the clicks: the sets S_p and S_n of Latent Diversity, section 2.

    Parameters
    ----------
    clicks : Clicks
        The user's clicks.
    shape : tuple of int
        Shape of the image, ``(H, W, ...)``.
    radius : int
        Radius of the disc around each click, in pixels. 0 paints single pixels.

    Returns
    -------
    np.ndarray
        ``(2, H, W) float32``: positive clicks, then negative clicks. A disc is 1, the rest is 0.

    Raises
    ------
    ValueError
        If a click lies outside the image or the radius is negative.
    """
    return np.stack(clicks.discs(shape, radius)).astype(np.float32)


def click_gaussians(clicks: Clicks, shape: tuple[int, ...], sigma: float = 10.0) -> np.ndarray:
    """Stack maps with a Gaussian at every click.

    ``exp(-u^2 / (2 sigma^2))``, where u is the distance to the nearest positive (or negative)
    click, without truncation.

    Parameters
    ----------
    clicks : Clicks
        The user's clicks.
    shape : tuple of int
        Shape of the image, ``(H, W, ...)``.
    sigma : float
        Standard deviation, in pixels. At this distance the value is 0.61.

    Returns
    -------
    np.ndarray
        ``(2, H, W) float32`` in [0, 1]: positive clicks, then negative clicks. The value is 1 at a
        click. A map without clicks is 0.

    Raises
    ------
    ValueError
        If a click lies outside the image or sigma is not positive.

    References
    ----------
    Maninis et al., Deep Extreme Cut, CVPR 2018, section 3.
    """
    if not sigma > 0:
        raise ValueError(f"The sigma of a Gaussian must be positive, not {sigma}.")
    return np.exp(-(distance_maps(clicks, shape, np.inf) ** 2) / (2 * float(sigma) ** 2))
