"""Plots of photos with clicks, masks and probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.render import composite, draw_clicks
from tutorial_lib.segmenter import Segmentation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def style() -> None:
    """Set matplotlib's style for the notebooks: plain, legible, and small files for GitHub."""
    import matplotlib as mpl

    mpl.rcParams.update(
        {
            "figure.dpi": 80,
            "savefig.dpi": 80,
            "figure.facecolor": "white",
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "image.interpolation": "antialiased",
        }
    )


def axes_of(ax: Axes | None, width: float, height: float) -> Axes:
    """Return the given axes, or new axes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        The axes to return.
    width, height : float
        The size of a new figure, in inches.

    Returns
    -------
    matplotlib.axes.Axes
        ``ax``, or the axes of a new figure.
    """
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]


def _axes(ax: Axes | None, shape: tuple[int, ...], width: float = 6.0) -> Axes:
    return axes_of(ax, width, width * shape[0] / shape[1] + 0.4)


def _grey(values: np.ndarray) -> np.ndarray:
    """Scale an ``(H, W)`` array to grey levels, as imshow does: ``(H, W, 3) uint8``."""
    values = values.astype(np.float64)
    span = np.ptp(values) or 1.0
    levels = np.rint(255 * (values - values.min()) / span).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=2)


def show(
    image: np.ndarray, clicks: Clicks | None = None, title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw a photo and the clicks on it.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``, or ``(H, W)`` of any type, which is drawn in grey.
    clicks : Clicks, optional
        Green discs with a plus on the object, red squares with a minus on the background.
    title : str
        The title above the axes.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing.
    """
    ax = _axes(ax, image.shape)
    if image.ndim == 2 and clicks:
        image = _grey(image)
    if image.ndim == 3:
        image = draw_clicks(image, clicks or Clicks())
    ax.imshow(image, cmap="gray")
    ax.set_title(title)
    ax.set_axis_off()
    return ax


def show_answer(
    image: np.ndarray,
    answer: Segmentation | np.ndarray,
    clicks: Clicks | None = None,
    title: str = "",
    view: str = "mask",
    ax: Axes | None = None,
) -> Axes:
    """Draw an answer over its photo, in translucent blue with a crisp contour.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    answer : Segmentation or np.ndarray
        A method's answer, or a mask ``(H, W) bool``.
    clicks : Clicks, optional
        The clicks to draw on top.
    title : str
        The title above the axes.
    view : {"mask", "contour", "cut-out", "probability"}
        What to show. ``"probability"`` needs an answer with a probability.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing.
    """
    mask, probability = answer, None
    if isinstance(answer, Segmentation):
        mask, probability = answer.mask, answer.probability
    return show(composite(image, clicks or Clicks(), mask, probability, view), None, title, ax)


def show_probability(
    probability: np.ndarray,
    clicks: Clicks | None = None,
    title: str = "",
    ax: Axes | None = None,
    colourbar: bool = True,
) -> Axes:
    """Draw a probability map: dark is background, bright is object.

    Parameters
    ----------
    probability : np.ndarray
        ``(H, W)`` in [0, 1].
    clicks : Clicks, optional
        The clicks to draw on top.
    title : str
        The title above the axes.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.
    colourbar : bool
        Whether to draw the scale beside the map.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing.
    """
    from tutorial_lib.render import probability_colours

    ax = show(probability_colours(probability), clicks, title, ax)
    if colourbar:
        import matplotlib as mpl

        scale = mpl.cm.ScalarMappable(mpl.colors.Normalize(0, 1), "cividis")
        ax.figure.colorbar(scale, ax=ax, shrink=0.8, label="probability of object")
    return ax


def grid(
    panels: Mapping[str, np.ndarray] | Sequence[tuple[str, np.ndarray]],
    columns: int = 3,
    width: float = 10.0,
) -> Figure:
    """Draw pictures side by side, each with its title.

    Parameters
    ----------
    panels : mapping or sequence of (str, np.ndarray)
        Titles and pictures, ``(H, W, 3) uint8`` or ``(H, W)``, in reading order.
    columns : int
        The number of panels in a row.
    width : float
        The width of the figure, in inches.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ValueError
        If there is nothing to draw.
    """
    import matplotlib.pyplot as plt

    items = list(panels.items()) if isinstance(panels, Mapping) else list(panels)
    if not items:
        raise ValueError("A grid needs at least one picture.")
    columns = min(columns, len(items))
    rows = -(-len(items) // columns)
    height, breadth = items[0][1].shape[:2]
    size = (width, rows * (width / columns * height / breadth + 0.35))
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, (title, picture) in zip(axes.flat, items, strict=False):
        show(picture, None, title, ax)
    return figure


def picture_table(
    rows: Mapping[str, Mapping[str, np.ndarray]],
    captions: Mapping[str, Mapping[str, str]] | None = None,
    width: float = 10.5,
) -> Figure:
    """Draw pictures as a table: one row for each photo, one column for each method.

    Parameters
    ----------
    rows : mapping of str to mapping of str to np.ndarray
        The name of each row, and its pictures ``(H, W, 3) uint8`` by the name of their column. All
        rows have the same columns in the same order.
    captions : mapping of str to mapping of str to str, optional
        What stands below a picture, by row and column. Other pictures have no caption.
    width : float
        The width of the figure, in inches.

    Returns
    -------
    matplotlib.figure.Figure
        The figure. The names of rows stand on the left, those of columns above the first row.

    Raises
    ------
    ValueError
        If there is no row, or if rows differ in their columns.

    References
    ----------
    Xu et al., CVPR 2016, Figures 5, 6 and 9; Li et al., CVPR 2018, Figures 2 and 4.
    """
    import matplotlib.pyplot as plt

    columns = [*next(iter(rows.values()), {})]
    if not columns or any([*row] != columns for row in rows.values()):
        raise ValueError(
            "A table of pictures needs at least one row, and the same columns in all rows."
        )
    heights = []
    for row in rows.values():
        height, breadth = next(iter(row.values())).shape[:2]
        heights.append(width / len(columns) * height / breadth + (0.2 if captions else 0.03))
    figure, axes = plt.subplots(
        len(rows), len(columns), squeeze=False, layout="constrained",
        height_ratios=heights, figsize=(width, 0.3 + sum(heights)),
    )  # fmt: skip
    for ax, title in zip(axes[0], columns, strict=True):
        ax.set_title(title, size=9)
    for line, (name, row) in zip(axes, rows.items(), strict=True):
        line[0].set_ylabel(name, size=9)
        for ax, (column, picture) in zip(line, row.items(), strict=True):
            ax.imshow(picture)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            ax.set_xlabel((captions or {}).get(name, {}).get(column, ""), size=9, labelpad=1)
    return figure
