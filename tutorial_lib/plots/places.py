"""Plots of a click's reach: numbers in pixels, paths between pixels, and regions of labels."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.plots.energies import draw_contour
from tutorial_lib.plots.pictures import axes_of
from tutorial_lib.render import CONTOUR, NEGATIVE, POSITIVE, blend, hex_colour, probability_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PIXEL = 0.55  # width of a pixel of a small grid, in inches


def draw_values(
    values: np.ndarray,
    clicks: Clicks | None = None,
    mask: np.ndarray | None = None,
    image: np.ndarray | None = None,
    digits: int = 2,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a small grid of pixels with a number in each.

    Parameters
    ----------
    values : np.ndarray
        ``(H, W)`` numbers; ``inf`` is written as ∞.
    clicks : Clicks, optional
        The clicked pixels. Their numbers are drawn on a green disc or a red square.
    mask : np.ndarray, optional
        ``(H, W) bool``. Its contour is drawn between the pixels, in yellow.
    image : np.ndarray, optional
        ``(H, W, 3) uint8``: the colours of the pixels. By default, the values give the colours,
        from dark for the smallest to bright for the largest.
    digits : int
        The number of decimals.
    title : str
        The title above the axes.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing. A pixel's centre lies at (col, row).

    Raises
    ------
    ValueError
        If the values are not an ``(H, W)`` array.
    """
    if values.ndim != 2:
        raise ValueError(f"Numbers are drawn for an (H, W) array, not for one of {values.shape}.")
    picture = _heat(values) if image is None else image
    ax = _pixels(picture, title, ax)
    if mask is not None:
        draw_contour(ax, mask, tuple(slice(0, side) for side in mask.shape))
    clicked = {tuple(at): mark.positive for mark in clicks or () for at in mark.pixels.tolist()}
    for row, col in np.ndindex(values.shape):
        ink = "white" if picture[row, col].mean() < 128 else "black"
        if (row, col) in clicked:
            _draw_click(ax, row, col, clicked[row, col])
            ink = "white"
        text = _number(values[row, col], digits)
        ax.text(col, row, text, color=ink, ha="center", va="center", size=10, zorder=7)
    return ax


