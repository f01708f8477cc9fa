"""Read photos and lists of names; errors say in one sentence what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tutorial_lib.images import as_rgb
from tutorial_lib.images import files as image_files
from tutorial_lib.images import pixels as photo_pixels

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})


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
    with image_files.open_picture(path) as picture:
        return photo_pixels.size_of(picture, upright)


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
    with image_files.open_picture(path) as picture:
        return photo_pixels.orientation(picture)


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
