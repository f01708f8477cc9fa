"""Maximum flow and minimum cut, written to be read: small graphs with integer capacities.

A network is a dictionary from edges ``(tail, head)`` to capacities. The *residual* is another such
dictionary: the remaining capacity of each edge, including backward edges. For photos use
:mod:`tutorial_lib.classical.graph_cut`, which gives the same problem to a fast solver.
:mod:`tutorial_lib.classical.image_network` builds the network of a small image.

References
----------
Ford and Fulkerson, Maximal Flow through a Network, Canadian Journal of Mathematics 8, 1956.
Edmonds and Karp, Theoretical Improvements in Algorithmic Efficiency for Network Flow Problems,
Journal of the ACM 19(2), 1972.
Boykov and Kolmogorov, An Experimental Comparison of Min-Cut/Max-Flow Algorithms for Energy
Minimization in Vision, IEEE PAMI 26(9), 2004 (the solver behind PyMaxflow).
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from types import MappingProxyType
from typing import TypeAlias

Node: TypeAlias = Hashable
Edge: TypeAlias = tuple[Node, Node]
Capacities: TypeAlias = Mapping[Edge, int]


@dataclass(frozen=True)
class FlowNetwork:
    """A directed graph with a source, a sink and whole-number capacities.

    Parameters
    ----------
    capacity : mapping of (tail, head) to int
        Capacity of each edge, at least 0. An undirected link is two edges.
    source, sink : node
        The terminals: the source stands for "object", the sink for "background".

    Raises
    ------
    TypeError
        If a capacity is no whole number.
    ValueError
        If a capacity is negative, an edge is a loop, or a terminal has no edge.
    """

    capacity: Capacities
    source: Node = "s"
    sink: Node = "t"

    def __post_init__(self) -> None:
        checked = {edge: _whole(edge, value) for edge, value in self.capacity.items()}
        for (tail, head), value in checked.items():
            if value < 0:
                raise ValueError(f"The edge {tail} -> {head} has capacity {value}; 0 is the least.")
            if tail == head:
                raise ValueError(f"The edge {tail} -> {head} is a loop and can carry nothing.")
        object.__setattr__(self, "capacity", MappingProxyType(checked))
        if self.source == self.sink:
            raise ValueError(f"Source and sink are two nodes, but both are {self.source!r}.")
        ends = {node for edge in checked for node in edge}
        for name, node in (("source", self.source), ("sink", self.sink)):
            if node not in ends:
                raise ValueError(f"The {name} {node!r} has no edge in this network.")

    @property
    def pixels(self) -> tuple[Node, ...]:
        """Every node but the terminals, in the order the edges name them."""
        nodes = dict.fromkeys(node for edge in self.capacity for node in edge)
        return tuple(node for node in nodes if node not in (self.source, self.sink))


@dataclass(frozen=True)
class FlowStep:
    """One augmenting path and the residual after it.

    Parameters
    ----------
    path : tuple of nodes
        From source to sink.
    bottleneck : int
        The flow pushed along it: the smallest residual capacity on the path.
    residual : mapping of (tail, head) to int
        Remaining capacity of every edge after this step.
    value : int
        Flow from source to sink so far, this step included.
    """

    path: tuple[Node, ...]
    bottleneck: int
    residual: Capacities
    value: int


@dataclass(frozen=True)
class MinimumCut:
    """A cheapest set of edges that separates source from sink.

    Parameters
    ----------
    value : int
        Its capacity, which equals the maximum flow.
    source_side : frozenset of nodes
        The source and all nodes on its side: the object.
    edges : tuple of (tail, head)
        The edges it cuts, those that lead from the source side to the other.
    """

    value: int
    source_side: frozenset[Node]
    edges: tuple[Edge, ...]


def shortest_augmenting_path(
    residual: Capacities, source: Node = "s", sink: Node = "t"
) -> list[Node] | None:
    """Find a path with the fewest edges on which every edge has capacity left.

    Parameters
    ----------
    residual : mapping of (tail, head) to int
        Remaining capacity of each edge.
    source, sink : node
        Where the path begins and ends.

    Returns
    -------
    list of nodes or None
        The path, or None if there is none; then the flow is maximal. Among paths of equal length
        it is the one whose edges come first in the dictionary.

    References
    ----------
    Edmonds and Karp, Journal of the ACM 19(2), 1972: breadth-first search bounds the number of
    steps by the size of the graph, whatever the capacities.
    """
    paths = {source: [source]}
    queue = deque([source])
    while queue and sink not in paths:
        node = queue.popleft()
        for (tail, head), left in residual.items():
            if tail == node and left > 0 and head not in paths:
                paths[head] = [*paths[node], head]
                queue.append(head)
    return paths.get(sink)


def push_flow(residual: Capacities, path: list[Node]) -> tuple[dict[Edge, int], int]:
    """Push as much flow as possible along a path.

    Parameters
    ----------
    residual : mapping of (tail, head) to int
        Remaining capacity of each edge; not changed.
    path : list of nodes
        From source to sink.

    Returns
    -------
    residual : dict of (tail, head) to int
        Remaining capacity of each edge afterwards. Every edge of the path loses the bottleneck, and
        its reverse gains it, so that the flow can be undone.
    bottleneck : int
        The flow pushed.
    """
    edges = list(pairwise(path))
    bottleneck = min(residual[edge] for edge in edges)
    residual = dict(residual)
    for tail, head in edges:
        residual[tail, head] -= bottleneck
        residual[head, tail] = residual.get((head, tail), 0) + bottleneck
    return residual, bottleneck


def augmenting_steps(network: FlowNetwork) -> Iterator[FlowStep]:
    """Yield one step for each augmenting path until none is left (Edmonds and Karp's algorithm).

    Parameters
    ----------
    network : FlowNetwork
        The graph.

    Yields
    ------
    FlowStep
        The path, its bottleneck, the residual after it and the flow so far.
    """
    residual, value = dict(network.capacity), 0
    while path := shortest_augmenting_path(residual, network.source, network.sink):
        residual, bottleneck = push_flow(residual, path)
        value += bottleneck
        yield FlowStep(tuple(path), bottleneck, MappingProxyType(residual), value)


def reachable(residual: Capacities, source: Node = "s") -> set[Node]:
    """Return the source and all nodes that more flow could reach from it.

    Without an augmenting path these are the source side of a minimum cut.

    Parameters
    ----------
    residual : mapping of (tail, head) to int
        Remaining capacity of each edge.
    source : node
        Where to start.

    Returns
    -------
    set of nodes
        The nodes reached.
    """
    found, queue = {source}, [source]
    while queue:
        node = queue.pop()
        new = {head for (tail, head), left in residual.items() if tail == node and left > 0}
        queue.extend(new - found)
        found |= new
    return found


def cut_capacity(capacity: Capacities, source_side: set[Node] | frozenset[Node]) -> int:
    """Return the cost of a cut: the sum over all edges out of the source side.

    Parameters
    ----------
    capacity : mapping of (tail, head) to int
        The network's capacities.
    source_side : set of nodes
        The source and every node called object.

    Returns
    -------
    int
        The cost. Edges *into* the source side cost nothing.
    """
    cut = [edge for edge in capacity if edge[0] in source_side and edge[1] not in source_side]
    return sum(capacity[edge] for edge in cut)


def minimum_cut(network: FlowNetwork, ties: str = "background") -> MinimumCut:
    """Find a minimum cut: push flow until no augmenting path is left.

    Parameters
    ----------
    network : FlowNetwork
        The graph.
    ties : {"background", "object"}
        The label of pixels that cost the same either way. ``"background"`` gives the smallest
        source side of all minimum cuts (the nodes that the source reaches), ``"object"`` the
        largest (the nodes that do not reach the sink).

    Returns
    -------
    MinimumCut
        Its value, source side and cut edges.

    Raises
    ------
    ValueError
        If ``ties`` is something else.

    References
    ----------
    Ford and Fulkerson, Canadian Journal of Mathematics 8, 1956: maximum flow = minimum cut.
    """
    if ties not in ("background", "object"):
        raise ValueError(f"Ties go to 'background' or 'object', not {ties!r}.")
    residual: Capacities = network.capacity
    for step in augmenting_steps(network):
        residual = step.residual
    if ties == "background":
        side = reachable(residual, network.source)
    else:
        turned = {(head, tail): left for (tail, head), left in residual.items()}
        side = {network.source, *network.pixels} - reachable(turned, network.sink)
    capacity = network.capacity
    edges = tuple(
        edge for edge in capacity if capacity[edge] and edge[0] in side and edge[1] not in side
    )
    return MinimumCut(cut_capacity(capacity, side), frozenset(side), edges)


def every_cut(network: FlowNetwork) -> Iterator[tuple[frozenset[Node], int]]:
    """Yield all ``2 ** n`` labellings of n pixels with their costs.

    Parameters
    ----------
    network : FlowNetwork
        The graph; 20 pixels already have a million labellings.

    Yields
    ------
    source_side : frozenset of nodes
        The source and the pixels called object.
    cost : int
        The capacity of this cut.
    """
    pixels = network.pixels
    for labels in product((True, False), repeat=len(pixels)):
        chosen = (pixel for pixel, is_object in zip(pixels, labels, strict=True) if is_object)
        source_side = frozenset([network.source, *chosen])
        yield source_side, cut_capacity(network.capacity, source_side)


def _whole(edge: Edge, value: int) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(
            f"The edge {edge[0]} -> {edge[1]} has capacity {value!r}; capacities are whole numbers."
        ) from None
