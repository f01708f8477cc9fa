"""Random walker (Grady, PAMI 2006): which kind of click a random walk reaches first.

A walker starts at every pixel. Each step leads to one of the four neighbours, and rarely across a
strong edge. The answer is the probability that it reaches a positive disc before a negative one.
This equals the voltage in a network of resistors with the positive discs at 1 volt and the negative
ones at 0. One sparse linear system gives it for all pixels at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, diags_array, eye_array
from scipy.sparse.linalg import splu

from tutorial_lib.classical.base import DiscSegmenter, with_discs
from tutorial_lib.classical.fast import coarse_shape, coarsen, enlarge
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation

STOP = 0.001  # weight of a start mask: walkers stop after about 30 pixels of an even area


def step_weights(
    image: np.ndarray, beta: float, epsilon: float = 1e-6
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of the steps between neighbours.

    ``w(p, q) = exp(-beta |I_p - I_q|^2 / max |I_r - I_s|^2) + epsilon``

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3)`` colours, in any unit.
    beta : float
        How much the walker avoids edges.
    epsilon : float
        Least weight: it keeps every step possible and the linear system solvable.

    Returns
    -------
    right, down : np.ndarray
        ``(H, W - 1)`` and ``(H - 1, W) float64``: to the neighbour on the right, and below.

    References
    ----------
    Grady, PAMI 2006: a Gaussian of the squared differences. These are scaled to [0, 1], so that one
    beta fits all photos.
    """
    colours = image.astype(np.float64)
    squares = [(np.diff(colours, axis=axis) ** 2).sum(axis=-1) for axis in (1, 0)]
    largest = max((square.max() for square in squares if square.size), default=0) or 1.0
    right, down = (np.exp(-beta * square / largest) + epsilon for square in squares)
    return right, down


def laplacian(right: np.ndarray, down: np.ndarray) -> csr_array:
    """Build the graph's Laplacian ``L = D - W``.

    W holds the weight of each pair of neighbours, the diagonal D the sum of each pixel's weights.

    Parameters
    ----------
    right, down : np.ndarray
        ``(H, W - 1)`` and ``(H - 1, W)`` weights, from :func:`step_weights`.

    Returns
    -------
    csr_array
        ``(H W, H W) float64``, symmetric; every row sums to 0.
    """
    nodes = np.arange(right.shape[0] * down.shape[1]).reshape(right.shape[0], down.shape[1])
    first = np.r_[nodes[:, :-1].ravel(), nodes[:-1].ravel()]
    second = np.r_[nodes[:, 1:].ravel(), nodes[1:].ravel()]
    weight = np.r_[right.ravel(), down.ravel()]
    ends = (np.r_[first, second], np.r_[second, first])
    weights = csr_array((np.r_[weight, weight], ends), shape=(nodes.size, nodes.size))
    return csr_array(diags_array(weights.sum(axis=1)) - weights)


