"""Plots of a training run: loss, running mean, and learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tutorial_lib.plots.pictures import axes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RAW, SMOOTHED, RATE = "#9ecae1", "#0072b2", "#d55e00"
SPAN = 20  # steps in the running mean


def running_mean(values: Iterable[float], span: float = SPAN) -> np.ndarray:
    """Smooth a curve with an exponential mean that is unbiased from the first value on.

    Parameters
    ----------
    values : iterable of float
        One number for each step. NaN means a skipped step; the mean does not change there.
    span : float
        The approximate number of values in the mean, at least 1. With 1, the curve does not
        change.

    Returns
    -------
    np.ndarray
        ``(n,) float64``; NaN before the first number.

    Raises
    ------
    ValueError
        If the span is less than 1.

    Examples
    --------
    >>> running_mean([4, 1], span=2).tolist()
    [4.0, 2.0]
    """
    if not span >= 1:
        raise ValueError(f"A running mean spans at least 1 value, not {span}.")
    keep = 1 - 1 / span
    total = weight = 0.0
    means = []
    for value in values:
        if np.isfinite(value):
            total, weight = keep * total + value, keep * weight + 1
        means.append(total / weight if weight else np.nan)
    return np.array(means)


def draw_loss(
    log: Sequence[Mapping[str, Any]],
    title: str = "",
    steps: int | None = None,
    stage_name: str = "FCN-{}s",
    span: float = SPAN,
    ax: Axes | None = None,
) -> Axes:
    """Draw a training run, with a pale raw loss, a dark running mean and a dashed learning rate.

    Parameters
    ----------
    log : sequence of mappings
        Entries with ``step``, ``loss`` (None or NaN if there is none), ``lr`` and ``stage``, such
        as those that :func:`tutorial_lib.training.checkpoints.read_training_log` returns.
    title : str
        The title above the axes.
    steps : int, optional
        The end of the step axis, such as the length of the whole run. By default, the last step of
        the log.
    stage_name : str
        The label at the beginning of a stage; ``{}`` is the number of the stage. A run with one
        stage has no such labels.
    span : float
        The number of log entries in the running mean; see :func:`running_mean`.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes of the loss. The axes of the learning rate share its step axis.

    Raises
    ------
    ValueError
        If the log is empty.
    """
    if not log:
        raise ValueError("There is no step to draw yet: train first.")
    ax = axes_of(ax, 7.2, 2.9)
    at = [line["step"] for line in log]
    loss = np.array([line["loss"] for line in log], dtype=float)  # None becomes NaN
    rates = ax.twinx()
    rates.plot(at, [line["lr"] for line in log], "--", color=RATE, lw=1.2)
    ax.plot(at, loss, color=RAW, lw=1)
    ax.plot(at, running_mean(loss, span), color=SMOOTHED, lw=2)
    ax.set(xlim=(0, max(steps or 0, at[-1])), ylim=(0, None), title=title)
    ax.set_xlabel("step (pale: its loss, dark: running mean, dashed: learning rate)")
    ax.set_ylabel("loss", color=SMOOTHED)
    rates.set_ylim(0, None)
    rates.set_ylabel("learning rate", color=RATE)
    rates.spines["right"].set_visible(True)
    rates.ticklabel_format(axis="y", style="sci", scilimits=(0, 0), useMathText=True)
    _mark_stages(ax, log, stage_name)
    return ax


def _mark_stages(ax: Axes, log: Sequence[Mapping[str, Any]], name: str) -> None:
    """Draw a line at the beginning of each stage, with the name of the stage at the bottom."""
    starts = [b for a, b in pairwise(log) if a["stage"] != b["stage"]]
    for line in [log[0], *starts] if starts else []:
        if line is not log[0]:
            ax.axvline(line["step"], color="grey", lw=1, ls=":")
        text = name.format(line["stage"])
        place = (line["step"], 0.03)
        ax.annotate(
            text, place, (4, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
            color="dimgrey", fontsize=9,
        )  # fmt: skip
