"""Interactive graph cut (Boykov and Jolly, ICCV 2001), with the terms of DOS, Eq. 3-5.

Every labelling has an energy, ``E(L) = lam * R(L) + B(L)``. R charges each pixel for its label, B
each pair of neighbours with different labels. The energy becomes a graph: every pixel is a node,
linked to its neighbours, to the source ("object") and to the sink ("background"), and the capacity
of a link is the cost of cutting it. The minimum cut is then the labelling of least energy;
:func:`cheapest_labelling` is the whole idea. :mod:`tutorial_lib.classical.fast` computes the same
cut click after click, and cuts large photos in a fraction of the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.classical.base import DiscSegmenter, marked_discs, with_discs, with_prior
from tutorial_lib.classical.colour_models import (
    ColourModelName,
    Palette,
    colour_model,
    object_posterior,
)
from tutorial_lib.classical.fast import BandedGraph, PixelGraph, build_graph
from tutorial_lib.classical.neighbours import (
    OFFSETS,
    contrast_sigma,
    pair_slices,
    squared_differences,
    to_integer,
)
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation

if TYPE_CHECKING:
    from tutorial_lib.clicks import Clicks


def pairwise_weights(image: np.ndarray, sigma: float | None = None) -> list[np.ndarray]:
    """Return the cost of separating each pair of neighbours.

    ``B(p, q) = exp(-|I_p - I_q|^2 / (2 sigma^2)) / dist(p, q)``

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    sigma : float, optional
        Contrast scale in grey levels; by default
        :func:`~tutorial_lib.classical.neighbours.contrast_sigma` of the image.

    Returns
    -------
    list of np.ndarray
        One ``float32`` array for each of :data:`~tutorial_lib.classical.neighbours.OFFSETS`, of
        the shape that :func:`~tutorial_lib.classical.neighbours.pair_slices` gives.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, Eq. 5, on the 8-neighbourhood.
    """
    if sigma is None:
        sigma = contrast_sigma(image)
    return [
        np.exp(-square / (2 * float(sigma) ** 2)) / math.hypot(*offset)  # floats keep float32
        for offset, square in zip(OFFSETS, squared_differences(image), strict=True)
    ]


def unary_costs(probability: np.ndarray, clip: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    """Return the cost of each label at each pixel.

    ``R(object) = -log q`` and ``R(background) = -log(1 - q)``

    Parameters
    ----------
    probability : np.ndarray
        ``(H, W)`` map q in [0, 1].
    clip : float
        q is clipped to [clip, 1 - clip], so that both costs stay finite.

    Returns
    -------
    object_cost, background_cost : np.ndarray
        ``(H, W) float64`` each.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, Eq. 4.
    """
    q = np.clip(probability.astype(np.float64), clip, 1 - clip)
    return -np.log(q), -np.log(1 - q)


def cut_energy(
    mask: np.ndarray,
    object_cost: np.ndarray,
    background_cost: np.ndarray,
    weights: list[np.ndarray],
    lam: float,
) -> float:
    """Evaluate ``E(L) = lam * R(L) + B(L)`` (DOS, Eq. 3) for a labelling.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool`` labelling L, True on the object.
    object_cost, background_cost : np.ndarray
        ``(H, W)`` unary costs, from :func:`unary_costs`.
    weights : list of np.ndarray
        Pairwise costs, from :func:`pairwise_weights`.
    lam : float
        Weight of the unary term.

    Returns
    -------
    float
        The energy; the graph cut minimises it.
    """
    unary = np.where(mask, object_cost, background_cost).sum()
    boundary = 0.0
    for offset, weight in zip(OFFSETS, weights, strict=True):
        first, second = pair_slices(*offset)
        boundary += float(weight[mask[first] != mask[second]].sum(dtype=np.float64))
    return float(lam * unary + boundary)


def cheapest_labelling(
    object_cost: np.ndarray, background_cost: np.ndarray, weights: list[np.ndarray]
) -> np.ndarray:
    """Find the labelling of least energy: one graph, one minimum cut.

    Parameters
    ----------
    object_cost, background_cost : np.ndarray
        ``(H, W)`` cost of each label at each pixel, lambda included.
    weights : list of np.ndarray
        Pairwise costs, from :func:`pairwise_weights`.

    Returns
    -------
    np.ndarray
        ``(H, W) bool``, True on the object. A pixel that costs the same either way is object.

    References
    ----------
    Boykov and Jolly, ICCV 2001, section 2; solved with Boykov and Kolmogorov's algorithm, PAMI
    2004.

    Examples
    --------
    The middle pixel has no colour of its own. It joins the neighbour that it resembles.

    >>> costs = np.array([[0, 1, 9]]), np.array([[9, 1, 0]])
    >>> links = pairwise_weights(np.array([[[10], [20], [90]]]), sigma=20)
    >>> cheapest_labelling(*costs, links)
    array([[ True,  True, False]])
    """
    import maxflow

    graph = maxflow.GraphInt()
    nodes = graph.add_grid_nodes(object_cost.shape)
    for offset, weight in zip(OFFSETS, weights, strict=True):
        first, second = (nodes[end].ravel() for end in pair_slices(*offset))
        capacity = to_integer(weight).ravel()
        graph.add_edges(first, second, capacity, capacity)
    # A pixel of the background cuts its link to the source, a pixel of the object that to the sink.
    graph.add_grid_tedges(nodes, to_integer(background_cost), to_integer(object_cost))
    graph.maxflow()
    return ~graph.get_grid_segments(nodes)


@dataclass(frozen=True, eq=False)
class GraphCutPrepared:
    """What graph cut computes once per image: pixels, palette and graph."""

    image: np.ndarray
    palette: Palette
    graph: PixelGraph | BandedGraph
    hard_cost: float

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image, in pixels."""
        return self.image.shape[:2]


