"""The parts of a drawn flow network: pipes, arrows, pixels, terminals and cuts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.classical.min_cut import Edge, FlowNetwork, Node
from tutorial_lib.plots.flow_layout import GREEN, HALF, INK, SPACING, VERMILION, XY, Link
from tutorial_lib.plots.pictures import axes_of
from tutorial_lib.render import CONTOUR, MASK, hex_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

YELLOW, BLUE = hex_colour(CONTOUR), hex_colour(MASK)
DASHES = (0, (1.6, 0.9))


def canvas(
    ax: Axes | None, network: FlowNetwork, places: dict[Node, XY], grid: bool, title: str
) -> Axes:
    """Return axes with equal scales that are large enough for the whole drawing."""
    corners = np.array([places[node] for node in places])
    margin = np.array([1.25, 1.25]) if grid else np.array([1.3, 0.75])
    low, high = corners.min(axis=0) - margin, corners.max(axis=0) + margin
    size = (high - low) * (0.75 if grid else 0.72)
    ax = axes_of(ax, max(size[0], 5.0), size[1] + 0.4)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    ax.set_title(title)
    ax.set_axis_off()
    return ax


def on_path(edge: Edge, path: Sequence[Node]) -> bool:
    """Return whether a path uses an edge, in either direction."""
    steps = set(pairwise(path))
    return edge in steps or edge[::-1] in steps


def draw_pipe(ax: Axes, link: Link, marked: bool, arrows: bool) -> None:
    """Draw one link: a pale pipe, the flow in it, and dashes if the pipe is full."""
    x, y = zip(link.start, link.end, strict=True)
    width, filled = _width(link.capacity), abs(link.flow)
    if marked:
        ax.plot(x, y, color=YELLOW, lw=width + 9, solid_capstyle="round", zorder=1)
    full = filled >= link.capacity
    pale = "white" if full else _pale(link.colour)
    ax.plot(x, y, color=pale, lw=width, solid_capstyle="butt", zorder=2)
    if filled:
        lines = {"ls": DASHES, "dash_capstyle": "butt"} if full else {"solid_capstyle": "butt"}
        ax.plot(x, y, color=link.colour, lw=_width(filled), zorder=3, **lines)
    if filled and (arrows or link.colour == INK):
        ends = (0.66, 0.8) if arrows and link.colour != INK else (0.62, 0.76)
        tail, head = (link.at(e if link.flow > 0 else 1 - e) for e in ends)
        _arrow_head(ax, tail, head, link.colour, 16 if arrows else 12)


def _width(amount: int) -> float:
    return 1.2 + 0.75 * min(amount, 9)


def _pale(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return tuple(1 - 0.3 * (1 - part) for part in to_rgb(colour))


def _arrow_head(ax: Axes, tail: XY, head: XY, colour: str, size: float) -> None:
    shape = {"arrowstyle": "-|>", "color": colour, "mutation_scale": size, "lw": 0}
    ax.annotate("", xy=head, xytext=tail, arrowprops={**shape, "shrinkA": 0, "shrinkB": 0})


def write_label(ax: Axes, at: XY, text: str, colour: str, size: float = 10) -> None:
    """Write a number or a word on a white box, in the colour of its edge or node."""
    box = {"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none"}
    ax.text(*at, text, color=colour, size=size, weight="bold", ha="center", va="center",
            bbox=box, zorder=8)  # fmt: skip


def draw_arrow(
    ax: Axes, places: dict[Node, XY], edge: Edge, text: str, colour: str, dotted: bool, marked: bool
) -> None:
    """Draw one edge of the residual graph, shifted slightly to the right."""
    start, end = places[edge[0]], places[edge[1]]
    along = (end - start) / np.hypot(*(end - start))
    aside = 0.15 * np.array([along[1], -along[0]])
    border = (HALF + 0.2) / np.abs(along).max()  # depends on the direction
    start, end = start + border * along + aside, end - border * along + aside
    if marked:
        ax.plot(*zip(start, end, strict=True), color=YELLOW, lw=9, zorder=1)
    shape = {"arrowstyle": "-|>", "color": colour, "mutation_scale": 14, "lw": 2}
    shape |= {"shrinkA": 0, "shrinkB": 0, "ls": (0, (1, 1.2)) if dotted else "-"}
    ax.annotate("", xy=end, xytext=start, arrowprops=shape)
    write_label(ax, start + 0.45 * (end - start) + 1.6 * aside, text, colour)


def draw_pixels(
    ax: Axes,
    network: FlowNetwork,
    places: dict[Node, XY],
    grey: np.ndarray | Mapping[Node, int] | None,
    path: Sequence[Node],
    source_side: Collection[Node] | None,
) -> None:
    """Draw each pixel in its grey value, with a frame in the colour of its label."""
    from matplotlib.patches import Rectangle

    for pixel in network.pixels:
        value = 235 if grey is None else int(grey[pixel])
        frame, width = INK, 1.2
        if source_side is not None:
            frame, width = (GREEN if pixel in source_side else VERMILION), 3.5
        corner, side = places[pixel] - HALF, 2 * HALF
        if pixel in path:
            ax.add_patch(Rectangle(corner - 0.13, side + 0.26, side + 0.26, fc=YELLOW, zorder=4))
        face = (value / 255,) * 3
        ax.add_patch(Rectangle(corner, side, side, fc=face, ec=frame, lw=width, zorder=5))
        text = str(pixel) if not isinstance(pixel, tuple) else "" if grey is None else str(value)
        ink = "white" if value < 128 else "black"
        ax.text(*places[pixel], text, color=ink, ha="center", va="center", size=11, zorder=6)
        if source_side is not None:
            _draw_badge(ax, places[pixel] + (HALF, HALF), pixel in source_side)


def _draw_badge(ax: Axes, at: XY, is_object: bool) -> None:
    """Mark a labelled pixel like a click: a green disc with a plus, a square with a minus."""
    colour, marker, sign = (GREEN, "o", "+") if is_object else (VERMILION, "s", "_")
    ax.plot(*at, marker, color=colour, ms=11, mec="white", zorder=9)
    ax.plot(*at, marker=sign, color="white", ms=6, mew=1.8, zorder=10)


def draw_terminals(ax: Axes, network: FlowNetwork, places: dict[Node, XY], legend: bool) -> None:
    """Draw source and sink above and below a row of pixels."""
    terminals = (
        (network.source, "o", GREEN, "= object"),
        (network.sink, "s", VERMILION, "= background"),
    )
    for node, marker, colour, meaning in terminals:
        at = places[node]
        ax.plot(*at, marker, color=colour, ms=28, mec="white", zorder=6)
        ax.text(*at, str(node), color="white", ha="center", va="center", size=14, zorder=7)
        if legend:
            ax.text(*(at + (0.5, 0)), meaning, color=colour, va="center", size=12, weight="bold")


def draw_stub_ends(ax: Axes, network: FlowNetwork, links: list[Link]) -> None:
    """Draw a small source or sink at the end of every stub."""
    for link in links:
        if link.colour != INK:
            from_source = link.colour == GREEN
            at, marker = (link.start, "o") if from_source else (link.end, "s")
            ax.plot(*at, marker, color=link.colour, ms=11, zorder=6)
            name = network.source if from_source else network.sink
            ax.text(*at, str(name), color="white", size=8, ha="center", va="center", zorder=7)


def explain_stubs(ax: Axes, places: dict[Node, XY]) -> None:
    """Explain the stubs of a grid in a line below it."""
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.45, high)
    middle = np.mean([at[0] for at in places.values()])
    ax.text(middle - 0.3, low - 0.2, "s = object", color=GREEN, weight="bold", ha="right")
    ax.text(middle + 0.3, low - 0.2, "t = background", color=VERMILION, weight="bold", ha="left")


def draw_row_cut(
    ax: Axes, network: FlowNetwork, places: dict[Node, XY], source_side: Collection[Node]
) -> None:
    """Draw the cut below the pixels labelled as object and above the other pixels."""
    points = []
    for pixel in sorted(network.pixels):
        terminal = network.sink if pixel in source_side else network.source
        points.append(places[pixel] + 0.3 * (places[terminal] - places[pixel]))
    first, last = points[0] - (0.9, 0), points[-1] + (0.9, 0)
    x, y = zip(first, *points, last, strict=True)
    ax.plot(x, y, color="black", lw=2.2, ls=(0, (4, 2)), zorder=7)
    ax.text(*(last + (0.08, 0)), "cut", va="center", size=11, weight="bold")


def draw_grid_cut(
    ax: Axes, places: dict[Node, XY], links: list[Link], source_side: Collection[Node]
) -> None:
    """Draw the contour between pixels of different labels, and a bar across each cut stub."""
    for row, col in places:
        for other, turn in (((row, col + 1), (0, 1)), ((row + 1, col), (1, 0))):
            if other in places and ((row, col) in source_side) != (other in source_side):
                middle = (places[row, col] + places[other]) / 2
                half = np.array(turn) * SPACING / 2
                ends = zip(middle - half, middle + half, strict=True)
                ax.plot(*ends, color="black", lw=2.2, ls=(0, (4, 2)), zorder=7)
    for link in links:
        cut = link.edge[0] in source_side and link.edge[1] not in source_side
        if cut and link.colour != INK:
            bar = 0.24 * np.array([[0, 1], [-1, 0]]) @ (link.end - link.start)
            ends = zip(link.at(0.55) - bar, link.at(0.55) + bar, strict=True)
            ax.plot(*ends, color="black", lw=2.5, zorder=7)
