"""Diagrams of a system: pictures and named steps, connected by arrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.plots.pictures import axes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, PAPER = "#333333", "#eef3f7"
STEP = (0.8, 0.42)  # width and height of a named step; a picture is 1 wide
GAP = 0.04  # between the end of an arrow and its box
MARGIN = 0.1

Content = np.ndarray | None


@dataclass(frozen=True)
class _Box:
    """The place of a box; y increases downwards, like rows."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def right(self) -> float:
        return self.x + self.width / 2

    @property
    def top(self) -> float:
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height / 2


def draw_diagram(
    boxes: Mapping[str, tuple[float, float, Content]],
    arrows: Sequence[tuple[str, str]],
    ax: Axes | None = None,
) -> Axes:
    """Draw pictures and steps, and arrows between them.

    An arrow leaves a box on the right and enters the next box from the left. There is one
    exception: an arrow that skips boxes and leads to another row. It first follows its own row, and
    then enters the box from above or below.

    Parameters
    ----------
    boxes : mapping of str to (float, float, np.ndarray or None)
        For each name, the centre and the content of a box. The centre is x to the right and y
        downwards, in widths of a picture. The content is a picture, ``(H, W, 3) uint8`` or
        ``(H, W)``, with its name above; or None for a step, which is a frame around its name.
    arrows : sequence of (str, str)
        The names of the boxes where each arrow starts and ends.
    ax : matplotlib.axes.Axes, optional
        The axes to draw on. By default, a new figure is made.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the drawing.

    Raises
    ------
    ValueError
        If there is no box, or if an arrow names a box that does not exist.
    """
    if not boxes:
        raise ValueError("A diagram needs at least one box.")
    unknown = [name for arrow in arrows for name in arrow if name not in boxes]
    if unknown:
        raise ValueError(f"There is no box {unknown[0]!r}; the boxes are {', '.join(boxes)}.")
    placed = {name: _placed(*box) for name, box in boxes.items()}
    left = min(box.left for box in placed.values()) - MARGIN
    right = max(box.right for box in placed.values()) + MARGIN
    top = min(box.top for box in placed.values()) - 2.5 * MARGIN  # names are above the boxes
    bottom = max(box.bottom for box in placed.values()) + MARGIN
    ax = axes_of(ax, 1.6 * (right - left), 1.6 * (bottom - top))
    for name, (_, _, content) in boxes.items():
        _draw_box(ax, placed[name], name, content)
    for start, end in arrows:
        _draw_arrow(ax, placed[start], placed[end])
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
    ax.set_axis_off()
    return ax


def _placed(x: float, y: float, content: Content) -> _Box:
    width, height = STEP if content is None else (1.0, content.shape[0] / content.shape[1])
    return _Box(x, y, width, height)


def _draw_box(ax: Axes, box: _Box, name: str, content: Content) -> None:
    if content is None:
        from matplotlib.patches import FancyBboxPatch

        shape = FancyBboxPatch((box.left, box.top), box.width, box.height, fc=PAPER, ec=INK,
                               boxstyle="round,pad=0,rounding_size=0.06")  # fmt: skip
        ax.add_patch(shape)
        ax.text(box.x, box.y, name, ha="center", va="center")
        return
    ax.imshow(content, cmap="gray", extent=(box.left, box.right, box.bottom, box.top))
    ax.text(box.x, box.top - 0.03, name, ha="center", va="bottom")


def _draw_arrow(ax: Axes, start: _Box, end: _Box) -> None:
    style = {"arrowstyle": "-|>", "color": INK, "lw": 1.5, "shrinkA": 0, "shrinkB": 0}
    leave = (start.right + GAP, start.y)
    if start.y == end.y or end.left - start.right < max(start.width, end.width):
        enter = (end.left - GAP, end.y)
    else:
        enter = (end.x, end.top - GAP if start.y < end.y else end.bottom + GAP)
        style["connectionstyle"] = "angle,angleA=0,angleB=90,rad=8"
    ax.annotate("", enter, leave, arrowprops=style)
