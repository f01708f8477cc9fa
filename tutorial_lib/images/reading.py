"""Any picture a learner has at hand becomes one thing: an (H, W, 3) uint8 RGB array."""

from __future__ import annotations

from numbers import Integral
from os import PathLike
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tutorial_lib.images import files as photo_files
from tutorial_lib.images import pixels as photo_pixels
from tutorial_lib.images.arrays import MAX_PIXELS, ImageError, array_to_rgb, check_size

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

__all__ = ["MAX_FILE_PIXELS", "MAX_PIXELS", "ImageError", "ImageLike", "as_rgb", "shrink_photo"]

MAX_FILE_PIXELS = 200_000_000  # the largest sensors of telephones

ImageLike: TypeAlias = "np.ndarray | PILImage | str | PathLike[str] | bytes"


def as_rgb(image: ImageLike, *, upright: bool = True, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Turn anything that holds a picture into an RGB array.

    Parameters
    ----------
    image : array, PIL image, path or bytes
        Grey ``(H, W)`` or ``(H, W, 1)``, RGB ``(H, W, 3)`` or RGBA ``(H, W, 4)`` arrays of
        dtype bool, uint8, uint16, float in [0, 1], or another integer within 0..255; a PIL
        image of any mode; the path of an image file, where ``~`` is your folder; or the bytes of
        such a file. Transparent pixels are laid over white. OpenCV's arrays have blue first, which
        no number tells: pass ``image[..., ::-1]``. Files are PNG, JPEG, WebP, AVIF, BMP, GIF,
        TIFF or PPM. Of several pictures in a file the first is read, with a warning; colour
        profiles are ignored.
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
    with photo_files.open_picture(image, max_pixels) as picture:
        return array_to_rgb(photo_pixels.decoded(picture, upright), max_pixels)


def shrink_photo(
    image: ImageLike, longest: int, *, upright: bool = True
) -> tuple[np.ndarray, tuple[int, int]]:
    """Turn anything that holds a picture into an RGB array of a size that is quick to work on.

    It takes larger photos than :func:`as_rgb`: a JPEG of up to 200 megapixels, which is decoded at
    a fraction of its size, and other files of up to 100. Photos of up to 40 megapixels are read as
    ``as_rgb`` reads them, and averaged over areas.

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
    TypeError, ValueError
        If ``longest`` is no whole number of at least 1.
    ImageError
        As in :func:`as_rgb`.
    """
    if isinstance(longest, bool) or not isinstance(longest, Integral):
        raise TypeError(f"The longer side is a whole number of pixels, not {longest!r}.")
    if longest < 1:
        raise ValueError(f"The longer side has at least 1 pixel, not {longest}.")
    if isinstance(image, np.ndarray):
        photo = array_to_rgb(image, MAX_FILE_PIXELS)
        return _fit(photo, longest), photo.shape[:2]
    with photo_files.open_picture(image, MAX_FILE_PIXELS) as picture:
        size = photo_pixels.size_of(picture, upright)
        if size[0] * size[1] > MAX_PIXELS and not photo_pixels.draft(picture, longest):
            check_size(*picture.size, MAX_FILE_PIXELS // 2)
        photo = array_to_rgb(photo_pixels.decoded(picture, upright), MAX_FILE_PIXELS)
        return _fit(photo, longest), size


def _fit(photo: np.ndarray, longest: int) -> np.ndarray:
    import cv2

    scale = longest / max(photo.shape[:2])
    if scale >= 1:
        return photo
    size = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
