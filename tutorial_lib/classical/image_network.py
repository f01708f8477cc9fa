"""Build the flow network of a small grey image: each cut is a labelling of its pixels."""

from __future__ import annotations

import numpy as np

from tutorial_lib.classical.min_cut import Edge, FlowNetwork


def unary_capacities(q: np.ndarray, scale: float = 2) -> tuple[np.ndarray, np.ndarray]:
    """Return the capacities of the links to the terminals: ``-log`` of probabilities, rounded.

    Parameters
    ----------
    q : np.ndarray
        ``(H, W)`` probability of object, strictly between 0 and 1.
    scale : float
        Capacity of one nat; larger values round less.

    Returns
    -------
    unary_source, unary_sink : np.ndarray
        ``(H, W) int64`` each. The link from the source is cut when the pixel is background, so it
        carries R(background) = -log(1 - q); the link to the sink carries R(object) = -log q.

    Raises
    ------
    ValueError
        If a probability is not strictly between 0 and 1.

    References
    ----------
    Boykov and Jolly, ICCV 2001, section 2; Xu et al., CVPR 2016, Eq. 4.
    """
    q = np.asarray(q, dtype=np.float64)
    if not ((q > 0) & (q < 1)).all():
        raise ValueError(
            "Probabilities must lie strictly between 0 and 1: the log of 0 is infinite."
        )
    unary_source = np.rint(-scale * np.log(1 - q)).astype(int)
    unary_sink = np.rint(-scale * np.log(q)).astype(int)
    return unary_source, unary_sink


def contrast_capacities(
    grey: np.ndarray, strength: float = 4, sigma: float = 60
) -> tuple[np.ndarray, np.ndarray]:
    """Return the capacities between neighbours: large for similar pixels, small across an edge.

    ``strength * exp(-(I_p - I_q)^2 / (2 sigma^2))``, rounded.

    Parameters
    ----------
    grey : np.ndarray
        ``(H, W)`` grey values, 0 to 255.
    strength : float
        Cost of separating two equal pixels.
    sigma : float
        Difference in grey values at which an edge begins.

    Returns
    -------
    across : np.ndarray
        ``(H, W - 1) int64``, between each pixel and its right neighbour.
    down : np.ndarray
        ``(H - 1, W) int64``, between each pixel and the one below.

    References
    ----------
    Boykov and Jolly, ICCV 2001, section 2; Xu et al., CVPR 2016, Eq. 5.
    """
    grey = np.asarray(grey, dtype=np.float64)
    across, down = np.diff(grey, axis=1), np.diff(grey, axis=0)
    across = np.rint(strength * np.exp(-(across**2) / (2 * sigma**2))).astype(int)
    down = np.rint(strength * np.exp(-(down**2) / (2 * sigma**2))).astype(int)
    return across, down


def grid_network(
    unary_source: np.ndarray,
    unary_sink: np.ndarray,
    pairwise: int | tuple[np.ndarray, np.ndarray],
) -> FlowNetwork:
    """Build the network of a small image: nodes are ``(row, col)``, terminals ``"s"`` and ``"t"``.

    Parameters
    ----------
    unary_source : np.ndarray
        ``(H, W)`` whole numbers: capacity from the source, the cost of the label background.
    unary_sink : np.ndarray
        ``(H, W)`` whole numbers: capacity to the sink, the cost of the label object.
    pairwise : int or (across, down)
        Capacity between neighbours, in both directions: one number for all, or the arrays
        ``(H, W - 1)`` and ``(H - 1, W)`` that :func:`contrast_capacities` returns.

    Returns
    -------
    FlowNetwork
        Links to the terminals first, row by row, then links across, then links down. Links
        between neighbours that carry nothing are left out.

    Raises
    ------
    TypeError
        If a capacity is no whole number.
    ValueError
        If the shapes do not fit together or a capacity is negative.
    """
    unary_source, unary_sink = np.asarray(unary_source), np.asarray(unary_sink)
    if unary_source.ndim != 2 or unary_source.shape != unary_sink.shape:
        raise ValueError(
            f"The unary capacities are two arrays (H, W) of one shape, not {unary_source.shape} "
            f"and {unary_sink.shape}."
        )
    height, width = unary_source.shape
    shapes = ((height, width - 1), (height - 1, width))
    if not isinstance(pairwise, tuple):
        pairwise = tuple(np.full(shape, pairwise) for shape in shapes)
    if tuple(np.shape(links) for links in pairwise) != shapes:
        raise ValueError(f"The pairwise capacities have shapes {shapes[0]} and {shapes[1]}.")
    capacity: dict[Edge, int] = {}
    for pixel in np.ndindex(height, width):
        capacity["s", pixel] = unary_source[pixel]
        capacity[pixel, "t"] = unary_sink[pixel]
    for links, (row, col) in zip(pairwise, ((0, 1), (1, 0)), strict=True):
        for r, c in np.argwhere(links).tolist():
            capacity[(r, c), (r + row, c + col)] = links[r, c]
            capacity[(r + row, c + col), (r, c)] = links[r, c]
    return FlowNetwork(capacity)
