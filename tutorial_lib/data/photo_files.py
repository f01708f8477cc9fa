"""Read photos and lists of names; each error says in one sentence what is wrong."""

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
        An image file.
    upright : bool
        Whether to rotate the photo by its EXIF orientation. By default, the pixels are returned as
        they are stored.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or is not an image.
    """
    return as_rgb(path, upright=upright)


def photo_size(path: Path, *, upright: bool = False) -> tuple[int, int]:
    """Read the size of a photo from its header, without decoding the photo.

    Parameters
    ----------
    path : Path
        An image file.
    upright : bool
        As in :func:`read_photo`.

    Returns
    -------
    tuple of int
        ``(height, width)`` in pixels.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or is not an image.
    """
    with image_files.open_picture(path) as picture:
        return photo_pixels.size_of(picture, upright)


def photo_orientation(path: Path) -> int:
    """Read the EXIF orientation of a photo.

    Parameters
    ----------
    path : Path
        An image file.

    Returns
    -------
    int
        1 for an upright photo or one without EXIF data; 2 to 8 as EXIF defines them.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or is not an image.
    """
    with image_files.open_picture(path) as picture:
        return photo_pixels.orientation(picture)


def read_lines(path: Path) -> list[str]:
    """Read the lines of a list of names, without empty lines.

    Parameters
    ----------
    path : Path
        A text file.

    Returns
    -------
    list of str
        The lines, without spaces at either end.

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(f"There is no list {path}.")
    return [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]


def files_ending(folder: Path, endings: Iterable[str] = PICTURES) -> list[Path]:
    """List the files with certain extensions; hidden files are left out.

    Parameters
    ----------
    folder : Path
        The folder. Folders below it are not searched.
    endings : iterable of str
        The extensions to accept, in lower case.

    Returns
    -------
    list of Path
        Sorted by name.
    """
    endings = set(endings)
    return [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in endings and not path.name.startswith(".")
    ]


def by_stem(
    folder: Path, endings: Iterable[str] = PICTURES, twice: dict[str, str] | None = None
) -> dict[str, Path]:
    """Find files by their names without extension.

    Parameters
    ----------
    folder : Path
        The folder. Folders below it are not searched.
    endings : iterable of str
        The extensions to accept, in lower case.
    twice : dict, optional
        Receives the names that two files share, with a sentence about each one. Such names are not
        in the result. Without ``twice``, they are an error.

    Returns
    -------
    dict of str to Path
        The file of each name, sorted by name.

    Raises
    ------
    ValueError
        If two files differ only in their extensions.
    """
    found: dict[str, list[Path]] = {}
    for path in files_ending(folder, endings):
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
