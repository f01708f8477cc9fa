"""Point at a picture: a click on a photo in it becomes a row and a column of that photo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tutorial_lib.widgets.rasterise import Picture


class PhotoBox(NamedTuple):
    """Where a photo stands in a picture, in the picture's pixels."""

    left: float
    top: float
    width: float
    height: float


def photo_boxes(picture: Picture, height: int, width: int) -> list[PhotoBox]:
    """Return where the photos of a picture stand.

    Parameters
    ----------
    picture : np.ndarray or Figure or Axes
        What was drawn. A figure has as many photos as axes with an image; an array is one photo.
    height, width : int
        Size of the picture in pixels.

    Returns
    -------
    list of PhotoBox
        In the order of the figure's axes.
    """
    figure = getattr(picture, "figure", None)
    if figure is None:
        return [PhotoBox(0, 0, width, height)]
    extents = [axes.images[0].get_window_extent() for axes in figure.axes if axes.images]
    return [PhotoBox(e.xmin, height - e.ymax, e.width, e.height) for e in extents]  # y goes up


def place_in_photo(boxes: Sequence[PhotoBox], x: float, y: float) -> tuple[float, float] | None:
    """Return where a point lies in the photo below it.

    Parameters
    ----------
    boxes : sequence of PhotoBox
        The photos of the picture.
    x, y : float
        The point, in the picture's pixels.

    Returns
    -------
    tuple of float or None
        Row and column as parts of the photo's height and width, from 0 to 1. None beside all
        photos.
    """
    for box in boxes:
        row, column = (y - box.top) / box.height, (x - box.left) / box.width
        if 0 <= row <= 1 and 0 <= column <= 1:
            return row, column
    return None
