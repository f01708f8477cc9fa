"""Interactive graph cut (Boykov and Jolly, ICCV 2001), with the terms of DOS, Eq. 3-5.

Every pixel is a node. Cutting it from the source costs what the label "background" costs there,
cutting it from the sink what "object" costs; cutting two neighbours apart costs more the more
alike they are. The cheapest cut that separates source from sink *is* the best labelling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.classical.base import DiscSegmenter, with_discs
from tutorial_lib.classical.colour_models import Colour, Palette, colour_model, object_posterior
from tutorial_lib.classical.fast.banded_cut import BandedGraph, graph_of
from tutorial_lib.classical.pixel_graph import OFFSETS, PixelGraph, pair_slices
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tutorial_lib.clicks import Clicks


def squared_differences(image: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the squared colour difference of all neighbour pairs, one array an offset."""
    colours = image.astype(np.float32)
    for offset in OFFSETS:
        first, second = pair_slices(*offset)
        yield ((colours[first] - colours[second]) ** 2).sum(axis=-1)


def contrast_sigma(image: np.ndarray) -> float:
    """Root mean square colour difference between neighbours: the contrast this photo calls usual.

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


def pairwise_weights(image: np.ndarray, sigma: float | None = None) -> list[np.ndarray]:
    """Cost of separating each pair of neighbours.

    ``B(p, q) = exp(-|I_p - I_q|^2 / (2 sigma^2)) / dist(p, q)``

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    sigma : float, optional
        Contrast scale in grey levels; :func:`contrast_sigma` of the image if not given.

    Returns
    -------
    list of np.ndarray
        One ``float32`` array for each of :data:`OFFSETS`, of the shape :func:`pair_slices` gives.

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
    """Cost of calling each pixel object, and of calling it background.

    ``R(object) = -log q`` and ``R(background) = -log(1 - q)``

    Parameters
    ----------
    probability : np.ndarray
        ``(H, W)`` map q in [0, 1].
    clip : float
        q is kept within [clip, 1 - clip], so that no pixel is beyond persuasion.

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


@dataclass(frozen=True, eq=False)
class GraphCutPrepared:
    """What graph cut keeps of an image: its pixels, palette, and the graph over them."""

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

    The energy is ``E(L) = lam * R(L) + B(L)`` (DOS, Eq. 3). R asks each pixel whether its colour
    looks like the object's clicks or the background's; B charges for every pair of neighbours
    that is torn apart, less where the photo has an edge. Clicked discs are hard constraints.

    Parameters
    ----------
    lam : float
        Weight of the colour term: 0 trusts only edges and clicks, large values only colour.
    sigma : float, optional
        Contrast scale in grey levels; the photo's own :func:`contrast_sigma` if not given.
    colour : {"histogram", "gmm"}
        The colour model of the clicked discs.
    clip : float
        The colour term's probabilities are kept within [clip, 1 - clip].
    radius : int
        Radius of the disc around each click, in pixels.
    exact : bool
        Minimise the energy exactly on photos of any size. By default those of more than 40,000
        pixels are cut in cells first and then in a band around the cells' boundary, see
        :mod:`tutorial_lib.classical.fast.banded_cut`: several times as fast, and the energy of the
        answer is some per cent above the minimum.

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
        colour: Colour = "histogram",
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
        """Build the palette and the graph of an image; clicks only change links to the terminals.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        GraphCutPrepared
            To be handed to :meth:`segment` or :meth:`refine`.
        """
        image = as_rgb(image)
        graph = graph_of(pairwise_weights(image, self.sigma), image.shape[:2], exact=self.exact)
        return GraphCutPrepared(image, Palette.of(image), graph, graph.hard_cost)

    def _segment(
        self,
        prepared: GraphCutPrepared,
        positive: np.ndarray,
        negative: np.ndarray,
        parents: np.ndarray | None = None,
    ) -> Segmentation:
        probability = object_posterior(
            self.colour_model, prepared.palette, prepared.image, positive, negative
        )
        return self._cut(prepared, probability, positive, negative, parents)

    def refine(
        self, prepared: GraphCutPrepared, probability: np.ndarray, clicks: Clicks
    ) -> Segmentation:
        """Cut along a given probability map instead of colour models (DOS, section 3.4).

        Parameters
        ----------
        prepared : GraphCutPrepared
            What :meth:`prepare` returned.
        probability : np.ndarray
            ``(H, W)`` map Q in [0, 1].
        clicks : Clicks
            Hard constraints, as discs; may be empty.

        Returns
        -------
        Segmentation
            ``probability`` is the given map with the discs set to 0 and 1, ``mask`` the cut.

        Raises
        ------
        ValueError
            If the map does not fit the image, leaves [0, 1], or a click lies outside.
        """
        if probability.shape != prepared.shape:
            raise ValueError(
                f"The probability map has shape {probability.shape}, the image {prepared.shape}."
            )
        if not (probability.min() >= 0 and probability.max() <= 1):
            raise ValueError("A probability map lies in [0, 1] and has no NaN.")
        return self._cut(prepared, probability, *clicks.discs(prepared.shape, self.radius))

    def _cut(
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
        """Weigh the unary costs by lambda and make the discs hard constraints.

        Parameters
        ----------
        prepared : GraphCutPrepared
            What :meth:`prepare` returned.
        probability : np.ndarray
            ``(H, W)`` map in [0, 1].
        positive, negative : np.ndarray
            ``(H, W) bool`` discs.

        Returns
        -------
        object_cost, background_cost : np.ndarray
            ``(H, W) float64`` each: what :meth:`PixelGraph.cut` takes.
        """
        object_cost, background_cost = (
            self.lam * cost for cost in unary_costs(probability, self.clip)
        )
        object_cost[positive], background_cost[positive] = 0, prepared.hard_cost
        object_cost[negative], background_cost[negative] = prepared.hard_cost, 0
        return object_cost, background_cost
