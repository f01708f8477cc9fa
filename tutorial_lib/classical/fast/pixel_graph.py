"""The grid of pixels as a graph that is cut after every click.

It computes what :func:`tutorial_lib.classical.graph_cut.cheapest_labelling` computes, and keeps the
graph, the flow and the search trees for the next click.
"""

from __future__ import annotations

from threading import Lock

import numpy as np

from tutorial_lib.classical.neighbours import OFFSETS, link_totals, pair_slices, to_integer


class PixelGraph:
    """The grid of pixels with its pairwise capacities, cut exactly and repeatedly.

    From click to click mostly the links to source and sink change. A new cut then starts from the
    flow and the search trees of the last one (Kohli and Torr, ICCV 2005). This changes only the
    time: capacities are integers, so the maximum flow is exact, and the set of pixels that can
    reach the sink is the same for *every* maximum flow. A warm cut equals a cold one.

    Parameters
    ----------
    weights : list of np.ndarray
        Pairwise costs, from :func:`tutorial_lib.classical.graph_cut.pairwise_weights`.
    shape : tuple of int
        Height and width of the image.
    infinite : float
        Cost of separating a pixel from its parent, in the unit of the weights. It exceeds the
        energy of some labelling that separates none.

    Attributes
    ----------
    hard_cost : float
        Boykov and Jolly's K: one more than all the links of any pixel. No pixel takes a label of
        this cost if the other label is free.
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
        """Build the graph anew, in the memory of the last one."""
        first, second, forward = self._neighbour_links()
        backward = forward
        if parents is not None:  # a cut pays for links from object to background
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

        The solver mostly waits for memory, so the links of a pixel lie side by side.
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
        """Find the labelling of least energy.

        Parameters
        ----------
        object_cost, background_cost : np.ndarray
            ``(H, W)`` cost of each label at each pixel, lambda included.
        parents : np.ndarray, optional
            ``(H, W) int``: for each pixel the index, in the flattened image, of a neighbour that
            must be object if the pixel is; its own index where there is none. New parents change
            links between pixels, so the cut then starts without a flow.

        Returns
        -------
        np.ndarray
            ``(H, W) bool``, True on the object. A pixel that costs the same either way is object.
        """
        links = np.stack([to_integer(background_cost), to_integer(object_cost)])
        with self._lock:
            if not _same(parents, self._parents):
                self._build(None if parents is None else parents.copy())
            change = links - self._links
            touched = change.any(axis=0)
            nodes = self._nodes[touched]
            if nodes.size:  # PyMaxflow rejects an empty change
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