def first_arrival(
    graph: csr_array,
    fixed: np.ndarray,
    value: np.ndarray,
    prior: np.ndarray | None = None,
    stop: float = 0.0,
) -> np.ndarray:
    """Solve for the probability of reaching the object first.

    With U the unclicked pixels and M the clicked ones, ``L_UU x_U = -L_UM x_M``. With a prior y a
    walker may also stop at any pixel and read y there:
    ``(L_UU + stop I) x_U = stop y_U - L_UM x_M``.

    Parameters
    ----------
    graph : csr_array
        The Laplacian L, from :func:`laplacian`.
    fixed : np.ndarray
        ``(H, W) bool``: the clicked pixels; at least one, unless there is a prior.
    value : np.ndarray
        ``(H, W)`` in [0, 1]: 1 for object, 0 for background; read only where ``fixed``.
    prior : np.ndarray, optional
        ``(H, W)`` in [0, 1]: the probability of object before any click.
    stop : float
        Weight of the prior, in the unit of the steps' weights.

    Returns
    -------
    np.ndarray
        ``(H, W) float64`` in [0, 1].

    References
    ----------
    Grady, PAMI 2006, Eq. 10; Grady, Multilabel Random Walker Image Segmentation Using Prior Models,
    CVPR 2005, for the prior.
    """
    answer = np.where(fixed, value, 0.0).ravel()
    clicked, free = np.flatnonzero(fixed), np.flatnonzero(~fixed)
    if free.size:
        rows = graph[free]
        system, right_side = rows[:, free].tocsc(), -(rows[:, clicked] @ answer[clicked])
        if prior is not None:
            system = (system + stop * eye_array(free.size)).tocsc()
            right_side = right_side + stop * prior.ravel()[free]
        # The matrix is symmetric and diagonally dominant: it needs no pivoting.
        solver = splu(
            system,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        answer[free] = solver.solve(right_side)
    return np.clip(answer, 0, 1).reshape(fixed.shape)


@dataclass(frozen=True, eq=False)
class RandomWalkerPrepared:
    """What the random walker computes once per image: the Laplacian of its grid."""

    shape: tuple[int, int]
    coarse: tuple[int, int]
    graph: csr_array


class RandomWalker(DiscSegmenter):
    """Grady's random walker, solved exactly on a grid of limited size.

    A direct solver gives the exact answer. Its time grows with the number of pixels to the power of
    about 1.5. So a larger photo is averaged to about ``pixels`` pixels, and the probabilities are
    interpolated back. A coarse pixel that a click touches is fixed. If clicks of both kinds touch
    it, its value is the share of the positive one.

    Parameters
    ----------
    beta : float
        How much the walker avoids edges. Grady uses 90 in his paper; 1000 took the fewest clicks on
        validation photos (``tools/choose_constants.py``). Squared differences are scaled by the
        largest one of the photo, which is far larger than that of most edges.
    pixels : int
        Size of the grid of the linear system; a smaller photo keeps its size.
    radius : int
        Radius of the disc around each click, in pixels.

    Raises
    ------
    ValueError
        If an option is out of its range.

    Notes
    -----
    At 640 x 480 the direct solver took 0.2 to 0.5 s per click on the coarse grid, and 2 to 3 s on
    the full grid. Conjugate gradients took 0.4 to 21 s with a Jacobi preconditioner and 1 to 5 s
    with multigrid (``tools/measure_random_walker.py``, two cores).

    ``skimage.segmentation.random_walker`` solves the same system and gives the same answer for the
    same weights. At each click it builds the Laplacian anew and solves for both labels. Here the
    Laplacian is built once per photo, and only the probability of object is solved for.

    References
    ----------
    Grady, Random Walks for Image Segmentation, IEEE PAMI 28(11), 2006.
    """

    def __init__(self, beta: float = 1000.0, pixels: int = 40_000, radius: int = 5) -> None:
        super().__init__(radius)
        if not 0 <= beta < np.inf:
            raise ValueError(f"beta is at least 0 and finite, not {beta}.")
        if not 1 <= pixels < np.inf:
            raise ValueError(f"The grid needs at least 1 pixel, not {pixels}.")
        self.beta, self.pixels = beta, pixels

    def prepare(self, image: ImageLike) -> RandomWalkerPrepared:
        """Build the Laplacian. Clicks only select the rows to solve.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        RandomWalkerPrepared
            The argument of :meth:`segment`.
        """
        image = as_rgb(image)
        shape = image.shape[:2]
        coarse = coarse_shape(shape, self.pixels)
        weights = step_weights(coarsen(image, coarse), self.beta)
        return RandomWalkerPrepared(shape, coarse, laplacian(*weights))

    def _segment(
        self,
        prepared: RandomWalkerPrepared,
        positive: np.ndarray,
        negative: np.ndarray,
        start: np.ndarray | None,
    ) -> Segmentation:
        object_share = coarsen(positive, prepared.coarse)
        clicked_share = object_share + coarsen(negative, prepared.coarse)
        fixed = clicked_share > 0
        value = object_share / np.where(fixed, clicked_share, 1)
        prior = None if start is None else coarsen(start, prepared.coarse)
        arrival = first_arrival(prepared.graph, fixed, value, prior, STOP)
        arrival = enlarge(arrival, prepared.shape)
        return Segmentation(with_discs(arrival, positive, negative))
