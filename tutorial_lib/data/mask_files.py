"""Read mask files: grey, palette, colours or transparency, with 1 to 16 bits or floats."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from tutorial_lib.data import mask_values
from tutorial_lib.data.mask_values import MaskError, Meaning
from tutorial_lib.images import files as photo_files

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

GREY, NUMBERS, VOC = "grey", "numbers", "voc"
VOID = 255
_CURE = "save the object in white on black"
_LOSSY = ("JPEG", "MPO")
_Result = TypeVar("_Result")


class Values(NamedTuple):
    """The values of a mask file, not yet interpreted.

    Parameters
    ----------
    array : np.ndarray
        ``(H, W)``, of any real type.
    kind : str
        ``"grey"`` for brightness or transparency; ``"numbers"`` for entries of a palette whose
        colours have no meaning; ``"voc"`` for the object numbers that PASCAL VOC's colours encode.
    """

    array: np.ndarray
    kind: str


def read_trimap(path: Path, *, upright: bool = False) -> Meaning:
    """Read a mask coded 0 background, 128 ignore, 255 object.

    Parameters
    ----------
    path : Path
        An image file. If it is transparent, its alpha channel is the mask. If it has one object in
        the colours of PASCAL VOC, that is the object, and the void pixels along it are ignored.
    upright : bool
        Whether to rotate the mask by its EXIF orientation, as photos are.

    Returns
    -------
    truth, ignore : np.ndarray
        ``(H, W) bool``; see :func:`tutorial_lib.data.mask_values.trimap`.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, is not an image, or is not a mask. The message names it.
    """

    def meaning(values: Values) -> Meaning:
        return _of_voc(values.array) if values.kind == VOC else mask_values.trimap(values.array)

    return _read(path, meaning, upright)


def read_half(path: Path) -> Meaning:
    """Read a mask whose object is 128 of 255 and brighter.

    Parameters
    ----------
    path : Path
        As for :func:`read_trimap`.

    Returns
    -------
    truth, ignore : np.ndarray
        As :func:`tutorial_lib.data.mask_values.half` returns them.

    Raises
    ------
    FileNotFoundError, ValueError
        As for :func:`read_trimap`.
    """
    return _read(path, lambda values: mask_values.half(values.array))


def read_union(path: Path) -> Meaning:
    """Read a mask whose object is everything except 0.

    Parameters
    ----------
    path : Path
        As for :func:`read_trimap`.

    Returns
    -------
    truth, ignore : np.ndarray
        As :func:`tutorial_lib.data.mask_values.union` returns them.

    Raises
    ------
    FileNotFoundError, ValueError
        As for :func:`read_trimap`.
    """

    def meaning(values: Values) -> Meaning:
        if values.kind == GREY:
            return mask_values.union(values.array)
        return values.array > 0, None

    return _read(path, meaning)


def read_numbers(path: Path) -> np.ndarray:
    """Read a label map: palette entries, grey values, or PASCAL VOC's colours.

    Parameters
    ----------
    path : Path
        An image file in a lossless format.

    Returns
    -------
    np.ndarray
        ``(H, W)``, integers from 0.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, is not an image, or is not a label map. The message names it.
    """
    lossy, values = _opened(path, lambda picture: (picture.format in _LOSSY, _values(picture)))
    array = values.array
    if lossy:
        raise ValueError(
            f"The mask {path} is a JPEG file, in which numbers of objects get mixed up; use PNG."
        )
    if array.dtype.kind == "f" or array.min() < 0 or array.max() > 65535:
        raise ValueError(f"The mask {path} holds no numbers of objects, which are 0 to 65535.")
    if values.kind == GREY and _greyed_voc(array):
        raise ValueError(
            f"The mask {path} holds PASCAL VOC's colours turned to grey, so its numbers are lost; "
            "take the original palette file."
        )
    return array.astype(np.uint8) if array.dtype == bool else array


def describe_mask(path: Path) -> str:
    """Describe the values of a mask file.

    Parameters
    ----------
    path : Path
        An image file.

    Returns
    -------
    str
        A few words, such as ``0, 255``, ``0 to 255, 37 of them`` or ``VOC's colours``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or is not a mask.
    """
    values = _opened(path, _values)
    kinds = {GREY: "", NUMBERS: "palette entries ", VOC: "VOC's numbers "}
    return kinds[values.kind] + mask_values.describe(values.array)


def _read(path: Path, meaning: Callable[[Values], Meaning], upright: bool = False) -> Meaning:
    from PIL import ImageOps

    def work(picture: PILImage) -> Meaning:
        return meaning(_values(ImageOps.exif_transpose(picture) if upright else picture))

    return _opened(path, work)


def _opened(path: Path, work: Callable[[PILImage], _Result]) -> _Result:
    """Open a mask and call ``work`` on it; error messages name the file."""
    with photo_files.open_picture(path) as picture:
        try:
            return work(picture)
        except MaskError as error:
            refusal = error
    raise ValueError(f"The mask {path} {refusal}.") from refusal


def _values(picture: PILImage) -> Values:
    if getattr(picture, "n_frames", 1) > 1:
        raise MaskError(f"holds {picture.n_frames} pictures; save the one that is the mask")
    if picture.has_transparency_data and not picture.mode.startswith("I"):
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
        if alpha.min() != alpha.max():
            return Values(alpha, GREY)
        if not alpha.flat[0]:
            return _hidden(picture)
    if picture.mode in ("P", "PA"):
        return _of_palette(picture)
    if picture.mode in ("1", "L", "F") or picture.mode.startswith("I"):
        return Values(np.asarray(picture), GREY)
    return _of_colours(np.asarray(picture.convert("RGB")))


def _hidden(picture: PILImage) -> Values:
    colours = np.asarray(picture.convert("RGBA"))[..., :3]
    if (colours != colours[0, 0]).any():
        raise MaskError(f"is transparent everywhere, yet has colours; {_CURE}, without alpha")
    return Values(np.zeros(colours.shape[:2], np.uint8), GREY)


def _of_palette(picture: PILImage) -> Values:
    numbers = np.asarray(picture if picture.mode == "P" else picture.getchannel("P"))
    palette = np.zeros((256, 3), np.uint8)
    stored = np.array(picture.getpalette("RGB") or [], np.uint8).reshape(-1, 3)[:256]
    palette[: len(stored)] = stored
    used = np.flatnonzero(np.bincount(numbers.ravel(), minlength=256))
    if (found := _by_colour(numbers, palette, used)) is not None:
        return found
    if len(used) == 2 and np.diff(_brightness(palette[used])) < 0:
        raise MaskError(f"has two colours of which it is not clear which is the object; {_CURE}")
    return Values(numbers, NUMBERS)


def _of_colours(picture: np.ndarray) -> Values:
    """Interpret ``(H, W, 3) uint8``."""
    if np.ptp(picture, axis=2).max() <= 8:  # grey, except for changes by lossy compression
        return Values(np.asarray(picture[..., 1]), GREY)
    codes = picture @ np.array([65536, 256, 1])
    colours, numbers = np.unique(codes, return_inverse=True)
    table = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).astype(np.uint8)
    numbers = numbers.reshape(codes.shape)
    if (found := _by_colour(numbers, table, np.arange(len(table)))) is not None:
        return found
    if len(table) == 2 and not (np.ptp(table, axis=1) == 0).any():
        bright = _brightness(table)
        return Values(numbers == bright.argmax(), GREY)
    many = f"{len(table)} colours" if len(table) > 2 else "two colours"
    raise MaskError(f"has {many} of which it is not clear which is the object; {_CURE}")


def _by_colour(numbers: np.ndarray, table: np.ndarray, used: np.ndarray) -> Values | None:
    """Interpret colours that have a meaning: greys, PASCAL VOC's colours, or one on black."""
    colours = table[used]
    if not np.ptp(colours, axis=1).any():
        return Values(table[:, 0][numbers], GREY)
    known = {tuple(colour): number for number, colour in enumerate(voc_palette().tolist())}
    found = [known.get(tuple(colour)) for colour in colours.tolist()]
    if None not in found:
        lookup = np.zeros(len(table), np.uint8)
        lookup[used] = found
        return Values(lookup[numbers], VOC)
    black = ~colours.any(axis=1)
    if len(used) == 2 and black.any():
        return Values(numbers == used[~black][0], GREY)
    return None


