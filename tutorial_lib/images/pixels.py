"""Decode an opened picture, and turn it upright by its EXIF orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.images.checks import JPEGS

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

_ORIENTATION = 0x0112
_TURNED = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}
_SIDEWAYS = frozenset({5, 6, 7, 8})


def draft(picture: PILImage, longest: int) -> bool:
    """Make Pillow decode a large JPEG at a fraction of its size, which is fast and saves memory.

    Parameters
    ----------
    picture : PIL.Image.Image
        Opened, not decoded.
    longest : int
        The longer side keeps at least this many pixels.

    Returns
    -------
    bool
        False for all other types of files, for which this is impossible.
    """
    scale = longest / max(picture.size)
    least = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
    return picture.format in JPEGS and picture.draft(None, least) is not None


def size_of(picture: PILImage, upright: bool) -> tuple[int, int]:
    """Return ``(height, width)`` of an opened picture in pixels, upright or as stored.

    Parameters
    ----------
    picture : PIL.Image.Image
        Opened; it need not be decoded.
    upright : bool
        True for the size after turning by the EXIF orientation.

    Returns
    -------
    tuple of int
        Height and width.
    """
    width, height = picture.size
    return (width, height) if upright and orientation(picture) in _SIDEWAYS else (height, width)


def orientation(picture: PILImage) -> int:
    """Return the EXIF orientation of a picture: 1 for upright, 2 to 8 otherwise.

    Parameters
    ----------
    picture : PIL.Image.Image
        Opened.

    Returns
    -------
    int
        1 also if there is no EXIF data, or none that can be read.
    """
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF data must not prevent reading the photo
        return 1
    return value if value in _TURNED else 1


def decoded(picture: PILImage, upright: bool) -> np.ndarray:
    """Decode an opened picture.

    Parameters
    ----------
    picture : PIL.Image.Image
        Opened.
    upright : bool
        Turn it by its EXIF orientation.

    Returns
    -------
    np.ndarray
        Grey ``(H, W)`` of uint16, int32 or float32, RGB ``(H, W, 3) uint8``, or
        RGBA ``(H, W, 4)`` of uint8 or uint16.
    """
    values = _values(picture)
    turn = _TURNED.get(orientation(picture)) if upright else None
    return turn(values) if turn else values


def _values(picture: PILImage) -> np.ndarray:
    # Some releases of Pillow open 16-bit grey in 32-bit mode, and all do for PPM files.
    wide = picture.mode == "I" and picture.format in ("PNG", "PPM")
    if wide or picture.mode.startswith("I;16"):
        return _with_opacity(np.asarray(picture).astype(np.uint16), picture)
    if picture.mode in ("I", "F"):
        return np.asarray(picture)
    if picture.mode == "La":  # Pillow has no other conversion
        picture = picture.convert("LA")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    return np.asarray(picture if picture.mode == mode else picture.convert(mode))


def _with_opacity(grey: np.ndarray, picture: PILImage) -> np.ndarray:
    """Add an alpha channel if one grey value is declared transparent."""
    key = picture.info.get("transparency")
    if not isinstance(key, int):
        return grey
    opacity = np.where(grey == key, 0, 65535).astype(np.uint16)
    return np.dstack([grey, grey, grey, opacity])
