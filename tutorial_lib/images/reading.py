"""Read any image, file or array, as an (H, W, 3) uint8 RGB array."""

from __future__ import annotations

from numbers import Integral
from os import PathLike
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tutorial_lib.images import files as photo_files
from tutorial_lib.images import pixels as photo_pixels
from tutorial_lib.images.arrays import MAX_PIXELS, ImageError, array_to_rgb, check_pixel_count

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

__all__ = ["MAX_FILE_PIXELS", "MAX_PIXELS", "ImageError", "ImageLike", "as_rgb", "shrink_photo"]

MAX_FILE_PIXELS = 200_000_000  # the largest sensors of phones

ImageLike: TypeAlias = "np.ndarray | PILImage | str | PathLike[str] | bytes"


def as_rgb(image: ImageLike, *, upright: bool = True, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read anything that holds a picture as an RGB array.

    Parameters
    ----------
    image : array, PIL image, path or bytes
        Grey ``(H, W)`` or ``(H, W, 1)``, RGB ``(H, W, 3)`` or RGBA ``(H, W, 4)`` arrays of
        dtype bool, uint8, uint16, float in [0, 1], or another integer within 0..255; a PIL
        image of any mode; the path of an image file, where ``~`` is your folder; or the bytes of
        such a file. Transparent pixels are laid over white. Arrays of OpenCV have blue first,
        which cannot be detected: pass ``image[..., ::-1]``. Files are PNG, JPEG, WebP, AVIF, BMP,
        GIF, TIFF or PPM. If a file has several pictures, the first is read, with a warning.
        Colour profiles are ignored.
    upright : bool
        True turns camera files by their EXIF orientation. False keeps the pixels as stored.
    max_pixels : int
        Largest accepted number of pixels. Raise it only if there is enough memory.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``, a fresh contiguous copy.

    Raises
    ------
    ImageError
        If the input is empty, not finite, of a wrong shape or type, unreadable, or too large.
    """
    if isinstance(image, np.ndarray):
        return array_to_rgb(image, max_pixels)
    with photo_files.open_picture(image, max_pixels) as picture:
        return array_to_rgb(photo_pixels.decoded(picture, upright), max_pixels)


def shrink_photo(
    image: ImageLike, longest: int, *, upright: bool = True
) -> tuple[np.ndarray, tuple[int, int]]:
    """Read anything that holds a picture as a small RGB array, which is quick to work on.

    It accepts larger photos than :func:`as_rgb`: a JPEG of up to 200 megapixels, which is decoded
    at a fraction of its size, and other files of up to 100 megapixels. Photos of up to 40
    megapixels are read with ``as_rgb`` and averaged over areas.

    Parameters
    ----------
    image : array, PIL image, path or bytes
        As in :func:`as_rgb`.
    longest : int
        Largest length of the longer side, in pixels.
    upright : bool
        As in :func:`as_rgb`.

    Returns
    -------
    image : np.ndarray
        ``(h, w, 3) uint8``.
    size : tuple of int
        ``(H, W)`` of the photo itself, in pixels.

    Raises
    ------
    TypeError, ValueError
        If ``longest`` is not a whole number of at least 1.
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
            check_pixel_count(*picture.size, MAX_FILE_PIXELS // 2)
        photo = array_to_rgb(photo_pixels.decoded(picture, upright), MAX_FILE_PIXELS)
        return _fit(photo, longest), size


def _fit(photo: np.ndarray, longest: int) -> np.ndarray:
    import cv2

    scale = longest / max(photo.shape[:2])
    if scale >= 1:
        return photo
    size = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    return cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
