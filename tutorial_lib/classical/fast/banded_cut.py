"""A minimum cut on two levels: coarse everywhere, fine only where the coarse cut runs.

A minimum cut of a large photo takes its time where nothing happens, far from every boundary. So the
photo is first cut in square cells of pixels. Then the pixels in a band around the cells' boundary
are set free again, all others keep the label of their cell, and the band is cut pixel by pixel.

Among all labellings that agree with the cells outside the band, the answer is the cheapest. It need
not be the cheapest of all: what the cells overlook, say a twig thinner than a cell and away from
the coarse boundary, is in no band. Small photos are therefore cut exactly, large ones on demand.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tutorial_lib.classical.fast.coarse_graph import (
    EXACT_UP_TO,
    cell_grid,
    cell_parents,
    cell_size,
    cell_sums,
    cell_weights,
    spread,
)
from tutorial_lib.classical.pixel_graph import (
    OFFSETS,
    PixelGraph,
    link_totals,
    pair_slices,
    to_integer,
)


def graph_of(
    weights: list[np.ndarray], shape: tuple[int, int], infinite: float = 0.0, exact: bool = False
) -> PixelGraph | BandedGraph:
    """Build the graph that suits the size of an image.

    Parameters
    ----------
    weights, shape, infinite
        As for :class:`~tutorial_lib.classical.pixel_graph.PixelGraph`.
    exact : bool
        Cut a large image exactly too, however long it takes.

    Returns
    -------
    PixelGraph or BandedGraph
        The latter unless ``exact``, for more pixels than
        :data:`~tutorial_lib.classical.fast.coarse_graph.EXACT_UP_TO`.
    """
    if exact or shape[0] * shape[1] <= EXACT_UP_TO:
        return PixelGraph(weights, shape, infinite)
    return BandedGraph(weights, shape, infinite)


@dataclass(frozen=True)
class Links:
    """Links between pixels: flat indices of both ends, and what it costs to tear them apart.

    ``forward`` is paid where the first end is object and the second is not, ``backward`` where it
    is the other way round. All four are ``(n,) int64``.
    """

    first: np.ndarray
    second: np.ndarray
    forward: np.ndarray
    backward: np.ndarray

    def take(self, which: np.ndarray) -> Links:
        """Return some of the links, by mask or by index."""
        fields = (self.first, self.second, self.forward, self.backward)
        return Links(*(field[which] for field in fields))

    def turned(self) -> Links:
        """Return the same links with their ends swapped."""
        return Links(self.second, self.first, self.backward, self.forward)


class BandedGraph:
    """Cuts as :class:`~tutorial_lib.classical.pixel_graph.PixelGraph` does, large images in time.

    Parameters
    ----------
    weights, shape, infinite
        As for :class:`~tutorial_lib.classical.pixel_graph.PixelGraph`.

    Attributes
    ----------
    hard_cost : float
        More than all the links of any single pixel, and of any single cell.

    Notes
    -----
    The same costs give the same mask, whatever was cut before: the coarse cut is exact and the
    band starts from nothing. With parents the mask is a star over the pixels, not just the cells.

    References
    ----------
    Lombaert, Sun, Grady and Xu, A Multilevel Banded Graph Cuts Method for Fast Image Segmentation,
    ICCV 2005. They average the photo down and compute its links anew; here unary costs of a cell
    are sums, and its links follow from those of the pixels (:func:`cell_weights`).
    """

    def __init__(
        self, weights: list[np.ndarray], shape: tuple[int, int], infinite: float = 0.0
    ) -> None:
        self._shape, self._side = shape, cell_size(shape)
        self._pixels = np.arange(shape[0] * shape[1]).reshape(shape)
        self._capacities = [to_integer(weight).astype(np.int32) for weight in weights]
        self._totals = link_totals(self._capacities, shape)
        self._infinite = int(to_integer(np.array(infinite)))
        coarse = cell_weights(weights, shape, self._side)
        self._coarse = PixelGraph(coarse, cell_grid(shape, self._side), infinite)
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
            As for :meth:`PixelGraph.cut <tutorial_lib.classical.pixel_graph.PixelGraph.cut>`.

        Returns
        -------
        np.ndarray
            ``(H, W) bool``, True on the object; the parent of an object pixel is object.
        """
        ways = None if parents is None else cell_parents(parents, self._side)
        sums = (cell_sums(cost, self._side) for cost in (object_cost, background_cost))
        labels = spread(self._coarse.cut(*sums, ways), self._side, self._shape)
        costs = np.stack([to_integer(object_cost), to_integer(background_cost)])
        labels, free = self._band(labels, costs[1] - costs[0], parents)
        if free.any():  # no boundary, no band
            labels[free] = self._cut_free(labels, free, costs[:, free], parents)
        return labels

    def _band(
        self, labels: np.ndarray, preference: np.ndarray, parents: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels to start from and which pixels are free to change theirs.

        A pixel whose costs outweigh all its links gets the label it wants: clicked discs first of
        all, and details of clear colour. In a star only discs are so sure, since all pixels whose
        way leads through a pixel depend on it. The band then covers whatever is near a boundary,
        and the object pixels whose way leaves the object, which would have no valid label.
        """
        if parents is not None:
            labels = with_ways(labels, parents)
        enough = self._totals + 1 if parents is None else self._infinite
        labels = np.where(abs(preference) >= enough, preference > 0, labels)
        free = near_boundary(labels, self._side + 1)
        if parents is not None:
            free |= labels & ~whole_way(labels, parents)
        return labels, free

    def _cut_free(
        self, labels: np.ndarray, free: np.ndarray, costs: np.ndarray, parents: np.ndarray | None
    ) -> np.ndarray:
        """Return the ``(n,) bool`` best labels of the free pixels, all others being fixed."""
        import maxflow

        count = costs.shape[1]
        node = np.full(free.size, -1)
        node[free.ravel()] = np.arange(count)
        links = self._links_of(free, parents)
        within = (node[links.first] >= 0) & (node[links.second] >= 0)
        outward = links.take(~within)
        for some in (outward, outward.turned()):
            costs = costs + _pull(some, node, labels.ravel(), count)
        # Sorted by pixel, for the solver mostly waits for memory.
        links = links.take(within)
        links = links.take(np.argsort(links.first, kind="stable"))
        graph = maxflow.GraphInt(count, links.first.size)
        nodes = graph.add_grid_nodes(count)
        graph.add_edges(node[links.first], node[links.second], links.forward, links.backward)
        graph.add_grid_tedges(nodes, costs[1], costs[0])
        graph.maxflow()
        return ~graph.get_grid_segments(nodes)

    def _links_of(self, free: np.ndarray, parents: np.ndarray | None) -> Links:
        """Return all links with a free end, those to the parents among them."""
        found = []
        for offset, capacity in zip(OFFSETS, self._capacities, strict=True):
            first, second = pair_slices(*offset)
            there = free[first] | free[second]
            cost = capacity[there].astype(np.int64)
            found.append((self._pixels[first][there], self._pixels[second][there], cost, cost))
        if parents is not None:
            there = (free | free.ravel()[parents]) & (parents != self._pixels)
            dear = np.full(np.count_nonzero(there), self._infinite)
            found.append((self._pixels[there], parents[there], dear, np.zeros_like(dear)))
        return Links(*map(np.concatenate, zip(*found, strict=True)))


def _pull(links: Links, node: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Add up what links from free pixels to fixed ones cost, ``(2, count)``: as object, as not."""
    links = links.take(node[links.first] >= 0)
    fixed = labels[links.second]
    costs = (np.where(fixed, 0, links.forward), np.where(fixed, links.backward, 0))
    at = node[links.first]
    return np.stack([np.bincount(at, cost, count).astype(np.int64) for cost in costs])


def near_boundary(labels: np.ndarray, distance: int) -> np.ndarray:
    """Mark the pixels with another label among those up to ``distance`` rows and columns away.

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


def with_ways(labels: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Return the smallest star that holds a labelling: its pixels and all pixels on their ways."""
    star, parent = labels.flatten(), parents.ravel()
    ahead = parent[star]
    while (ahead := ahead[~star[ahead]]).size:
        star[ahead] = True
        ahead = parent[ahead]
    return star.reshape(labels.shape)


def whole_way(labels: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Return the largest star in a labelling: the object pixels whose whole way is object.

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
        star, ahead = shorter, ahead[ahead]  # every round looks twice as far
    return star.reshape(labels.shape)
