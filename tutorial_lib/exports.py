"""What a session leaves behind: mask, cut-out, and a COCO dataset of one photo."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_lib.paths import safe_stem, write_atomically

MOST_CORNERS = 20_000  # of all polygons of a mask; run lengths are shorter then


def write_files(
    folder: str | PathLike[str], name: str, contents: Mapping[str, bytes]
) -> list[Path]:
    """Write several files about one thing, each of them whole or not at all.

    Parameters
    ----------
    folder : path
        Where to write; made if missing.
    name : str
        Any text; a safe stem of it begins every file's name, so that none leaves the folder.
    contents : mapping of str to bytes
        What follows the stem and a dash in a file's name, and what the file holds.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OSError
        If the folder cannot be written; the text names it.
    """
    folder, stem, written = Path(folder).expanduser(), safe_stem(name), []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for ending, content in contents.items():
            path = folder / f"{stem}-{ending}"
            write_atomically(path, content)
            written.append(path)
    except OSError as error:
        raise type(error)(
            f"Nothing can be saved in {str(folder)!r}, so choose another folder: {error.strerror}."
        ) from error
    return written


def coco_dataset(
    mask: np.ndarray, file_name: str = "photo.png", category: str = "object"
) -> dict[str, Any]:
    """Describe a mask as a COCO dataset of one photo, which pycocotools and CVAT open.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``.
    file_name : str
        The photo's file, as the dataset names it.
    category : str
        What the object is.

    Returns
    -------
    dict
        ``info``, ``licenses``, ``images``, ``annotations`` (none for an empty mask) and
        ``categories``, as in COCO's ``instances_*.json``.

    References
    ----------
    Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014.
    """
    height, width = mask.shape
    image = {"id": 1, "file_name": file_name, "height": height, "width": width, "license": 0}
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0}
    return {
        "info": {"description": f"A mask made with tutorial_lib on {file_name}", "version": "1.0"},
        "licenses": [{"id": 0, "name": "unknown", "url": ""}],
        "images": [image],
        "annotations": [annotation | coco_annotation(mask)] if mask.any() else [],
        "categories": [{"id": 1, "name": category, "supercategory": ""}],
    }


def coco_annotation(mask: np.ndarray) -> dict[str, Any]:
    """Describe a mask as COCO does, with three fields that agree to the pixel.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``, at least one pixel of the object.

    Returns
    -------
    dict
        ``segmentation`` (polygons ``[x, y, x, y, ...]`` around the pixels' outer edges if they say
        exactly this mask, else run lengths: a hole has no polygon in COCO), ``area`` in pixels, and
        ``bbox`` as ``[x, y, width, height]``.
    """
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(cols[0]), int(rows[0])
    right, bottom = int(cols[-1]) + 1, int(rows[-1]) + 1
    polygons = _polygons(mask[top:bottom, left:right], top, left)
    exact = polygons is not None and _say(polygons, mask)
    return {
        "segmentation": polygons if exact else _run_lengths(mask),
        "area": int(mask.sum()),
        "bbox": [left, top, right - left, bottom - top],
    }


def _polygons(part: np.ndarray, top: int, left: int) -> list[list[float]] | None:
    """Return the outlines of a mask that begins at a pixel, or None if they are too many."""
    from skimage.measure import approximate_polygon, find_contours

    polygons, corners = [], 0
    for contour in find_contours(np.pad(part, 1).astype(np.float32), 0.5):
        # The contour runs through the middles of pixel edges and cuts every corner: put them back.
        turns = np.where(contour[:-1] % 1 == 0.5, contour[:-1], contour[1:])
        ring = np.concatenate([turns, turns[:1]])
        points = approximate_polygon(ring, tolerance=0.01)[:-1] - 0.5  # padding off, edges
        corners += len(points)
        if corners > MOST_CORNERS:
            return None
        polygons.append([float(value) for value in (points[:, ::-1] + (left, top)).ravel()])
    return polygons


def _say(polygons: list[list[float]], mask: np.ndarray) -> bool:
    """Whether COCO's own tools fill these polygons to exactly this mask."""
    from pycocotools import mask as coco

    filled = coco.merge(coco.frPyObjects(polygons, *mask.shape))
    return filled["counts"] == coco.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"]


def _run_lengths(mask: np.ndarray) -> dict[str, Any]:
    """Return uncompressed run lengths: column by column, the background first."""
    flat = mask.ravel(order="F")
    turns = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = np.concatenate([[0] if flat[0] else [], [0], turns, [flat.size]])
    return {"size": list(mask.shape), "counts": np.diff(ends).astype(int).tolist()}
