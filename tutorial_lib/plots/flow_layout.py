"""The positions of nodes and pipes in a drawing; :mod:`.flow_networks` draws them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tutorial_lib.classical.min_cut import Capacities, Edge, FlowNetwork, Node
from tutorial_lib.render import NEGATIVE, POSITIVE, hex_colour

GREEN, VERMILION, INK = hex_colour(POSITIVE), hex_colour(NEGATIVE), "#333333"
SPACING = 2.4  # from one pixel to the next
HALF = 0.42  # half of a pixel's side
STUB = 0.93  # from a pixel's centre to the end of its stub, along each axis

XY = np.ndarray


@dataclass(frozen=True)
class Link:
    """One pipe of the drawing: its edge, its ends, and the position of its number."""

    edge: Edge
    start: XY
    end: XY
    label: XY
    colour: str
    capacity: int
    flow: int = 0

    def at(self, part: float) -> XY:
        """Return a point of the pipe: 0 is its start and 1 is its end."""
        return self.start + part * (self.end - self.start)

    def text(self, flowing: bool) -> str:
        """Return its label: the capacity, or the flow and the capacity."""
        return f"{abs(self.flow)}/{self.capacity}" if flowing else str(self.capacity)


def is_grid(network: FlowNetwork) -> bool:
    """Return whether the pixels lie in several rows of an image."""
    rows = {pixel[0] if isinstance(pixel, tuple) else 0 for pixel in network.pixels}
    return len(rows) > 1


def node_places(network: FlowNetwork) -> dict[Node, XY]:
    """Return the position of each node; x points right and y points up."""
    if is_grid(network):
        return {(r, c): np.array([c * SPACING, -r * SPACING]) for r, c in network.pixels}
    places = {p: np.array([i * 3.4, 0.0]) for i, p in enumerate(sorted(network.pixels))}
    middle = (len(places) - 1) * 1.7
    places[network.source] = np.array([middle, 2.5])
    places[network.sink] = np.array([middle, -2.5])
    return places


def edge_colour(network: FlowNetwork, edge: Edge) -> str:
    """Return green from the source, vermilion to the sink, and ink between pixels."""
    if network.source in edge:
        return GREEN
    return VERMILION if network.sink in edge else INK


def pipes(
    network: FlowNetwork, residual: Capacities | None, places: dict[Node, XY], grid: bool
) -> list[Link]:
    """Turn edges into pipes; the two edges of an undirected link share one."""
    left = network.capacity if residual is None else residual
    links: list[Link] = []
    seen: set[Edge] = set()
    for (tail, head), capacity in network.capacity.items():
        both = max(capacity, network.capacity.get((head, tail), 0))
        if not both or (head, tail) in seen or {tail, head} == {network.source, network.sink}:
            continue
        seen.add((tail, head))
        flow = capacity - left[tail, head]
        start, end, label = _route(network, (tail, head), places, grid)
        colour = edge_colour(network, (tail, head))
        links.append(Link((tail, head), start, end, label, colour, both, flow))
    return links


def _route(
    network: FlowNetwork, edge: Edge, places: dict[Node, XY], grid: bool
) -> tuple[XY, XY, XY]:
    """Return the start of a pipe, its end, and the position of its number."""
    tail, head = edge
    if grid and tail == network.source:
        pixel = places[head]
        return pixel + (-STUB, STUB), pixel + (-HALF, HALF), pixel + (-0.33, 0.77)
    if grid and head == network.sink:
        pixel = places[tail]
        return pixel + (HALF, -HALF), pixel + (STUB, -STUB), pixel + (0.34, -0.77)
    start, end = places[tail], places[head]
    if grid:
        return start, end, (start + end) / 2
    if network.source in edge or network.sink in edge:
        inner = 0.55 if network.source in edge else 0.45
        return start, end, start + inner * (end - start)
    return start, end, (start + end) / 2 + (0, 0.3)
