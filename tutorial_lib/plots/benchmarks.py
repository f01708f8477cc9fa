"""Plots of simulated users: positions of clicks, IoU curves, and numbers of clicks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.plots.pictures import axes_of, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tutorial_lib.metrics import ClicksToError

# A method looks the same in every figure. Hues are those of Okabe and Ito; each has its own mark.
_LOOKS = {
    "graph-cut": ("#0072b2", "o", "-"),
    "geodesic-matting": ("#e69f00", "D", "-"),
    "random-walker": ("#009e73", "^", "-"),
    "euclidean-star": ("#d55e00", "v", "-"),
    "geodesic-star": ("#cc79a7", "P", "--"),
    "growcut": ("#777777", "X", "-"),
    "grabcut": ("#56b4e9", "s", "--"),
    "dos": ("#000000", "<", "--"),
    "dos-no-graph-cut": ("#000000", ">", ":"),
    "latent-diversity": ("#000000", "*", "-"),
    "latent-diversity-rdl": ("#777777", "*", "-."),
}


def show_depths(
    image: np.ndarray,
    depths: np.ndarray,
    clicks: Clicks | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw where a simulated user may click. Brighter is deeper in the error, or more likely.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``. Shown in dim grey where the map is 0.
    depths : np.ndarray
        ``(H, W)``, at least 0: depths in pixels, or probabilities. The largest is the brightest.
    clicks : Clicks, optional
        The clicks to mark.
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
        If map and image differ in size.
    """
    import matplotlib as mpl

    if depths.shape != image.shape[:2]:
        raise ValueError(f"The map has shape {depths.shape}, the image {image.shape[:2]}.")
    grey = np.repeat(image.mean(axis=2, keepdims=True) * 0.45, 3, axis=2)
    share = depths / (depths.max() or 1)
    colours = 255 * mpl.colormaps["inferno"](0.25 + 0.75 * share)[..., :3]
    painted = np.where(depths[..., None] > 0, colours, grey)
    return show(np.rint(painted).astype(np.uint8), clicks, title, ax)


