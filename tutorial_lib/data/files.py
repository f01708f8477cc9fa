"""Read photos, masks and lists, or say in one sentence what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib.images import MAX_PIXELS, as_rgb

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
_ORIENTATION, _SIDEWAYS = 0x0112, frozenset({5, 6, 7, 8})


def read_photo(path: Path, *, upright: bool = False) -> np.ndarray:
    """Read a photo.

    Parameters
    ----------
    path : Path
        A picture file.
    upright : bool
        Turn it as the camera's EXIF note says; without it the pixels come as they are stored.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or holds no picture.
    """
    if upright and path.exists():
        return as_rgb(path)
    with opened(path) as picture:
        return as_rgb(np.asarray(picture.convert("RGB")))


def photo_size(path: Path, *, upright: bool = False) -> tuple[int, int]:
    """Read ``(height, width)`` of a photo from its header, without decoding it.

    Parameters
    ----------
    path : Path
        A picture file.
    upright : bool
        As in :func:`read_photo`.

    Returns
    -------
    tuple of int
        In pixels.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or holds no picture.
    """
    with opened(path) as picture:
        width, height = picture.size
        sideways = upright and picture.getexif().get(_ORIENTATION) in _SIDEWAYS
    return (width, height) if sideways else (height, width)


def photo_orientation(path: Path) -> int:
    """Read the orientation in a photo's EXIF note.

    Parameters
    ----------
    path : Path
        A picture file.

    Returns
    -------
    int
        1 for upright, and where there is no note; 2 to 8 as EXIF defines them.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or holds no picture.
    """
    with opened(path) as picture:
        noted = picture.getexif().get(_ORIENTATION)
    return noted if noted in range(2, 9) else 1


@contextmanager
def opened(path: Path) -> Iterator[PILImage]:
    """Open a picture file of a usual kind, without decoding it.

    Parameters
    ----------
    path : Path
        The file.

    Yields
    ------
    PIL.Image.Image
        Its pixels are decoded when they are asked for.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing, holds no picture, or one of more than 40 megapixels; what goes
        wrong inside the ``with`` block gets the file's name, too.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=_FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise OSError(f"it has {picture.width} x {picture.height} pixels, too many to read")
            yield picture
    except FileNotFoundError as error:
        raise FileNotFoundError(f"There is no file {path}.") from error
    except Exception as error:  # decoders raise anything
        if str(path) in str(error) and isinstance(error, ValueError):
            raise  # it says all there is to say
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ValueError(f"The file {path} holds no readable picture ({reason}).") from error


def read_lines(path: Path) -> list[str]:
    """Read the lines of a list of names, without empty ones.

    Parameters
    ----------
    path : Path
        A text file.

    Returns
    -------
    list of str
        Stripped lines.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no list {path}.")
    return [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]


def by_stem(
    folder: Path, endings: Iterable[str] = PICTURES, twice: dict[str, str] | None = None
) -> dict[str, Path]:
    """Find files by their names without endings.

    Parameters
    ----------
    folder : Path
        Where to look; not in folders below it.
    endings : iterable of str
        The endings to take, in lower case.
    twice : dict, optional
        Where to put the names that two files have, and a sentence about each; without it they are
        an error. Such names are not in the result.

    Returns
    -------
    dict of str to Path
        In the order of the names.

    Raises
    ------
    ValueError
        If two files differ in their endings alone.
    """
    found: dict[str, list[Path]] = {}
    endings = set(endings)
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in endings and not path.name.startswith("."):
            found.setdefault(path.stem, []).append(path)
    for stem, paths in found.items():
        if len(paths) > 1:
            reason = (
                f"The folder {folder} holds both {paths[0].name} and {paths[1].name}; keep one."
            )
            if twice is None:
                raise ValueError(reason)
            twice[stem] = reason
    return {stem: paths[0] for stem, paths in found.items() if len(paths) == 1}
