"""Open picture files of the types that photos have, and no others."""

from __future__ import annotations

import io
import os
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from tutorial_lib.images.arrays import MAX_PIXELS, ImageError, ImageNotFoundError, check_pixel_count
from tutorial_lib.images.checks import JPEGS, check_scans, check_tiff, fix_transparency, kind_of

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

# Names of Pillow. It reads more types, but an EPS file would start Ghostscript, and an icon may
# hold a picture of any size. HEIF is available once the package pillow-heif is registered.
FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "HEIF", "BMP", "GIF", "TIFF", "PPM")
KINDS = "PNG, JPEG, WebP, AVIF, BMP, GIF, TIFF or PPM"
MAX_FILE_BYTES = 2**31

_PILLOW = Lock()


@contextmanager
def open_picture(
    source: PILImage | str | PathLike[str] | bytes, max_pixels: int = MAX_PIXELS
) -> Iterator[PILImage]:
    """Open a picture of one of the types in :data:`FORMATS`, without decoding it.

    Errors inside the ``with`` block get the name of the file.

    Parameters
    ----------
    source : path, bytes or PIL image
        A file, its contents, or an opened file. ``~`` is the user's folder.
    max_pixels : int
        Largest accepted number of pixels.

    Yields
    ------
    PIL.Image.Image
        Its size is known. Its pixels are decoded on first use.

    Raises
    ------
    ImageNotFoundError
        If there is no such file.
    ImageError
        If it cannot be opened, or cannot be decoded inside the block.
    """
    from PIL import Image

    if isinstance(source, Image.Image):
        with _named("This PIL image"):
            _check_kind(source)
            check_pixel_count(*source.size, max_pixels)
            yield source
    elif isinstance(source, (bytes, bytearray, memoryview)):
        with _picture(io.BytesIO(source), "These bytes", max_pixels) as picture:
            yield picture
    elif isinstance(source, (str, PathLike)):
        path = _path(source)
        with (
            _file(path) as stream,
            _picture(stream, f"The contents of {path}", max_pixels) as picture,
        ):
            yield picture
    else:
        hint = ", which OpenCV returns for a file that it cannot read" if source is None else ""
        raise ImageError(
            "An image is an array, a PIL image, a path or the bytes of an image file, "
            f"not {type(source).__name__}{hint}."
        )


@contextmanager
def _picture(stream: BinaryIO, name: str, max_pixels: int) -> Iterator[PILImage]:
    with _named(name), _identified(stream, name) as picture:
        check_pixel_count(*picture.size, max_pixels)
        _check_file(picture, stream, name)
        yield picture


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Put the name of the picture into the message of an error."""
    try:
        yield
    except ImageError as error:
        text = str(error)
        if text.startswith(name):
            raise
        raise ImageError(f"{name} cannot be used: {text[0].lower()}{text[1:]}") from error
    except Exception as error:  # decoders raise many types, from OSError to SyntaxError
        lines = str(error).splitlines() or [type(error).__name__]
        raise ImageError(
            f"{name} could not be decoded ({lines[0].rstrip('.')}); open it in another program and "
            "save it again."
        ) from error


def _path(source: str | PathLike[str]) -> Path:
    text = os.fsdecode(source)
    if re.match(r"(https?|ftp)://", text):
        raise ImageError(f"The address {text} is not read; download the photo and pass its path.")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ImageError(f"The user's folder in the path {text} is unknown.") from error


@contextmanager
def _file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading, but no pipe or device, which might never end."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ImageError(
                f"The path {path} cannot be read: it is a folder or a device, not a file."
            )
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ImageError(f"The file {path} is larger than 2 GB; save it in a smaller format.")
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise ImageNotFoundError(f"There is no file {path}.") from error
    except OSError as error:
        raise ImageError(f"The file {path} cannot be read: {error.strerror}.") from error
    except ImageError:
        raise
    except ValueError as error:
        raise ImageError(f"{str(path)!r} is not the path of a file: {error}.") from error
    with stream:
        yield stream


def _identified(stream: BinaryIO, name: str) -> PILImage:
    from PIL import Image, UnidentifiedImageError

    Image.init()
    kinds = [kind for kind in FORMATS if kind in Image.OPEN]
    # Pillow's own limit is global, and its error does not name the size. Ours does.
    with _PILLOW:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(stream, formats=kinds)
        except UnidentifiedImageError as error:
            stream.seek(0)
            kind = kind_of(stream.read(64))
            but = f", but {kind}" if kind else ""
            raise ImageError(
                f"{name} hold no picture that can be read{but}; use a {KINDS} file."
            ) from error
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _check_file(picture: PILImage, stream: BinaryIO, name: str) -> None:
    if picture.format in JPEGS:
        check_scans(stream)
    elif picture.format == "TIFF":
        check_tiff(picture)
    elif picture.format == "PNG":
        fix_transparency(picture)
    if picture.format != "MPO" and getattr(picture, "is_animated", False):
        warnings.warn(f"{name} hold several pictures; only the first is read.", stacklevel=2)


def _check_kind(picture: PILImage) -> None:
    """Refuse a picture that Pillow has opened, but must not decode."""
    if picture.format is not None and picture.format not in FORMATS:
        raise ImageError(
            f"A file of type {picture.format} is not read as a photo; use a {KINDS} file, or "
            "pass image.convert('RGB')."
        )
    if picture.format == "TIFF":
        check_tiff(picture)
