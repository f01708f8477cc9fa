"""Any picture a learner has at hand becomes one thing: an (H, W, 3) uint8 RGB array."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tutorial_lib import photo_files
from tutorial_lib.photo_arrays import MAX_PIXELS, ImageError, array_to_rgb, check_size

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

__all__ = ["MAX_FILE_PIXELS", "MAX_PIXELS", "ImageError", "ImageLike", "as_rgb", "shrink"]

MAX_FILE_PIXELS = 200_000_000  # the largest sensors of telephones

ImageLike: TypeAlias = "np.ndarray | PILImage | str | PathLike[str] | bytes"


def as_rgb(image: ImageLike, *, upright: bool = True, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Turn anything that holds a picture into an RGB array.

    Parameters
    ----------
    image : array, PIL image, path or bytes
        Grey ``(H, W)`` or ``(H, W, 1)``, RGB ``(H, W, 3)`` or RGBA ``(H, W, 4)`` arrays of
        dtype bool, uint8, uint16, float in [0, 1], or another integer within 0..255; a PIL
        image of any mode; the path of an image file; or the bytes of such a file. Transparent
        pixels are laid over white.
    upright : bool
        Turn camera files as their EXIF note says; without it pixels come as they are stored.
    max_pixels : int
        Most pixels that are accepted: 40 million, unless you know that memory is enough for more.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``, a fresh contiguous copy.

    Raises
    ------
    ImageError
        If the input is empty, not finite, of a wrong rank or type, unreadable, or too large.
    """
    if isinstance(image, np.ndarray):
        return array_to_rgb(image, max_pixels)
    with photo_files.opened(image) as picture:
        check_size(*picture.size, max_pixels)
        return array_to_rgb(photo_files.decoded(picture, upright), max_pixels)


def shrink(
    image: ImageLike, longest: int, *, upright: bool = True
) -> tuple[np.ndarray, tuple[int, int]]:
    """Turn anything that holds a picture into an RGB array of a size that is quick to work on.

    It takes larger photos than :func:`as_rgb`: up to 200 megapixels. A large JPEG is decoded at a
    fraction of its size. A photo of up to 40 megapixels gives the same pixels as
    ``as_rgb`` followed by averaging over areas.

    Parameters
    ----------
    image : array, PIL image, path or bytes
        As in :func:`as_rgb`.
    longest : int
        Most pixels of the longer side.
    upright : bool
        As in :func:`as_rgb`.

    Returns
    -------
    image : np.ndarray
        ``(h, w, 3) uint8``.
    size : tuple of int
        ``(H, W)`` of the photo itself, in pixels; ``(h, w)`` if it is small enough already.

    Raises
    ------
    ImageError
        As in :func:`as_rgb`.
    """
    if isinstance(image, np.ndarray):
        photo = array_to_rgb(image, MAX_FILE_PIXELS)
        return _fit(photo, longest), photo.shape[:2]
    with photo_files.opened(image) as picture:
        check_size(*picture.size, MAX_FILE_PIXELS)
        size = photo_files.size_of(picture, upright)
        if size[0] * size[1] > MAX_PIXELS:
            photo_files.draft(picture, longest)
        photo = array_to_rgb(photo_files.decoded(picture, upright), MAX_FILE_PIXELS)
        return _fit(photo, longest), size


def _fit(photo: np.ndarray, longest: int) -> np.ndarray:
    import cv2

    scale = longest / max(photo.shape[:2])
    if scale >= 1:
        return photo
    size = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
