"""Turn any picture, of NumPy or of matplotlib, into pixels and a PNG file."""

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


def rasterise(picture: Picture) -> tuple[np.ndarray, bytes]:
    """Return a picture as an array and as a PNG file. A figure is closed.

    Parameters
    ----------
    picture : np.ndarray or Figure or Axes
        An array ``(H, W, 3) uint8``, or a figure of matplotlib.

    Returns
    -------
    pixels : np.ndarray
        ``(H, W, 3) uint8``.
    png : bytes
        The contents of a PNG file.
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
    """Return the numbers of the open figures of pyplot; an empty set if pyplot is not loaded."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    return set(pyplot.get_fignums()) if pyplot else set()


def close_figures(figures: Iterable[Any]) -> None:
    """Close figures, given as objects or numbers, so that no notebook shows them again."""
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        for figure in figures:
            pyplot.close(figure)
