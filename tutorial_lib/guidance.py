"""Clicks as images: what a network, or a colour model, can read (DOS, section 3.1)."""

from __future__ import annotations

import numpy as np

from tutorial_lib.clicks import Clicks

TRUNCATION = 255.0


def distance_map(
    points: np.ndarray, shape: tuple[int, ...], truncation: float = TRUNCATION
) -> np.ndarray:
    """Distance of every pixel to the nearest of some points, cut off at a maximum.

    ``u(m, n) = min( truncation, min over (i, j) of sqrt((m - i)^2 + (n - j)^2) )``

    Parameters
    ----------
    points : np.ndarray
        ``(n, 2)`` rows and columns; may be empty.
    shape : tuple of int
        Shape of the image, ``(H, W, ...)``.
    truncation : float
        Largest value, in pixels; also the value everywhere when there is no point.

    Returns
    -------
    np.ndarray
        ``(H, W) float32`` in pixels.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, Eq. 1; Li et al., Interactive Image
    Segmentation with Latent Diversity, CVPR 2018, Eq. 1.
    """
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    cols = np.arange(shape[1], dtype=np.float32)[None, :]
    squared = np.full(shape[:2], truncation**2, dtype=np.float32)
    for row, col in np.asarray(points, dtype=np.float32).reshape(-1, 2):
        np.minimum(squared, (rows - row) ** 2 + (cols - col) ** 2, out=squared)
    return np.sqrt(squared)


def distance_maps(
    clicks: Clicks, shape: tuple[int, ...], truncation: float = TRUNCATION
) -> np.ndarray:
    """Stack the distance maps of the positive and of the negative clicks.

    Parameters
    ----------
    clicks : Clicks
        The user's clicks, all inside the image.
    shape : tuple of int
        Shape of the image, ``(H, W, ...)``.
    truncation : float
        Largest value, in pixels.

    Returns
    -------
    np.ndarray
        ``(2, H, W) float32``: to the nearest positive click, to the nearest negative click.

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
        The user's clicks, all inside the image.
    shape : tuple of int
        Shape of the image, ``(H, W, ...)``.
    radius : int
        Radius of the disc each click is painted as, in pixels; 0 paints single pixels.

    Returns
    -------
    np.ndarray
        ``(2, H, W) float32``, 1 at a click and 0 elsewhere: positive, negative.

    Raises
    ------
    ValueError
        If a click lies outside the image.
    """
    return np.stack(clicks.discs(shape, radius)).astype(np.float32)


def click_gaussians(clicks: Clicks, shape: tuple[int, ...], sigma: float = 10.0) -> np.ndarray:
    """Stack maps with a Gaussian bump on every click.

    ``exp(-u^2 / (2 sigma^2))``, with u the distance to the nearest click of the kind, not cut off.

    Parameters
    ----------
    clicks : Clicks
        The user's clicks, all inside the image.
    shape : tuple of int
        Shape of the image, ``(H, W, ...)``.
    sigma : float
        Width of a bump, in pixels: at this distance it has fallen to 0.61.

    Returns
    -------
    np.ndarray
        ``(2, H, W) float32``, 1 at a click, falling to 0, and 0 everywhere if there is none:
        positive, negative.

    Raises
    ------
    ValueError
        If a click lies outside the image or sigma is not above 0.

    References
    ----------
    Maninis et al., Deep Extreme Cut, CVPR 2018, section 3.
    """
    if not sigma > 0:
        raise ValueError(f"A Gaussian's sigma is above 0, not {sigma}.")
    return np.exp(-(distance_maps(clicks, shape, np.inf) ** 2) / (2 * float(sigma) ** 2))
