"""Plots of the energy of a photo in a small window: the pixels and the weights between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.plots.pictures import axes_of
from tutorial_lib.render import CONTOUR, hex_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDEST = 4.0  # line width of a link of weight 1, in points


def draw_links(
    image: np.ndarray,
    weights: list[np.ndarray],
    window: tuple[slice, slice],
    mask: np.ndarray | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the pixels of a small window as nodes. A larger pairwise weight is a thicker link.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    weights : list of np.ndarray
        From :func:`tutorial_lib.classical.graph_cut.pairwise_weights`.
    window : (slice, slice)
        The rows and columns to show, with start and stop. About ten by fifteen pixels are easy to
        read.
    mask : np.ndarray, optional
        ``(H, W) bool``. Its contour is drawn between the pixels, in yellow.
    title : str
        The title above the axes.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing. A pixel's centre lies at (col, row) of the whole image.
    """
    rows, cols = window
    height, width = rows.stop - rows.start, cols.stop - cols.start
    ax = axes_of(ax, 0.55 * width, 0.55 * height + 0.3)
    edges = (cols.start - 0.5, cols.stop - 0.5, rows.stop - 0.5, rows.start - 0.5)
    ax.imshow(image[window], extent=edges, interpolation="nearest")
    _draw_weights(ax, weights, window)
    if mask is not None:
        draw_contour(ax, mask, window)
    nodes = np.mgrid[window].reshape(2, -1)
    ax.scatter(nodes[1], nodes[0], s=34, c=image[window].reshape(-1, 3) / 255, edgecolors="black",
               linewidths=0.8, zorder=3)  # fmt: skip
    ax.set(title=title, xlim=edges[:2], ylim=edges[2:])
    ax.set_axis_off()
    return ax


def _draw_weights(ax: Axes, weights: list[np.ndarray], window: tuple[slice, slice]) -> None:
    from matplotlib.collections import LineCollection

    from tutorial_lib.classical.neighbours import OFFSETS

    ends, widths = [], []
    rows, cols = (range(part.start, part.stop) for part in window)
    for (down, right), weight in zip(OFFSETS, weights, strict=True):
        for row, col in np.ndindex(len(rows), len(cols)):
            row, col = rows[row], cols[col]
            if row + down in rows and col + right in cols:
                ends.append([(col, row), (col + right, row + down)])
                widths.append(WIDEST * float(weight[row, col + min(0, right)]))
    ax.add_collection(LineCollection(ends, linewidths=widths, colors="white", zorder=2))


def draw_contour(ax: Axes, mask: np.ndarray, window: tuple[slice, slice]) -> None:
    """Draw a mask's contour between the pixels of a window, in yellow with a black rim.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes to draw on. A pixel's centre lies at (col, row).
    mask : np.ndarray
        ``(H, W) bool``.
    window : (slice, slice)
        The rows and columns of the window, with start and stop.
    """
    rows, cols = window
    inside = mask[window]
    for row, col in np.argwhere(inside[:, 1:] != inside[:, :-1]) + (rows.start, cols.start):
        _draw_edge(ax, [col + 0.5, col + 0.5], [row - 0.5, row + 0.5])
    for row, col in np.argwhere(inside[1:] != inside[:-1]) + (rows.start, cols.start):
        _draw_edge(ax, [col - 0.5, col + 0.5], [row + 0.5, row + 0.5])


def _draw_edge(ax: Axes, x: list[float], y: list[float]) -> None:
    for width, colour, order in ((6, "black", 4), (3, hex_colour(CONTOUR), 5)):
        ax.plot(x, y, color=colour, lw=width, solid_capstyle="round", zorder=order)