def line_looks(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Choose colour, mark and dashes for each name. A method looks the same in every figure.

    Parameters
    ----------
    names : iterable of str
        Names of methods, or any other names. Other names get styles that no method in ``names``
        uses.

    Returns
    -------
    dict of str to dict
        Keyword arguments of ``Axes.plot`` by name.
    """
    names = list(names)
    free = [look for name, look in _LOOKS.items() if name not in names]
    others = cycle(free or list(_LOOKS.values()))
    chosen = {name: _LOOKS[name] if name in _LOOKS else next(others) for name in names}
    return {
        name: {"color": colour, "marker": mark, "linestyle": dashes}
        for name, (colour, mark, dashes) in chosen.items()
    }


def draw_curves(
    curves: Mapping[str, Sequence[float] | np.ndarray],
    title: str = "",
    ax: Axes | None = None,
    legend: bool = True,
    error: bool = False,
) -> Axes:
    """Draw IoU over the number of clicks, one line for each name.

    Parameters
    ----------
    curves : mapping of str to sequence of float
        ``(n,)`` IoUs after click 1, 2, ..., such as
        :func:`tutorial_lib.metrics.mean_iou_curve` returns. Their lengths may differ.
    title : str
        The title above the axes.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.
    legend : bool
        Whether to add a legend with the names.
    error : bool
        Whether to draw the Jaccard error, 1 - IoU, as in Figure 3 of Li et al. (Latent Diversity,
        CVPR 2018).

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing.

    Raises
    ------
    ValueError
        If there is no curve, or if a curve has no value.
    """
    if not curves or not all(len(curve) for curve in curves.values()):
        raise ValueError("Curves to draw need at least one name, and one value in each.")
    ax = axes_of(ax, 6, 3.8)
    for name, look in line_looks(curves).items():
        values = 1 - np.asarray(curves[name]) if error else curves[name]
        clicks = range(1, len(values) + 1)
        ax.plot(clicks, values, label=name, markersize=5, linewidth=1.8, **look)
    longest = max(map(len, curves.values()))
    for threshold in (0.85, 0.9):
        height = 1 - threshold if error else threshold
        ax.axhline(height, color="#777777", linewidth=1, linestyle=":", zorder=0)
    label = "Jaccard error" if error else "IoU"
    ax.set(xlabel="clicks", ylabel=label, ylim=(0, 1.02), xlim=(0.5, longest + 0.5), title=title)
    ax.set_xticks([1, *range(5, longest + 1, 5)] if longest > 10 else range(1, longest + 1))
    if legend:
        ax.legend(loc="upper right" if error else "lower right", fontsize="small")
    return ax


def draw_curve_panels(
    panels: Mapping[str, Mapping[str, Sequence[float] | np.ndarray]],
    columns: int = 3,
    error: bool = False,
    width: float = 10.5,
) -> Figure:
    """Draw curves over clicks, one panel for each benchmark, with one legend for all.

    Parameters
    ----------
    panels : mapping of str to mapping of str to sequence of float
        For each benchmark the curves of its methods, as for :func:`draw_curves`. A benchmark
        without curves gets a panel that says so.
    columns : int
        The number of panels in a row.
    error : bool
        Whether to draw the Jaccard error, 1 - IoU, instead of the IoU.
    width : float
        The width of the figure, in inches.

    Returns
    -------
    matplotlib.figure.Figure
        The figure. The legend has a place of its own, after the last panel.

    Raises
    ------
    ValueError
        If there is no panel.

    References
    ----------
    Xu et al., CVPR 2016, Figure 4; Li et al., CVPR 2018, Figure 3.
    """
    import matplotlib.pyplot as plt

    if not panels:
        raise ValueError("A figure of curves needs at least one panel.")
    rows = -(-(len(panels) + 1) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, 3 * rows), squeeze=False, layout="constrained"
    )
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, (title, curves) in zip(axes.flat, panels.items(), strict=False):
        if curves:
            draw_curves(curves, title, ax, legend=False, error=error)
        else:
            ax.set(title=title, xticks=[], yticks=[])
            ax.text(0.5, 0.5, "not measured yet", ha="center", va="center", color="#555555",
                    transform=ax.transAxes)  # fmt: skip
    names = dict.fromkeys(name for curves in panels.values() for name in curves)
    looks = line_looks(names)
    handles = [plt.Line2D([], [], label=name, **looks[name]) for name in names]
    axes.flat[len(panels)].legend(handles=handles, loc="center", frameon=False)
    return figure


def draw_clicks_to_errors(
    found: Mapping[str, Sequence[ClicksToError]], title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw the mean number of clicks that each Jaccard error takes, one line for each method.

    Parameters
    ----------
    found : mapping of str to sequence of ClicksToError
        What :func:`tutorial_lib.metrics.clicks_to_errors` returns, by method.
    title : str
        The title above the axes.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing: clicks to the right, errors upwards, intervals of the clicks as
        horizontal bars. Left is better.

    Raises
    ------
    ValueError
        If there is no method, or no error.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, Figure 6.
    """
    if not found or not all(found.values()):
        raise ValueError("Clicks to errors need at least one method, and one error for each.")
    ax = axes_of(ax, 6, 3.8)
    for name, look in line_looks(found).items():
        clicks, errors, low, high = np.array(
            [(one.clicks, one.error, one.low, one.high) for one in found[name]]
        ).T
        ax.errorbar(clicks, errors, xerr=[clicks - low, high - clicks], label=name, capsize=3,
                    markersize=5, elinewidth=0.8, **look)  # fmt: skip
    ax.set(xlabel="clicks", ylabel="Jaccard error", title=title, xlim=(0, None), ylim=(0, None))
    ax.legend(loc="upper right", fontsize="small")
    return ax


def draw_click_counts(
    counts: Mapping[str, Sequence[int]],
    maximum: int = 20,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the number of clicks as coloured cells: one row per method, one column per object.

    Parameters
    ----------
    counts : mapping of str to sequence of int
        ``(n,)`` numbers of clicks of each method for objects 1 to n, in the same order for all
        methods.
    maximum : int
        The number for an object that never reaches the threshold. It has the darkest cells.
    title : str
        The title above the axes.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing. The objects are sorted; those with the fewest clicks come first.

    Raises
    ------
    ValueError
        If there is no method or no object, or if the methods differ in their number of objects.
    """
    rows = list(counts.values())
    if not rows or not len(rows[0]) or len({len(row) for row in rows}) > 1:
        raise ValueError(
            "Click counts need at least one method, and one object or more, as many in each."
        )
    ax = axes_of(ax, 8, 1.2 + 0.35 * len(rows))
    table = np.array(rows)
    table = table[:, np.argsort(table.mean(axis=0), kind="stable")]
    image = ax.imshow(table, cmap="cividis_r", vmin=1, vmax=maximum, aspect="auto",
                      interpolation="nearest")  # fmt: skip
    ticks = [1, *range(5, maximum + 1, 5)]
    ax.figure.colorbar(image, ax=ax, label="clicks", pad=0.01, ticks=ticks)
    ax.set_yticks(range(len(rows)), list(counts))
    ax.set_xticks([])
    ax.set(title=title, xlabel=f"{table.shape[1]} objects, the easiest on the left")
    return ax
