"""A minimum cut on two levels: coarse everywhere, fine only near the coarse boundary.

The minimum cut of a large photo spends most of its time far from every boundary. So the photo is
first cut on a coarse grid (:mod:`tutorial_lib.classical.fast.coarse_grid`). Then the pixels in a
band around that boundary become free again, and the band is cut pixel by pixel. All other pixels
keep the label of their block.

The answer is the cheapest of all labellings that agree with the coarse cut outside the band. It
need not be the cheapest of all: the coarse grid can miss a twig that is thinner than a block, and
then no band covers it. So small photos are cut exactly, and large ones on request.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tutorial_lib.classical.fast.coarse_grid import (
    EXACT_UP_TO,
    block_side,
    block_sums,
    coarse_grid_shape,
    coarse_parents,
    coarse_weights,
    to_pixels,
)
from tutorial_lib.classical.fast.pixel_graph import PixelGraph
from tutorial_lib.classical.neighbours import OFFSETS, link_totals, pair_slices, to_integer


def build_graph(
    weights: list[np.ndarray], shape: tuple[int, int], infinite: float = 0.0, exact: bool = False
) -> PixelGraph | BandedGraph:
    """Build the graph that suits the size of an image.

    Parameters
    ----------
    weights, shape, infinite
        As for :class:`~tutorial_lib.classical.fast.pixel_graph.PixelGraph`.
    exact : bool
        Cut a large image exactly as well, however long it takes.

    Returns
    -------
    PixelGraph or BandedGraph
        A BandedGraph, unless ``exact``, for more pixels than
        :data:`~tutorial_lib.classical.fast.coarse_grid.EXACT_UP_TO`.
    """
    if exact or shape[0] * shape[1] <= EXACT_UP_TO:
        return PixelGraph(weights, shape, infinite)
    return BandedGraph(weights, shape, infinite)


@dataclass(frozen=True)
class Links:
    """Links between pixels: flat indices of both ends, and capacities in both directions.

    A cut pays ``forward`` where the first end is object and the second is not, and ``backward`` in
    the opposite case. All four are ``(n,) int64``.
    """

    first: np.ndarray
    second: np.ndarray
    forward: np.ndarray
    backward: np.ndarray

    def take(self, which: np.ndarray) -> Links:
        """Select links, by mask or by index."""
        fields = (self.first, self.second, self.forward, self.backward)
        return Links(*(field[which] for field in fields))

    def turned(self) -> Links:
        """Swap both ends of all links."""
        return Links(self.second, self.first, self.backward, self.forward)


class BandedGraph:
    """Cut a large image quickly: on a coarse grid, then in a band.

    Parameters
    ----------
    weights, shape, infinite
        As for :class:`~tutorial_lib.classical.fast.pixel_graph.PixelGraph`.

    Attributes
    ----------
    hard_cost : float
        More than all the links of any pixel, and of any block.

    Notes
    -----
    The mask depends on the costs alone, never on earlier cuts: the coarse cut is exact, and the
    band starts without a flow. With parents the mask is a star of pixels, not only of blocks.

    References
    ----------
    Lombaert, Sun, Grady and Xu, A Multilevel Banded Graph Cuts Method for Fast Image Segmentation,
    ICCV 2005. They shrink the photo and compute its links anew. Here the unary costs of a block are
    sums, and its links follow from those of the pixels (:func:`coarse_weights`).
    """

    def __init__(
        self, weights: list[np.ndarray], shape: tuple[int, int], infinite: float = 0.0
    ) -> None:
        self._shape, self._side = shape, block_side(shape)
        self._pixels = np.arange(shape[0] * shape[1]).reshape(shape)
        self._capacities = [to_integer(weight).astype(np.int32) for weight in weights]
        self._totals = link_totals(self._capacities, shape)
        self._infinite = int(to_integer(np.array(infinite)))
        coarse = coarse_weights(weights, shape, self._side)
        self._coarse = PixelGraph(coarse, coarse_grid_shape(shape, self._side), infinite)
        self.hard_cost = max(self._coarse.hard_cost, 1.0 + float(link_totals(weights, shape).max()))

    def cut(
        self,
        object_cost: np.ndarray,
        background_cost: np.ndarray,
        parents: np.ndarray | None = None,
    ) -> np.ndarray:
        """Find the cheapest labelling that differs from the coarse cut's only within the band.

        Parameters
        ----------
        object_cost, background_cost, parents
            As for :meth:`PixelGraph.cut <tutorial_lib.classical.fast.pixel_graph.PixelGraph.cut>`.

        Returns
        -------
        np.ndarray
            ``(H, W) bool``, True on the object; the parent of an object pixel is object.
        """
        coarse = None if parents is None else coarse_parents(parents, self._side)
        sums = (block_sums(cost, self._side) for cost in (object_cost, background_cost))
        labels = to_pixels(self._coarse.cut(*sums, coarse), self._side, self._shape)
        costs = np.stack([to_integer(object_cost), to_integer(background_cost)])
        labels, free = self._band(labels, costs[1] - costs[0], parents)
        if free.any():  # without a boundary there is no band
            labels[free] = self._cut_free(labels, free, costs[:, free], parents)
        return labels

    def _band(
        self, labels: np.ndarray, preference: np.ndarray, parents: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels to start from, and which pixels are free to change theirs.

        A pixel whose unary costs outweigh all its links gets the cheaper label: clicked discs, and
        details of clear colour. In a star only discs are that certain, because a pixel also decides
        for all pixels whose path leads through it. The band covers all pixels near a boundary. In a
        star it also covers the object pixels whose path leaves the object.
        """
        if parents is not None:
            labels = grow_to_star(labels, parents)
        enough = self._totals + 1 if parents is None else self._infinite
        labels = np.where(abs(preference) >= enough, preference > 0, labels)
        free = near_boundary(labels, self._side + 1)
        if parents is not None:
            free |= labels & ~shrink_to_star(labels, parents)
        return labels, free

    def _cut_free(
        self, labels: np.ndarray, free: np.ndarray, costs: np.ndarray, parents: np.ndarray | None
    ) -> np.ndarray:
        """Return the ``(n,) bool`` best labels of the free pixels; all others are fixed."""
        import maxflow

        count = costs.shape[1]
        node = np.full(free.size, -1)
        node[free.ravel()] = np.arange(count)
        links = self._links_of(free, parents)
        within = (node[links.first] >= 0) & (node[links.second] >= 0)
        outward = links.take(~within)
        for some in (outward, outward.turned()):
            costs = costs + _costs_from_fixed(some, node, labels.ravel(), count)
        # The solver mostly waits for memory: keep the links of a pixel side by side.
        links = links.take(within)
        links = links.take(np.argsort(links.first, kind="stable"))
        graph = maxflow.GraphInt(count, links.first.size)
        nodes = graph.add_grid_nodes(count)
        graph.add_edges(node[links.first], node[links.second], links.forward, links.backward)
        graph.add_grid_tedges(nodes, costs[1], costs[0])
        graph.maxflow()
        return ~graph.get_grid_segments(nodes)

    def _links_of(self, free: np.ndarray, parents: np.ndarray | None) -> Links:
        """Return all links with a free end, including those to the parents."""
        found = []
        for offset, capacity in zip(OFFSETS, self._capacities, strict=True):
            first, second = pair_slices(*offset)
            there = free[first] | free[second]
            cost = capacity[there].astype(np.int64)
            found.append((self._pixels[first][there], self._pixels[second][there], cost, cost))
        if parents is not None:
            there = (free | free.ravel()[parents]) & (parents != self._pixels)
            cost = np.full(np.count_nonzero(there), self._infinite)
            found.append((self._pixels[there], parents[there], cost, np.zeros_like(cost)))
        return Links(*map(np.concatenate, zip(*found, strict=True)))