def draw_parents(
    image: np.ndarray,
    parents: np.ndarray,
    mask: np.ndarray | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a small grid with an arrow from each pixel to its parent.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    parents : np.ndarray
        ``(H, W) int``: the flat index of each pixel's parent. A pixel that is its own parent is a
        star centre, and is drawn like a positive click.
    mask : np.ndarray, optional
        ``(H, W) bool``. Its contour is drawn between the pixels, in yellow.
    title : str
        The title above the axes.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing. A pixel's centre lies at (col, row).
    """
    ax = _pixels(image, title, ax)
    if mask is not None:
        draw_contour(ax, mask, tuple(slice(0, side) for side in mask.shape))
    rows, cols = np.indices(parents.shape)
    down, right = (np.array(end) for end in np.unravel_index(parents, parents.shape))
    down, right = down - rows, right - cols
    ink = np.where(image.mean(axis=2) < 128, "white", "black")
    for row, col in np.ndindex(parents.shape):
        if down[row, col] == right[row, col] == 0:
            _draw_click(ax, row, col, True)
            ax.text(col, row, "+", color="white", ha="center", va="center", size=14, zorder=7)
            continue
        step = np.array([right[row, col], down[row, col]])
        style = {"arrowstyle": "->", "color": ink[row, col], "lw": 1.3, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (col, row) + 0.42 * step, (col, row) - 0.3 * step, arrowprops=style)
    return ax


def draw_paths(
    image: np.ndarray,
    parents: np.ndarray,
    starts: Iterable[tuple[int, int]],
    mask: np.ndarray | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the paths from some pixels of a photo to their star centres.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    parents : np.ndarray
        ``(H, W) int``: the flat index of each pixel's parent. A star centre is its own parent.
    starts : iterable of (int, int)
        The row and column of each pixel where a path starts.
    mask : np.ndarray, optional
        ``(H, W) bool``. The part of a path inside the mask is green. The part outside is red and
        dotted. Without a mask, the whole path is green.
    title : str
        The title above the axes.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing.
    """
    from tutorial_lib.plots.pictures import show

    ax = show(image, title=title, ax=ax)
    inside = np.ones(parents.shape, dtype=bool) if mask is None else mask
    for start in starts:
        path = _path(parents, start)
        steps = list(pairwise(path))
        for stays, group in groupby(
            steps, key=lambda step: bool(inside[step[0]] & inside[step[1]])
        ):
            part = list(group)
            rows, cols = np.array([part[0][0], *(end for _, end in part)]).T
            colour = hex_colour(POSITIVE if stays else NEGATIVE)
            ax.plot(cols, rows, color="white", lw=4, zorder=3)
            ax.plot(cols, rows, color=colour, lw=2, ls="-" if stays else ":", zorder=4)
        ax.plot(path[0][1], path[0][0], "o", color="white", mec="black", ms=6, zorder=5)
        ax.plot(
            path[-1][1], path[-1][0], "P", color=hex_colour(POSITIVE), mec="white", ms=13, zorder=6
        )
    return ax


def paint_sides(
    image: np.ndarray,
    label: np.ndarray,
    strength: np.ndarray | None = None,
    opacity: float = 0.65,
    front: bool = True,
) -> np.ndarray:
    """Tint the pixels of each label, green for object and red for background.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    label : np.ndarray
        ``(H, W)``: above 0 for object, below 0 for background, 0 for no label.
    strength : np.ndarray, optional
        ``(H, W)`` in [0, 1]: the strength of the label. A weak label is pale. By default, the
        strength is 1 everywhere.
    opacity : float
        The opacity of the strongest tint, 0 to 1.
    front : bool
        Whether to paint the line between the two labels, in yellow.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``.
    """
    side = np.sign(label)
    firm = np.ones(side.shape) if strength is None else np.clip(strength, 0, 1)
    layer = np.zeros((*side.shape, 4), dtype=np.uint8)
    layer[side > 0, :3], layer[side < 0, :3] = POSITIVE, NEGATIVE
    layer[..., 3] = np.rint(255 * opacity * firm * (side != 0))
    if front:
        layer[_front(side)] = (*CONTOUR, 255)
    return blend(image, layer)


def _front(side: np.ndarray) -> np.ndarray:
    """Return the object pixels that touch a background pixel."""
    front = np.zeros(side.shape, dtype=bool)
    across, down = side[:, 1:] * side[:, :-1] < 0, side[1:] * side[:-1] < 0
    front[:, 1:] |= across
    front[:, :-1] |= across
    front[1:] |= down
    front[:-1] |= down
    return front & (side > 0)


def _heat(values: np.ndarray) -> np.ndarray:
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0, 1)
    return probability_colours((np.clip(values, low, high) - low) / ((high - low) or 1))


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "∞"


def _pixels(image: np.ndarray, title: str, ax: Axes | None) -> Axes:
    height, width = image.shape[:2]
    ax = axes_of(ax, PIXEL * width, PIXEL * height + 0.3)
    ax.imshow(image, interpolation="nearest")
    ax.vlines(np.arange(1, width) - 0.5, -0.5, height - 0.5, color="grey", lw=0.5)
    ax.hlines(np.arange(1, height) - 0.5, -0.5, width - 0.5, color="grey", lw=0.5)
    ax.set(title=title, xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    ax.set_axis_off()
    return ax


def _draw_click(ax: Axes, row: int, col: int, positive: bool) -> None:
    from matplotlib.patches import Circle, Rectangle

    colour = hex_colour(POSITIVE if positive else NEGATIVE)
    look = {"fc": colour, "ec": "white", "lw": 1.5, "zorder": 6}
    shape = Circle((col, row), 0.43, **look)
    if not positive:
        shape = Rectangle((col - 0.4, row - 0.4), 0.8, 0.8, **look)
    ax.add_patch(shape)


def _path(parents: np.ndarray, start: tuple[int, int]) -> list[tuple[int, int]]:
    """Follow the parents from a pixel to a pixel that is its own parent."""
    path = [start]
    for _ in range(parents.size):
        row, col = divmod(int(parents[path[-1]]), parents.shape[1])
        if (row, col) == path[-1]:
            return path
        path.append((row, col))
    raise ValueError("These parents form a cycle and lead to no star centre.")
