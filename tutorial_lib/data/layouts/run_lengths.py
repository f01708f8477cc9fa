"""COCO's masks as run lengths of a few hundred bytes each, from any of its three encodings.

pycocotools is compiled code that does not check its input. A NaN or a corner far outside the photo
crashes the process. Run lengths that end too early leave memory uninitialised. So this module
checks everything first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools import mask as rle

from tutorial_lib.images.reading import MAX_PIXELS

Size = tuple[int, int]

_LONGEST_OUTLINE = 4_000_000  # pixels; the compiled code needs about 40 bytes for each


def check_mask_size(height: Any, width: Any) -> Size:
    """Check the photo size in an annotation file.

    Parameters
    ----------
    height, width : object
        The values in the file.

    Returns
    -------
    tuple of int
        ``(H, W)``.

    Raises
    ------
    ValueError
        If a value is not a whole number of pixels, or if the photo is too large.
    """
    size = tuple(_whole(side) for side in (height, width))
    if None in size or min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
        raise ValueError(f"a height of {_short(height)} and a width of {_short(width)} is no size")
    return size


def run_lengths(shape: Any, size: Size) -> list[dict]:
    """Encode a mask that is given in any of COCO's three encodings.

    Parameters
    ----------
    shape : list or dict
        Polygons ``[[x1, y1, x2, y2, ...], ...]``; or ``{"size": [H, W], "counts": ...}`` with run
        lengths down the columns, as a list (uncompressed) or a string (compressed). Background at
        the end of the run lengths may be omitted.
    size : tuple of int
        ``(H, W)``.

    Returns
    -------
    list of dict
        The parts of the mask; :func:`merge` joins them. A polygon with fewer than three corners
        has no part.

    Raises
    ------
    ValueError
        If the shape has none of these encodings, has another size, or has invalid numbers. The
        message continues "The annotation N of FILE".
    """
    if isinstance(shape, dict):
        return [rle.frPyObjects({"size": list(size), "counts": _runs(shape, size)}, *size)]
    if not isinstance(shape, list):
        raise ValueError(f"is neither polygons nor run lengths, but {_short(shape)}")
    polygons = [_polygon(corners, size) for corners in shape]
    if sum(map(_outline, polygons)) > _LONGEST_OUTLINE:
        raise ValueError("has polygons with an outline of millions of pixels")
    polygons = [corners for corners in polygons if len(corners) >= 6]
    return rle.frPyObjects(polygons, *size) if polygons else []


def merge(parts: Sequence[dict], size: Size) -> bytes:
    """Return the compressed run lengths of the union of all parts.

    Parameters
    ----------
    parts : sequence of dict
        From :func:`run_lengths`.
    size : tuple of int
        ``(H, W)``.

    Returns
    -------
    bytes
        The compressed run lengths.
    """
    if not parts:
        return rle.encode(np.zeros(size, np.uint8, order="F"))["counts"]
    return rle.merge(list(parts))["counts"]


def area(size: Size, counts: bytes) -> int:
    """Return the number of pixels of a mask.

    Parameters
    ----------
    size : tuple of int
        ``(H, W)``.
    counts : bytes
        Compressed run lengths, from :func:`merge`.

    Returns
    -------
    int
        The area in pixels.
    """
    return int(rle.area({"size": list(size), "counts": counts}))


def decode(size: Size, counts: bytes) -> np.ndarray:
    """Decode compressed run lengths.

    Parameters
    ----------
    size : tuple of int
        ``(H, W)``.
    counts : bytes
        Compressed run lengths, from :func:`merge`.

    Returns
    -------
    np.ndarray
        ``(H, W) bool``: the mask.
    """
    return rle.decode({"size": list(size), "counts": counts}).astype(bool)


def _polygon(corners: Any, size: Size) -> list[float]:
    if not isinstance(corners, list) or not all(map(_is_number, corners)):
        raise ValueError("has a polygon that is no list of numbers [x1, y1, x2, y2, ...]")
    if len(corners) % 2:
        raise ValueError(f"has a polygon of {len(corners)} numbers, though each corner has two")
    farthest = 2 * max(size)
    for value in corners:
        if not -max(size) <= value <= farthest:  # also true for NaN
            raise ValueError(
                f"has a corner at {_short(value)}, far outside its photo of {size[1]} x {size[0]} "
                "pixels"
            )
    return [float(value) for value in corners]


def _outline(corners: list[float]) -> float:
    """Return the length of a closed polygon in steps along its sides, as pycocotools counts."""
    points = np.reshape(corners, (-1, 2))
    return float(np.abs(points - np.roll(points, 1, axis=0)).max(axis=1, initial=0).sum())


def _runs(shape: dict, size: Size) -> list[int]:
    stated, counts = shape.get("size"), shape.get("counts")
    if not isinstance(stated, list) or [_whole(side) for side in stated] != list(size):
        raise ValueError(f"has run lengths of the size {_short(stated)}, not {list(size)}")
    if isinstance(counts, str):
        runs = _uncompressed(counts)
    elif isinstance(counts, list):
        runs = [_whole(run) for run in counts]
    else:
        raise ValueError("has run lengths that are neither a list nor a text")
    if any(run is None or run < 0 for run in runs):
        raise ValueError("has run lengths that are no whole numbers from 0")
    missing = size[0] * size[1] - sum(runs)
    if missing < 0:
        raise ValueError(f"has run lengths for {-missing} pixels more than its photo has")
    if missing and len(runs) % 2:  # the missing pixels could be object or background
        raise ValueError(f"has run lengths that end {missing} pixels too early")
    return [*runs, missing] if missing else runs


def _uncompressed(text: str) -> list[int | None]:
    """Undo COCO's compression: 5 bits per character, differences to the run before the last."""
    runs: list[int | None] = []
    value, shift = 0, 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 30:
            raise ValueError("has compressed run lengths with letters that cannot be there")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value, shift = 0, 0
    if shift:
        raise ValueError("has compressed run lengths that break off in the middle of a number")
    return runs


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _whole(value: Any) -> int | None:
    """Return a whole number as int, or None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not _is_number(value) or not math.isfinite(value) or value != int(value):
        return None
    return int(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
