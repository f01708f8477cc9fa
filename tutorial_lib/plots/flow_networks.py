"""Drawings of flow networks, made for lectures.

The source is a green disc and means "object", like a positive click. The sink is a vermilion square
and means "background", like a negative click. Every link is a pipe. Its pale part is as wide as the
capacity, and its dark part is as wide as the flow. A full pipe is dashed. The path of a step is
yellow. The cut is a dashed black line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.classical.min_cut import Capacities, FlowNetwork, Node
from tutorial_lib.plots.flow_layout import edge_colour, is_grid, node_places, pipes
from tutorial_lib.plots.flow_parts import (
    BLUE,
    canvas,
    draw_arrow,
    draw_grid_cut,
    draw_pipe,
    draw_pixels,
    draw_row_cut,
    draw_stub_ends,
    draw_terminals,
    explain_stubs,
    on_path,
    write_label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_network(
    network: FlowNetwork,
    residual: Capacities | None = None,
    path: Sequence[Node] = (),
    source_side: Collection[Node] | None = None,
    grey: np.ndarray | Mapping[Node, int] | None = None,
    title: str = "",
    legend: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw a network of pixels with its flow, and a path or a cut.

    Pixels in one row lie between source and sink. Pixels ``(row, col)`` in several rows lie in the
    plane of the image. Each of these has two short stubs: ``s`` from the source and ``t`` to the
    sink. Links without capacity are left out. The two directions between neighbours share one
    pipe.

    Parameters
    ----------
    network : FlowNetwork
        The graph.
    residual : mapping of (tail, head) to int, optional
        The residual capacity of each edge. The flow follows from it. If it is given, labels are
        ``flow/capacity``. Otherwise, labels are capacities.
    path : sequence of nodes, optional
        An augmenting path to mark.
    source_side : collection of nodes, optional
        A cut to draw: the source and the pixels labelled as object.
    grey : np.ndarray or mapping, optional
        The grey value of each pixel, 0 to 255, as an image or a dictionary.
    title : str
        The title above the axes.
    legend : bool
        Whether to explain s and t.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing.
    """
    places = node_places(network)
    grid = is_grid(network)
    links = pipes(network, residual, places, grid)
    ax = canvas(ax, network, places, grid, title)
    for link in links:
        draw_pipe(ax, link, marked=on_path(link.edge, path), arrows=not grid)
        write_label(ax, link.label, link.text(residual is not None), link.colour)
    draw_pixels(ax, network, places, grey, path, source_side)
    if source_side is not None:
        if grid:
            draw_grid_cut(ax, places, links, source_side)
        else:
            draw_row_cut(ax, network, places, source_side)
    if grid:
        draw_stub_ends(ax, network, links)
    else:
        draw_terminals(ax, network, places, legend)
    if grid and legend:
        explain_stubs(ax, places)
    return ax


def draw_residual(
    network: FlowNetwork,
    residual: Capacities,
    path: Sequence[Node] = (),
    grey: np.ndarray | Mapping[Node, int] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the residual capacity of every edge in both directions, for pixels in one row.

    Edges that exist only because flow can be sent back are blue and dotted. A label such as ``2+2``
    is the edge's own capacity plus the flow that it can send back.

    Parameters
    ----------
    network : FlowNetwork
        The graph.
    residual : mapping of (tail, head) to int
        The residual capacity of each edge. Edges with 0 are left out.
    path : sequence of nodes, optional
        An augmenting path to mark.
    grey : np.ndarray or mapping, optional
        The grey value of each pixel, 0 to 255.
    title : str
        The title above the axes.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing.

    Raises
    ------
    ValueError
        If the pixels lie in several rows.
    """
    if is_grid(network):
        raise ValueError("The residual graph is drawn for pixels in one row only.")
    places, steps = node_places(network), set(pairwise(path))
    ax = canvas(ax, network, places, False, title)
    for edge, left in residual.items():
        if left > 0:
            own = network.capacity.get(edge, 0)
            text = f"{own}+{left - own}" if 0 < own < left else str(left)
            colour = edge_colour(network, edge) if own else BLUE
            draw_arrow(ax, places, edge, text, colour, own == 0, edge in steps)
    draw_pixels(ax, network, places, grey, path, None)
    draw_terminals(ax, network, places, legend=True)
    return ax