class GraphCut(DiscSegmenter):
    """Boykov and Jolly's interactive graph cut.

    The energy is ``E(L) = lam * R(L) + B(L)`` (DOS, Eq. 3). R compares the colour of each pixel
    with the colours of the clicked discs. B charges for every pair of neighbours with different
    labels, and charges less across an edge of the photo. Clicked discs are hard constraints.

    Parameters
    ----------
    lam : float
        Weight of the colour term. 0 uses only edges and clicks, large values only colour.
    sigma : float, optional
        Contrast scale in grey levels; by default
        :func:`~tutorial_lib.classical.neighbours.contrast_sigma` of the photo.
    colour : {"histogram", "gmm"}
        The colour model of the clicked discs.
    clip : float
        The probabilities of the colour term are clipped to [clip, 1 - clip].
    radius : int
        Radius of the disc around each click, in pixels.
    exact : bool
        Minimise the energy exactly on photos of any size. By default a photo of more than 40,000
        pixels is first cut on a coarse grid and then in a band around that boundary, see
        :mod:`tutorial_lib.classical.fast.banded_cut`. That is several times as fast; the energy of
        the answer is a few per cent above the minimum.

    Raises
    ------
    ValueError
        If an option is out of its range.

    References
    ----------
    Boykov and Jolly, Interactive Graph Cuts for Optimal Boundary and Region Segmentation of
    Objects in N-D Images, ICCV 2001; Xu et al., CVPR 2016, section 3.4.
    """

    def __init__(
        self,
        lam: float = 0.01,
        sigma: float | None = None,
        colour: ColourModelName = "histogram",
        clip: float = 0.01,
        radius: int = 5,
        exact: bool = False,
    ) -> None:
        super().__init__(radius)
        if not 0 <= lam < np.inf:
            raise ValueError(f"lam is at least 0 and finite, not {lam}.")
        if sigma is not None and not sigma > 0:
            raise ValueError(f"sigma is larger than 0, not {sigma}.")
        if not 0 < clip < 0.5:
            raise ValueError(f"clip lies between 0 and 0.5, not {clip}.")
        self.lam, self.sigma, self.clip, self.exact = lam, sigma, clip, exact
        self.colour_model = colour_model(colour)

    def prepare(self, image: ImageLike) -> GraphCutPrepared:
        """Build the palette and the graph of an image. Clicks change only links to the terminals.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        GraphCutPrepared
            The argument of :meth:`segment` and :meth:`refine`.
        """
        image = as_rgb(image)
        graph = build_graph(pairwise_weights(image, self.sigma), image.shape[:2], exact=self.exact)
        return GraphCutPrepared(image, Palette.of(image), graph, graph.hard_cost)

    def _segment(
        self,
        prepared: GraphCutPrepared,
        positive: np.ndarray,
        negative: np.ndarray,
        start: np.ndarray | None,
    ) -> Segmentation:
        return self.cut(prepared, positive, negative, start=start)

    def cut(
        self,
        prepared: GraphCutPrepared,
        positive: np.ndarray,
        negative: np.ndarray,
        parents: np.ndarray | None = None,
        start: np.ndarray | None = None,
    ) -> Segmentation:
        """Learn the colours of two discs and cut.

        Parameters
        ----------
        prepared : GraphCutPrepared
            The result of :meth:`prepare`.
        positive, negative : np.ndarray
            ``(H, W) bool`` discs; neither empty, unless there is a start mask.
        parents : np.ndarray, optional
            ``(H, W) int``: as for
            :meth:`PixelGraph.cut <tutorial_lib.classical.fast.pixel_graph.PixelGraph.cut>`.
        start : np.ndarray, optional
            ``(H, W) bool``: the start mask. It is the prior of each pixel's label, see
            :func:`~tutorial_lib.classical.base.with_prior`.

        Returns
        -------
        Segmentation
            ``probability`` is the colour model's, ``mask`` the cut.
        """
        probability = object_posterior(
            self.colour_model, prepared.palette, prepared.image, positive, negative, start
        )
        if start is not None:
            probability = with_prior(probability, start)
        return self._cut_along(prepared, probability, positive, negative, parents)

    def refine(
        self, prepared: GraphCutPrepared, probability: np.ndarray, clicks: Clicks
    ) -> Segmentation:
        """Cut along a given probability map instead of colour models (DOS, section 3.4).

        Parameters
        ----------
        prepared : GraphCutPrepared
            The result of :meth:`prepare`.
        probability : np.ndarray
            ``(H, W)`` map Q in [0, 1].
        clicks : Clicks
            Hard constraints: discs, and everything outside a box; may be empty.

        Returns
        -------
        Segmentation
            ``probability`` is the given map with 0 and 1 in the discs, ``mask`` the cut.

        Raises
        ------
        ValueError
            If the map has another shape or values outside [0, 1], or a click lies outside.
        """
        if probability.shape != prepared.shape:
            raise ValueError(
                f"The probability map has shape {probability.shape}, the image {prepared.shape}."
            )
        if not (probability.min() >= 0 and probability.max() <= 1):
            raise ValueError("A probability map lies in [0, 1] and has no NaN.")
        discs = marked_discs(clicks, prepared.shape, self.radius)
        return self._cut_along(prepared, probability, *discs)

    def _cut_along(
        self,
        prepared: GraphCutPrepared,
        probability: np.ndarray,
        positive: np.ndarray,
        negative: np.ndarray,
        parents: np.ndarray | None = None,
    ) -> Segmentation:
        costs = self.terminal_costs(prepared, probability, positive, negative)
        mask = prepared.graph.cut(*costs, parents)
        return Segmentation(with_discs(probability, positive, negative), mask)

    def terminal_costs(
        self,
        prepared: GraphCutPrepared,
        probability: np.ndarray,
        positive: np.ndarray,
        negative: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Multiply the unary costs by lambda, and make the discs hard constraints.

        Parameters
        ----------
        prepared : GraphCutPrepared
            The result of :meth:`prepare`.
        probability : np.ndarray
            ``(H, W)`` map in [0, 1].
        positive, negative : np.ndarray
            ``(H, W) bool`` discs.

        Returns
        -------
        object_cost, background_cost : np.ndarray
            ``(H, W) float64`` each: the first arguments of :func:`cheapest_labelling`.
        """
        object_cost, background_cost = (
            self.lam * cost for cost in unary_costs(probability, self.clip)
        )
        object_cost[positive], background_cost[positive] = 0, prepared.hard_cost
        object_cost[negative], background_cost[negative] = prepared.hard_cost, 0
        return object_cost, background_cost
