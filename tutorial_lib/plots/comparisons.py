"""Plots of our numbers beside the papers' numbers, with one row per method or one line over M."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.plots.benchmarks import line_looks
from tutorial_lib.plots.pictures import axes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PAPER_MARKS = ("^", "s", "D", "v")


def draw_published(
    ours: Mapping[str, tuple[float, float, float]],
    published: Mapping[str, Mapping[str, float]],
    maximum: int = 20,
    title: str = "",
    ax: Axes | None = None,
    legend: bool = True,
) -> Axes:
    """Draw our numbers of clicks with intervals, and the papers' numbers, one row per method.

    Parameters
    ----------
    ours : mapping of str to (float, float, float)
        The mean and both ends of its interval for each method. The first method is at the top.
    published : mapping of str to mapping of str to float
        For each paper, the means that it reports, by method. Other methods have no mark.
    maximum : int
        The right end of the scale: the number for an object that never reaches the threshold.
    title : str
        The title above the axes.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.
    legend : bool
        Whether to explain the marks below the axes.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing.

    Raises
    ------
    ValueError
        If there is no method.
    """
    ax = draw_rows(ours, published, "clicks", title, ax, legend)
    ax.set(xlim=(0, maximum + 0.5))
    ax.set_xticks(range(0, maximum + 1, 5))
    return ax


def draw_rows(
    ours: Mapping[str, float | tuple[float, float, float]],
    published: Mapping[str, Mapping[str, float]],
    xlabel: str,
    title: str = "",
    ax: Axes | None = None,
    legend: bool = True,
    log: bool = False,
    line: float | None = None,
) -> Axes:
    """Draw our numbers beside the papers' numbers, one row per name.

    Parameters
    ----------
    ours : mapping of str to float or (float, float, float)
        A number for each name, or a number and both ends of its interval. The first name is at the
        top. NaN draws no mark of ours.
    published : mapping of str to mapping of str to float
        For each paper, the numbers that it reports, by name. Other names have no mark.
    xlabel : str
        The label of the axis of numbers.
    title : str
        The title above the axes.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.
    legend : bool
        Whether to explain the marks below the axes.
    log : bool
        Whether the scale is logarithmic.
    line : float, optional
        The position of a vertical line to compare with.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing.

    Raises
    ------
    ValueError
        If there is no name.
    """
    if not ours:
        raise ValueError("A comparison needs at least one number of ours.")
    ax = axes_of(ax, 6, 1.4 + 0.45 * len(ours))
    rows = {name: row for row, name in enumerate(ours)}
    mean, low, high = np.array([np.broadcast_to(value, 3) for value in ours.values()]).T
    bars = [mean - low, high - mean]
    ax.errorbar(mean, list(rows.values()), xerr=bars, fmt="o", color="black", capsize=4,
                label="ours", zorder=3)  # fmt: skip
    for mark, (paper, values) in zip(cycle(_PAPER_MARKS), published.items(), strict=False):
        places = [(values[name], row) for name, row in rows.items() if name in values]
        ax.plot(*np.reshape(places, (-1, 2)).T, mark, mfc="none", mew=1.8, ms=9, label=paper)
    if log:
        ax.set_xscale("log")
    else:
        ax.locator_params(axis="x", nbins=6)  # labels of small numbers are long
    if line is not None:
        ax.axvline(line, color="#777777", linewidth=1.2, zorder=0)
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel=xlabel, title=title)
    ax.set_yticks(list(rows.values()), list(rows))
    ax.grid(axis="x", color="#dddddd")
    if legend:
        ax.legend(loc="upper left", bbox_to_anchor=(0, -0.2), ncols=3, fontsize="small")
    return ax


def draw_heads(
    ours: Mapping[str, Mapping[int, float]],
    title: str = "",
    ylabel: str = "clicks",
    ax: Axes | None = None,
    published: Mapping[str, Mapping[int, float]] | None = None,
) -> Axes:
    """Draw a number over M, the number of candidates, with one line for each name.

    Parameters
    ----------
    ours : mapping of str to mapping of int to float
        For each name, a number for each measured M.
    title : str
        The title above the axes.
    ylabel : str
        The label of the axis of numbers.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.
    published : mapping of str to mapping of int to float, optional
        For each paper, the numbers that it prints. They are drawn as marks without a line, because
        nothing is known between them.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing.

    Raises
    ------
    ValueError
        If there is no line, or if a line has no number.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, Figure 5.
    """
    if not ours or not all(ours.values()):
        raise ValueError("Lines over M need at least one name, and one number in each.")
    ax = axes_of(ax, 4.6, 3.2)
    for name, look in line_looks(ours).items():
        heads = sorted(ours[name])
        ax.plot(heads, [ours[name][m] for m in heads], label=name, linewidth=1.8, **look)
    for mark, (paper, values) in zip(cycle(_PAPER_MARKS), (published or {}).items(), strict=False):
        ax.plot(*zip(*values.items(), strict=True), mark, color="black", mfc="none", mew=1.8, ms=9,
                label=paper)  # fmt: skip
    ax.set_xticks(sorted({m for line in ours.values() for m in line}))
    ax.set(xlabel="M", ylabel=ylabel, title=title)
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.22), ncols=2, fontsize="small")
    return ax