@lru_cache(maxsize=1)
def voc_palette() -> np.ndarray:
    """Return the colours of PASCAL VOC.

    Returns
    -------
    np.ndarray
        ``(256, 3) uint8``: the colour of each number from 0 to 255.
    """
    numbers, palette = np.arange(256), np.zeros((256, 3), np.uint8)
    for bit in range(8):  # bits 0, 3 and 6 of the number are the upper bits of red, and so on
        for channel in range(3):
            palette[:, channel] |= ((numbers >> channel & 1) << 7 - bit).astype(np.uint8)
        numbers >>= 3
    return palette


def _of_voc(numbers: np.ndarray) -> Meaning:
    objects = np.setdiff1d(numbers, [0, VOID])
    if len(objects) > 1:
        raise MaskError(
            f"numbers {len(objects)} things in PASCAL VOC's colours; open it as the dataset voc, "
            "or write one mask for each object"
        )
    void = numbers == VOID
    return (numbers > 0) & ~void, void if void.any() else None


def _greyed_voc(numbers: np.ndarray) -> bool:
    """Return whether grey values are the brightness of PASCAL VOC's colours."""
    grey = _brightness(voc_palette()).tolist()
    present = set(np.unique(numbers).tolist())
    return grey[VOID] in present and VOID not in present and present <= {*grey[:21], grey[VOID]}


def _brightness(colours: np.ndarray) -> np.ndarray:
    """Return the brightness of ``(n, 3) uint8`` as Pillow computes it, ``(n,)`` integers."""
    return (colours @ np.array([19595, 38470, 7471]) + 0x8000) >> 16
