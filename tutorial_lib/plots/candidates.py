"""Plots of several candidates for the same clicks, and of their disagreement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib import metrics, render
from tutorial_lib.clicks import Clicks
from tutorial_lib.plots.pictures import grid
from tutorial_lib.segmenter import Segmentation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COLUMNS = 4


def draw_candidates(
    image: np.ndarray,
    segmentation: Segmentation,
    clicks: Clicks | None = None,
    disagreement: bool = False,
    view: str = "mask",
    columns: int | None = None,
    width: float = 10.0,
) -> Figure:
    """Draw all candidates of an answer over the photo, each with its score.

    The candidate with the highest score has a blue frame. If the user prefers another candidate,
    that one has a purple frame, and the blue frame is dashed.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    segmentation : Segmentation
        An answer with candidates.
    clicks : Clicks, optional
        The clicks to draw on top.
    disagreement : bool
        Whether to add a map of :func:`tutorial_lib.metrics.disagreement`, with the contour of the
        selected candidate.
    view : {"mask", "contour", "cut-out", "probability"}
        How to show the candidates.
    columns : int, optional
        The number of panels in a row. By default, rows have similar lengths, with at most four
        panels.
    width : float
        The width of the figure, in inches.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    ValueError
        If the answer has no candidates.
    """
    if segmentation.candidates is None or not len(segmentation.candidates):
        raise ValueError("This answer has no candidates to draw; its method gives a single mask.")
    line = max(2, round(max(image.shape[:2]) / 160))  # a line stays visible in a small panel
    colour = render.mask_colour(image, segmentation.mask)
    panels = {
        f"candidate {number}: {render.score_text(score)}": render.layer(
            segmentation.candidates[number] >= 0.5,
            segmentation.candidates[number],
            view,
            width=line,
            colour=colour,
        )
        for number, score in enumerate(segmentation.scores)
    }
    if disagreement:
        share = metrics.disagreement(segmentation.candidates)
        panels["where they differ"] = render.disagreement_layer(share, segmentation.mask, 1, line)
    columns = columns or _columns(len(panels))
    figure = grid(_painted(image, panels, clicks or Clicks(), columns), columns, width)
    _frame(figure.axes, segmentation)
    if disagreement:
        _add_scale(figure.axes[len(panels) - 1])
    return figure


def _painted(
    image: np.ndarray, layers: dict[str, np.ndarray], clicks: Clicks, columns: int
) -> dict[str, np.ndarray]:
    """Blend each layer with the photo, and scale the clicks to the size of the panel."""
    radius = max(7, round(max(image.shape[:2]) * columns / 140))
    return {
        title: render.draw_clicks(render.blend(image, layer), clicks, radius)
        for title, layer in layers.items()
    }


def _columns(panels: int) -> int:
    rows = -(-panels // MOST_COLUMNS)
    return -(-panels // rows)


def _frame(axes: list[Axes], segmentation: Segmentation) -> None:
    best, selected = int(segmentation.scores.argmax()), segmentation.selected
    _outline(axes[best], render.SELECTED, "-" if selected == best else "--")
    if selected != best:
        _outline(axes[selected], render.PREFERRED, "-")


def _outline(ax: Axes, colour: tuple[int, int, int], dashes: str) -> None:
    from matplotlib.patches import Rectangle

    frame = Rectangle((0, 0), 1, 1, fill=False, linewidth=5, linestyle=dashes, clip_on=False)
    frame.set(edgecolor=render.hex_colour(colour), transform=ax.transAxes)
    ax.add_patch(frame)


def _add_scale(ax: Axes) -> None:
    """Draw the colour scale inside the map, so that all columns have the same width."""
    from matplotlib.patches import Rectangle

    back = Rectangle((0, 0), 1, 0.17, facecolor=(0, 0, 0, 0.7), transform=ax.transAxes)
    ax.add_patch(back)
    colours = np.linspace(0, 1, 128)[None]
    bar = ax.inset_axes((0.34, 0.06, 0.32, 0.05))
    bar.imshow(render.disagreement_colours(colours), aspect="auto")
    bar.set_axis_off()
    for x, side, text in ((0.32, "right", "agree"), (0.68, "left", "differ")):
        ax.text(x, 0.085, text, color="white", ha=side, va="center", transform=ax.transAxes)
