"""Shortest paths from pixel to pixel, for geodesic distances and for GrowCut.

Pixels are nodes, the 8-neighbourhood gives the links, and each link has a length of at least 0.
Dijkstra's algorithm (scipy's, in C) then finds the nearest seed of every pixel and its distance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from tutorial_lib.classical.neighbours import OFFSETS, pair_slices


class PixelLinks:
    """The links of a grid, built once; their lengths can change.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the grid.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        nodes = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
        ends = [pair_slices(*offset) for offset in OFFSETS]
        first = np.concatenate([nodes[a].ravel() for a, _ in ends])
        second = np.concatenate([nodes[b].ravel() for _, b in ends])
        link = np.arange(first.size, dtype=np.int32)
        both_directions = (np.r_[first, second], np.r_[second, first])
        self._link_of = csr_array((np.r_[link, link], both_directions), shape=(nodes.size,) * 2)

    def graph(self, lengths: Sequence[np.ndarray]) -> csr_array:
        """Build the graph for given lengths, the same in both directions.

        Parameters
        ----------
        lengths : sequence of np.ndarray
            One array for each of :data:`~tutorial_lib.classical.neighbours.OFFSETS`, of the shape
            that :func:`~tutorial_lib.classical.neighbours.pair_slices` gives; at least 0, ``inf``
            for a link that is closed.

        Returns
        -------
        csr_array
            ``(H W, H W) float64``; a stored 0 is a link of length 0.
        """
        flat = np.concatenate([length.ravel() for length in lengths]).astype(np.float64)
        links = self._link_of
        return csr_array((flat[links.data], links.indices, links.indptr), shape=links.shape)


def nearest_seed(graph: csr_array, seeds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the shortest path from each pixel to any of the seeds.

    Parameters
    ----------
    graph : csr_array
        The result of :meth:`PixelLinks.graph`.
    seeds : np.ndarray
        ``(H, W) bool``; at least one is True.

    Returns
    -------
    distance : np.ndarray
        ``(H, W) float64``: length of the path; 0 on a seed, ``inf`` without a path.
    seed : np.ndarray
        ``(H, W) int32``: flat index of the seed at the end; negative without a path.
    """
    distance, _, seed = dijkstra(
        graph, indices=np.flatnonzero(seeds), min_only=True, return_predecessors=True
    )
    return distance.reshape(seeds.shape), seed.reshape(seeds.shape)
