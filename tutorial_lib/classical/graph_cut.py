"""Interactive graph cut (Boykov and Jolly, ICCV 2001), with the terms of DOS, Eq. 3-5.

Every pixel is a node. Cutting it from the source costs what the label "background" costs there,
cutting it from the sink what "object" costs; cutting two neighbours apart costs more the more
alike they are. The cheapest cut that separates source from sink *is* the best labelling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.classical.base import DiscSegmenter, with_discs
from tutorial_lib.classical.colour_models import Palette, colour_model, object_posterior
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tutorial_lib.clicks import Clicks

# Half of the 8-neighbourhood; the other half is the same pairs seen from the other side.
OFFSETS = ((0, 1), (1, 0), (1, 1), (1, -1))
# Costs become whole 256ths of the strongest link: integers make the minimum cut exact and the same
# on every machine, and so coarse a grid halves the solver's time (tools/measure_graph_reuse.py).
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


class PixelGraph:
    """The grid of pixels with its pairwise capacities, ready to be cut again and again.

    Mostly only the links to source and sink change from click to click. A new cut then starts from
    the flow and the search trees of the last one (Kohli and Torr, ICCV 2005). That is a matter of
    speed alone: capacities are integers, so the maximum flow is exact, and the set of pixels that
    can still reach the sink is the same for *every* maximum flow. A warm cut equals a cold one.

    Parameters
    ----------
    weights : list of np.ndarray
        Pairwise costs, from :func:`pairwise_weights`.
    shape : tuple of int
        Height and width of the image.
    infinite : float
        What it costs to part a pixel from its parent, in the unit of the weights: more than some
        labelling that parts none.
    """

    def __init__(
        self, weights: list[np.ndarray], shape: tuple[int, int], infinite: float = 0.0
    ) -> None:
        import maxflow

        self._nodes = np.arange(shape[0] * shape[1]).reshape(shape)
        self._weights, self._infinite = weights, int(_to_integer(np.array(infinite)))
        links = sum(weight.size for weight in weights)
        self._graph = maxflow.GraphInt(self._nodes.size, links)
        self._lock = Lock()
        self._build(None)

    def _build(self, parents: np.ndarray | None) -> None:
        """Start afresh, in the memory of the last graph."""
        first, second, forward = self._neighbour_links()
        backward = forward
        if parents is not None:  # a link from object to background is what a cut pays for
            flat = parents.ravel()
            backward = forward + self._infinite * (flat[second] == first)
            forward = forward + self._infinite * (flat[first] == second)
        self._graph.reset()
        self._graph.add_nodes(self._nodes.size)
        self._graph.add_edges(first, second, forward, backward)
        self._links = np.zeros((2, *self._nodes.shape), dtype=np.int64)
        self._solved, self._parents = False, parents

    def _neighbour_links(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return both ends and the capacity of all links, sorted by their first end.

        A pixel's links lie side by side in memory then: the solver mostly waits for memory.
        """
        capacity = np.full((*self._nodes.shape, len(OFFSETS)), -1, dtype=np.int64)
        for index, (offset, weight) in enumerate(zip(OFFSETS, self._weights, strict=True)):
            capacity[(*pair_slices(*offset)[0], index)] = _to_integer(weight)
        there = capacity >= 0
        width = self._nodes.shape[1]
        steps = np.array([row * width + col for row, col in OFFSETS])
        first = np.broadcast_to(self._nodes[..., None], capacity.shape)
        return first[there], (first + steps)[there], capacity[there]

    def cut(
        self,
        object_cost: np.ndarray,
        background_cost: np.ndarray,
        parents: np.ndarray | None = None,
    ) -> np.ndarray:
        """Find the cheapest labelling.

        Parameters
        ----------
        object_cost, background_cost : np.ndarray
            ``(H, W)`` cost of each label at each pixel, lambda included.
        parents : np.ndarray, optional
            ``(H, W) int``: for each pixel the index, in the flattened image, of a neighbour that
            must be object if the pixel is; its own index where there is none. Other parents than
            in the last cut mean other links between pixels, so that cut starts afresh.

        Returns
        -------
        np.ndarray
            ``(H, W) bool``, True on the object; a pixel that costs the same either way is object.
        """
        links = np.stack([_to_integer(background_cost), _to_integer(object_cost)])
        with self._lock:
            if not _same(parents, self._parents):
                self._build(None if parents is None else parents.copy())
            change = links - self._links
            touched = change.any(axis=0)
            nodes = self._nodes[touched]
            if nodes.size:  # PyMaxflow refuses to change nothing
                self._graph.add_grid_tedges(nodes, change[0][touched], change[1][touched])
            if nodes.size and self._solved:
                self._graph.mark_grid_nodes(nodes)
            self._graph.maxflow(reuse_trees=self._solved)
            self._links, self._solved = links, True
            return ~self._graph.get_grid_segments(self._nodes)


def _same(first: np.ndarray | None, second: np.ndarray | None) -> bool:
    return first is second or (
        first is not None and second is not None and np.array_equal(first, second)
    )


def _to_integer(cost: np.ndarray) -> np.ndarray:
    return np.rint(cost.astype(np.float64) * SCALE).astype(np.int64)


@dataclass(frozen=True, eq=False)
class GraphCutPrepared:
    """What graph cut keeps of an image: its pixels, palette, and the graph over them."""

    image: np.ndarray
    palette: Palette
    graph: PixelGraph
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
        lam: float = 0.02,
        sigma: float | None = None,
        colour: str = "histogram",
        clip: float = 0.01,
        radius: int = 5,
    ) -> None:
        super().__init__(radius)
        if not 0 <= lam < np.inf:
            raise ValueError(f"lam is at least 0 and finite, not {lam}.")
        if sigma is not None and not sigma > 0:
            raise ValueError(f"sigma is larger than 0, not {sigma}.")
        if not 0 < clip < 0.5:
            raise ValueError(f"clip lies between 0 and 0.5, not {clip}.")
        self.lam, self.sigma, self.clip = lam, sigma, clip
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
        weights = pairwise_weights(image, self.sigma)
        return GraphCutPrepared(
            image=image,
            palette=Palette.of(image),
            graph=PixelGraph(weights, image.shape[:2]),
            hard_cost=_more_than_any_boundary(weights, image.shape[:2]),
        )

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


def _more_than_any_boundary(weights: list[np.ndarray], shape: tuple[int, int]) -> float:
    """Boykov and Jolly's K: one more than all the links of any single pixel."""
    total = np.zeros(shape)
    for offset, weight in zip(OFFSETS, weights, strict=True):
        for end in pair_slices(*offset):
            total[end] += weight
    return 1.0 + float(total.max())
