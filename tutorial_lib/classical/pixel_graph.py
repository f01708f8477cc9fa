"""The grid of pixels as a graph, and its exact minimum cut.

Neighbours are tied together, every pixel is tied to the source ("object") and to the sink
("background"), and the cheapest set of links that parts source from sink is a labelling.
"""

from __future__ import annotations

from threading import Lock

import numpy as np

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

    Attributes
    ----------
    hard_cost : float
        Boykov and Jolly's K: one more than all the links of any single pixel. A label that costs
        so much is never worth it, unless the other one costs something too.
    """

    def __init__(
        self, weights: list[np.ndarray], shape: tuple[int, int], infinite: float = 0.0
    ) -> None:
        import maxflow

        self._nodes = np.arange(shape[0] * shape[1]).reshape(shape)
        self._weights, self._infinite = weights, int(to_integer(np.array(infinite)))
        links = sum(weight.size for weight in weights)
        self._graph = maxflow.GraphInt(self._nodes.size, links)
        self._lock = Lock()
        self.hard_cost = 1.0 + float(link_totals(weights, shape).max())
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
            capacity[(*pair_slices(*offset)[0], index)] = to_integer(weight)
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
        links = np.stack([to_integer(background_cost), to_integer(object_cost)])
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


def to_integer(cost: np.ndarray) -> np.ndarray:
    """Round costs to whole multiples of ``1 / SCALE``, as ``int64``."""
    return np.rint(cost.astype(np.float64) * SCALE).astype(np.int64)


def link_totals(weights: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Add up all links of each pixel: what it costs at most to part it from its neighbours.

    Parameters
    ----------
    weights : list of np.ndarray
        Pairwise costs, one array for each of :data:`OFFSETS`.
    shape : tuple of int
        Height and width of the image.

    Returns
    -------
    np.ndarray
        ``(H, W) float64``.
    """
    totals = np.zeros(shape)
    for offset, weight in zip(OFFSETS, weights, strict=True):
        for end in pair_slices(*offset):
            totals[end] += weight
    return totals
