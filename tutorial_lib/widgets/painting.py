"""A picture however it was drawn, by NumPy or by matplotlib, as pixels and as PNG."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tutorial_lib.images import as_rgb
from tutorial_lib.render import encode_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Picture: TypeAlias = "np.ndarray | Figure | Axes"


def paint(picture: Picture) -> tuple[np.ndarray, bytes]:
    """Return a picture as an array and as the contents of a PNG file; a figure is closed.

    Parameters
    ----------
    picture : np.ndarray or Figure or Axes
        An array ``(H, W, 3) uint8``, or what matplotlib drew.

    Returns
    -------
    tuple of np.ndarray and bytes
        ``(H, W, 3) uint8``, and the same as PNG.
    """
    figure = getattr(picture, "figure", None)
    if figure is None:
        array = as_rgb(picture)
        return array, encode_png(array)
    stream = io.BytesIO()
    try:
        figure.savefig(stream, format="png", dpi=figure.dpi)
    finally:
        close_figures([figure])
    return as_rgb(stream.getvalue()), stream.getvalue()


def open_figures() -> set[int]:
    """Return the numbers of pyplot's open figures; none if pyplot was never loaded."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot else set()


def close_figures(figures: Iterable[Any]) -> None:
    """Close figures, given themselves or by their numbers, so that no notebook shows them."""
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        for figure in figures:
            pyplot.close(figure)
