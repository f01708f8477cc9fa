"""Plots of user studies: means with intervals over people, and how people learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.plots.benchmarks import line_looks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_means(panels: Mapping[str, Mapping[str, tuple[float, float, float]]]) -> Figure:
    """Draw means with their intervals, one panel for each quantity and one row for each method.

    Parameters
    ----------
    panels : mapping of str to mapping of str to tuple of float
        For each quantity, such as ``"clicks"``, the mean and both ends of its interval, by method.

    Returns
    -------
    matplotlib.figure.Figure
        The figure. The first method is on top.

    Raises
    ------
    ValueError
        If there is no panel, or a panel has no method.
    """
    import matplotlib.pyplot as plt

    if not panels or not all(panels.values()):
        raise ValueError("A figure of means needs at least one quantity, and one method in each.")
    height = 1 + 0.4 * max(map(len, panels.values()))
    figure, axes = plt.subplots(
        1, len(panels), figsize=(4.2 * len(panels), height), squeeze=False, layout="constrained"
    )
    for ax, (quantity, means) in zip(axes.flat, panels.items(), strict=True):
        looks = line_looks(means)
        for row, (name, (mean, low, high)) in enumerate(means.items()):
            ax.errorbar(mean, row, xerr=[[mean - low], [high - mean]], capsize=4, **looks[name])
        ax.set_yticks(range(len(means)), list(means))
        ax.set(xlabel=quantity, xlim=(0, None), ylim=(len(means) - 0.5, -0.5))
    return figure


def draw_learning(by_number: Mapping[int, float], by_seen: Mapping[int, float]) -> Figure:
    """Draw how people change during a study: clicks more or fewer than expected.

    Parameters
    ----------
    by_number : mapping of int to float
        Mean number of clicks at each place in the order of work, minus what method and object
        would lead to expect.
    by_seen : mapping of int to float
        The same by how often a person has worked on the object.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels with a common scale. Below 0 is better than expected.

    Raises
    ------
    ValueError
        If one of the mappings is empty.
    """
    import matplotlib.pyplot as plt

    if not (by_number and by_seen):
        raise ValueError("A figure of learning needs at least one trial.")
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 3), sharey=True, width_ratios=(3, 1), layout="constrained"
    )
    numbers, values = np.array(list(by_number)), np.array(list(by_number.values()))
    left.plot(numbers, values, "o", color="#0072b2", markersize=4)
    if len(numbers) > 1:
        line = np.polynomial.Polynomial.fit(numbers, values, 1)
        left.plot(*line.linspace(2), color="#0072b2")
    left.set(xlabel="task, in the order of work", ylabel="clicks beyond the expected")
    right.plot(list(by_seen), list(by_seen.values()), "o-", color="#0072b2")
    right.set(xlabel="time on this object", xticks=list(by_seen))
    for ax in (left, right):
        ax.axhline(0, color="#777777", linewidth=1, linestyle=":")
    return figure
