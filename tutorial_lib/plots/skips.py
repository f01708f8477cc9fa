"""Drawings of an FCN, whose feature maps get coarser and whose scores get finer again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from tutorial_lib.plots.pictures import axes_of
from tutorial_lib.render import probability_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {32: "#444444", 16: "#d55e00", 8: "#0072b2"}  # of each network's part
_COLUMNS = {1: 0.0, 8: 1.9, 16: 3.8, 32: 5.7}  # left edges; all squares have side 1
_BELOW = -1.0  # middle of the row of scores
_FAINT = "#bbbbbb"


def draw_fcn(
    image: np.ndarray,
    stride: int = 8,
    probability: np.ndarray | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the skips of FCN-32s, FCN-16s or FCN-8s over a square photo.

    The upper row shows the resolution of each feature map of the backbone. A cell has the mean
    colour of its pixels. The lower row leads back, from the scores at stride 32 to full resolution.
    FCN-32s is grey, the addition of FCN-16s is orange, and the addition of FCN-8s is blue.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``, where H = W is a multiple of 32.
    stride : int
        32, 16 or 8. The skips of finer networks are drawn faintly.
    probability : np.ndarray, optional
        ``(H, W)`` in [0, 1]: the answer to show at the end.
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
        If the stride is not 32, 16 or 8, or if the photo's sides are not equal multiples of 32.

    References
    ----------
    Long et al., Fully Convolutional Networks for Semantic Segmentation, CVPR 2015, Figure 3.
    """
    if stride not in _COLOURS:
        raise ValueError(f"An FCN has stride 32, 16 or 8, not {stride}.")
    side = image.shape[0]
    if image.shape[1] != side or side % 32:
        raise ValueError(
            f"This drawing needs a square photo whose side is a multiple of 32, not "
            f"{image.shape[0]} x {image.shape[1]} pixels."
        )
    ax = axes_of(ax, 9.4, 4.1)
    _draw_maps(ax, image)
    _draw_scores(ax, stride)
    answer = np.zeros(image.shape[:2]) if probability is None else probability
    _square(ax, probability_colours(answer), 0, _BELOW - 0.5)
    ax.text(0.5, _BELOW - 0.6, "score of every pixel", ha="center", va="top")
    ax.set(title=title, xlim=(-0.1, 7.35), ylim=(_BELOW - 0.85, 1.3), aspect="equal")
    ax.set_axis_off()
    return ax


def _draw_maps(ax: Axes, image: np.ndarray) -> None:
    """Draw the upper row: the photo at the resolution of each feature map."""
    before = None
    for step, left in _COLUMNS.items():
        cells = image.shape[0] // step
        coarse = cv2.resize(image, (cells, cells), interpolation=cv2.INTER_AREA)
        _square(ax, coarse, left, 0)
        ax.text(left + 0.5, 1.06, f"stride {step}" if step > 1 else "photo and clicks", ha="center")
        if before is not None:
            _arrow(ax, (before + 1.06, 0.5), (left - 0.06, 0.5), _COLOURS[32])
        before = left
    ax.text(1.45, 0.58, "backbone", ha="center", color=_COLOURS[32], size=9)


def _draw_scores(ax: Axes, stride: int) -> None:
    """Draw the lower row from right to left, and the skips that enter it from above."""
    middle = {step: left + 0.5 for step, left in _COLUMNS.items()}
    _arrow(ax, (middle[32], -0.06), (middle[32], _BELOW + 0.2), _COLOURS[32])
    ax.text(middle[32] + 0.1, -0.45, "score: 1×1", color=_COLOURS[32], size=10)
    _node(ax, middle[32], "s", _COLOURS[32])
    ends = ((32, 16, "×2"), (16, 8, "×2"), (8, 1, "×8"))
    for begin, end, text in ends:
        stop = 1.06 if end == 1 else middle[end] + 0.22
        start = middle[begin] - 0.22
        _arrow(ax, (start, _BELOW), (stop, _BELOW), _COLOURS[32])
        ax.text((start + stop) / 2, _BELOW + 0.09, text, ha="center", color=_COLOURS[32])
    for step in (16, 8):
        used = stride <= step
        colour = _COLOURS[step] if used else _FAINT
        style = "-" if used else ":"
        _arrow(ax, (middle[step], -0.06), (middle[step], _BELOW + 0.2), colour, ls=style)
        whose = "FCN-16s, 8s" if step == 16 else "FCN-8s"
        ax.text(middle[step] + 0.1, -0.45, f"score: 1×1\n({whose})", color=colour, size=10)
        _node(ax, middle[step], "+" if used else "", colour)


def _square(ax: Axes, picture: np.ndarray, left: float, bottom: float) -> None:
    from matplotlib.patches import Rectangle

    extent = (left, left + 1, bottom, bottom + 1)
    ax.imshow(picture, extent=extent, interpolation="nearest", zorder=1)
    ax.add_patch(Rectangle((left, bottom), 1, 1, fill=False, ec="black", lw=0.8, zorder=2))


def _arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], colour: str, **look: Any
) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.8, "shrinkA": 0, "shrinkB": 0, **look}
    ax.annotate("", end, start, arrowprops=style)


def _node(ax: Axes, x: float, text: str, colour: str) -> None:
    from matplotlib.patches import Circle

    ax.add_patch(Circle((x, _BELOW), 0.2, fc="white", ec=colour, lw=1.8, zorder=3))
    ax.text(x, _BELOW - 0.01, text, ha="center", va="center", size=13, color=colour, zorder=4)
