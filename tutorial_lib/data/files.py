"""Read photos, masks and lists, or say in one sentence what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tutorial_lib import photo_files, photo_pixels
from tutorial_lib.images import as_rgb

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp"})


def read_photo(path: Path, *, upright: bool = False) -> np.ndarray:
    """Read a photo as :func:`tutorial_lib.images.as_rgb` does.

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
    return as_rgb(path, upright=upright)


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
    with photo_files.opened(path) as picture:
        return photo_pixels.size_of(picture, upright)


def read_grey(path: Path) -> np.ndarray:
    """Read a mask whose brightness is its meaning.

    Parameters
    ----------
    path : Path
        A picture file of any mode; white is 255, also in one-bit files.

    Returns
    -------
    np.ndarray
        ``(H, W) uint8``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or holds no picture.
    """
    with _opened(path) as picture:
        if picture.mode.startswith("I"):
            return as_rgb(np.asarray(picture).astype(np.uint16))[..., 0]
        return np.asarray(picture.convert("L"))


def read_indices(path: Path) -> np.ndarray:
    """Read a mask whose numbers are its meaning: palette entries, or grey values.

    Parameters
    ----------
    path : Path
        A picture file with a palette or one channel; of several channels the largest counts.

    Returns
    -------
    np.ndarray
        ``(H, W) uint8``, or larger integers where the file has them.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or holds no picture.
    """
    with _opened(path) as picture:
        numbers = np.asarray(picture)
        if numbers.ndim == 3:
            numbers = np.asarray(picture.convert("RGB")).max(axis=2)
    return numbers.astype(np.uint8) if numbers.dtype == bool else numbers


@contextmanager
def _opened(path: Path) -> Iterator[PILImage]:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            yield picture
    except FileNotFoundError as error:
        raise FileNotFoundError(f"There is no file {path}.") from error
    except (OSError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        reason = str(error).rstrip(".")
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


def by_stem(folder: Path, endings: Iterable[str] = PICTURES) -> dict[str, Path]:
    """Find files by their names without endings.

    Parameters
    ----------
    folder : Path
        Where to look; not in folders below it.
    endings : iterable of str
        The endings to take, in lower case.

    Returns
    -------
    dict of str to Path
        In the order of the names.

    Raises
    ------
    ValueError
        If two files differ in their endings alone.
    """
    found: dict[str, Path] = {}
    endings = set(endings)
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in endings and not path.name.startswith("."):
            if path.stem in found:
                pair = f"{found[path.stem].name} and {path.name}"
                raise ValueError(f"The folder {folder} holds both {pair}; keep one.")
            found[path.stem] = path
    return found