def _costs_from_fixed(links: Links, node: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Sum the costs of links to fixed pixels, ``(2, count)``: as object, as background."""
    links = links.take(node[links.first] >= 0)
    fixed = labels[links.second]
    costs = (np.where(fixed, 0, links.forward), np.where(fixed, links.backward, 0))
    at = node[links.first]
    return np.stack([np.bincount(at, cost, count).astype(np.int64) for cost in costs])


def near_boundary(labels: np.ndarray, distance: int) -> np.ndarray:
    """Mark the pixels that have a differently labelled pixel within ``distance`` rows and columns.

    Parameters
    ----------
    labels : np.ndarray
        ``(H, W) bool``.
    distance : int
        In pixels.

    Returns
    -------
    np.ndarray
        ``(H, W) bool``.
    """
    window = np.ones((2 * distance + 1,) * 2, dtype=np.uint8)
    image = labels.astype(np.uint8)
    return cv2.dilate(image, window) != cv2.erode(image, window)


def grow_to_star(labels: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Return the smallest star that contains a labelling: its pixels and all pixels on their paths.

    Parameters
    ----------
    labels : np.ndarray
        ``(H, W) bool``.
    parents : np.ndarray
        ``(H, W) int`` index of each pixel's parent in the flattened image.

    Returns
    -------
    np.ndarray
        ``(H, W) bool``.
    """
    star, parent = labels.flatten(), parents.ravel()
    ahead = parent[star]
    while (ahead := ahead[~star[ahead]]).size:
        star[ahead] = True
        ahead = parent[ahead]
    return star.reshape(labels.shape)


def shrink_to_star(labels: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Return the largest star within a labelling: the object pixels whose whole path is object.

    Parameters
    ----------
    labels : np.ndarray
        ``(H, W) bool``.
    parents : np.ndarray
        ``(H, W) int`` index of each pixel's parent in the flattened image.

    Returns
    -------
    np.ndarray
        ``(H, W) bool``.
    """
    star, ahead = labels.ravel(), parents.ravel()
    while not np.array_equal(shorter := star & star[ahead], star):
        star, ahead = shorter, ahead[ahead]  # every round doubles the steps
    return star.reshape(labels.shape)
