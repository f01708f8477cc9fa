"""The pixels of an opened picture, turned as its camera says."""

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
    """Let a large JPEG be decoded at a fraction of its size, which is quick and needs no memory.

    Parameters
    ----------
    picture : PIL.Image.Image
        Opened and not decoded.
    longest : int
        Its longer side keeps at least so many pixels.

    Returns
    -------
    bool
        False if this is impossible, as it is for all other kinds of files.
    """
    scale = longest / max(picture.size)
    least = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
    return picture.format in JPEGS and picture.draft(None, least) is not None


def size_of(picture: PILImage, upright: bool) -> tuple[int, int]:
    """Return ``(height, width)`` of an opened picture, turned as its camera says or as stored.

    Parameters
    ----------
    picture : PIL.Image.Image
        Opened; it need not be decoded.
    upright : bool
        Whether it is to be turned.

    Returns
    -------
    tuple of int
        In pixels.
    """
    width, height = picture.size
    return (width, height) if upright and orientation(picture) in _SIDEWAYS else (height, width)


def orientation(picture: PILImage) -> int:
    """Return the camera's note of how it was held: 1 for upright, 2 to 8 for anything else.

    Parameters
    ----------
    picture : PIL.Image.Image
        Opened.

    Returns
    -------
    int
        As EXIF numbers them; 1 where there is no note, or none that can be read.
    """
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged note must not stand in the way of the photo
        return 1
    return value if value in _TURNED else 1


def decoded(picture: PILImage, upright: bool) -> np.ndarray:
    """Decode an opened picture.

    Parameters
    ----------
    picture : PIL.Image.Image
        Opened.
    upright : bool
        Turn it as its camera says.

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
    # Grey of 16 bits has the mode of 32 in some releases of Pillow, and in PPM files.
    wide = picture.mode == "I" and picture.format in ("PNG", "PPM")
    if wide or picture.mode.startswith("I;16"):
        return _with_opacity(np.asarray(picture).astype(np.uint16), picture)
    if picture.mode in ("I", "F"):
        return np.asarray(picture)
    if picture.mode == "La":  # Pillow goes no other way
        picture = picture.convert("LA")
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    return np.asarray(picture if picture.mode == mode else picture.convert(mode))


def _with_opacity(grey: np.ndarray, picture: PILImage) -> np.ndarray:
    """Add the fourth channel, if one grey is declared transparent."""
    key = picture.info.get("transparency")
    if not isinstance(key, int):
        return grey
    opacity = np.where(grey == key, 0, 65535).astype(np.uint16)
    return np.dstack([grey, grey, grey, opacity])
