"""Open picture files of the kinds that photos come in, and nothing else."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from tutorial_lib.photo_arrays import ImageError, ImageNotFoundError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

# Pillow's names. Pillow reads more, but an EPS file would start Ghostscript, and an icon may hold a
# picture of any size. HEIF is there once the package pillow-heif has registered itself.
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "HEIF", "BMP", "GIF", "TIFF", "PPM")
KINDS = "PNG, JPEG, WebP, AVIF, BMP, GIF, TIFF or PPM"

_PILLOW = Lock()
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
_REDUCED = ("JPEG", "MPO")  # Pillow decodes these at 1/2, 1/4 or 1/8 of their size


@contextmanager
def opened(source: PILImage | str | PathLike[str] | bytes) -> Iterator[PILImage]:
    """Open a picture of one of the kinds in :data:`FORMATS`, without decoding it.

    What goes wrong inside the ``with`` block gets the name of the file.

    Parameters
    ----------
    source : path, bytes or PIL image
        A file, its contents, or what Pillow made of it. ``~`` is the user's folder.

    Yields
    ------
    PIL.Image.Image
        Its size is known; its pixels are decoded when they are asked for.

    Raises
    ------
    ImageNotFoundError
        If there is no such file.
    ImageError
        If it cannot be opened or, inside the block, not be decoded.
    """
    from PIL import Image

    if isinstance(source, Image.Image):
        with _named("This PIL image"):
            _check_kind(source)
            yield source
    elif isinstance(source, (bytes, bytearray, memoryview)):
        with _named("These bytes"), _identified(io.BytesIO(source), "These bytes") as picture:
            yield picture
    elif isinstance(source, (str, PathLike)):
        path = _path(source)
        name = f"The contents of {path}"
        with _file(path) as stream, _named(name), _identified(stream, name) as picture:
            yield picture
    else:
        raise ImageError(
            "An image is an array, a PIL image, a path or the bytes of an image file, "
            f"not {type(source).__name__}."
        )


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Say of which picture an error speaks."""
    try:
        yield
    except ImageError as error:
        text = str(error)
        if text.startswith(name):
            raise
        raise ImageError(f"{name} cannot be used: {text[0].lower()}{text[1:]}") from error
    except Exception as error:  # decoders raise anything from OSError to SyntaxError
        lines = str(error).splitlines() or [type(error).__name__]
        raise ImageError(f"{name} could not be decoded: {lines[0].rstrip('.')}.") from error


def _path(source: str | PathLike[str]) -> Path:
    text = os.fsdecode(source)
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ImageError(f"The user's folder in the path {text} is not known.") from error


@contextmanager
def _file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading; a pipe or a device might never end."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ImageError(
                f"The path {path} cannot be read: it is a folder or a device, no file."
            )
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"There is no file {path}.") from error
    except OSError as error:
        raise ImageError(f"The file {path} cannot be read: {error.strerror}.") from error
    except ImageError:
        raise
    except ValueError as error:
        raise ImageError(f"{str(path)!r} is no path of a file: {error}.") from error
    with stream:
        yield stream


def _identified(stream: BinaryIO, name: str) -> PILImage:
    from PIL import Image, UnidentifiedImageError

    Image.init()
    kinds = [kind for kind in FORMATS if kind in Image.OPEN]
    # Pillow's own limit on size is global, and its error does not tell the size; ours does.
    with _PILLOW:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            picture = Image.open(stream, formats=kinds)
        except UnidentifiedImageError as error:
            raise ImageError(
                f"{name} hold no picture that can be read; use a {KINDS} file."
            ) from error
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    return picture


def _check_kind(picture: PILImage) -> None:
    """Refuse a picture that Pillow opened lazily, and that its decoder must not touch."""
    if picture.format is not None and picture.format not in FORMATS:
        raise ImageError(
            f"A file of the kind {picture.format} is not read as a photo; use a {KINDS} file, or "
            "pass image.convert('RGB')."
        )


def draft(picture: PILImage, longest: int) -> None:
    """Let a large JPEG be decoded at a fraction of its size, which is quick and needs no memory.

    Parameters
    ----------
    picture : PIL.Image.Image
        Opened and not decoded; other kinds stay as they are.
    longest : int
        Its longer side keeps at least so many pixels.
    """
    if picture.format in _REDUCED:
        scale = longest / max(picture.size)
        picture.draft(
            None, (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
        )


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
        RGBA ``(H, W, 4) uint8``.
    """
    values = _values(picture)
    turn = _TURNED.get(orientation(picture)) if upright else None
    return turn(values) if turn else values


def _values(picture: PILImage) -> np.ndarray:
    # Older releases of Pillow give 16 bits of grey the mode of 32.
    if picture.mode.startswith("I;16") or (picture.mode, picture.format) == ("I", "PNG"):
        return np.asarray(picture).astype(np.uint16)
    if picture.mode in ("I", "F"):
        return np.asarray(picture)
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    return np.asarray(picture if picture.mode == mode else picture.convert(mode))
