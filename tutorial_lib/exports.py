"""Write the files of a session, and describe a mask as a COCO dataset."""

from __future__ import annotations

import glob
import io
import zipfile
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tutorial_lib.actions import column_runs
from tutorial_lib.images import as_rgb
from tutorial_lib.paths import safe_stem, write_atomically

SOFT = 3  # pixels on either side of the edge of a cut-out that may be half transparent
MAX_CORNERS = 20_000  # in all polygons of a mask; run lengths are shorter than more corners


def write_files(
    folder: str | PathLike[str], name: str, contents: Mapping[str, bytes]
) -> list[Path]:
    """Write several files with a common name. Each file is written completely or not at all.

    Parameters
    ----------
    folder : path
        The folder to write to. It is created if it is missing.
    name : str
        Any text. Every file name starts with a safe stem of this text, so that no file leaves the
        folder.
    contents : mapping of str to bytes
        The content of each file, by the end of its name. The full name is the stem, a dash and
        this end.

    Returns
    -------
    list of Path
        The files that were written.

    Raises
    ------
    OSError
        If the folder cannot be written. The message names it.
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


def mask_endings(names: Sequence[str]) -> list[str]:
    """Return how the names of mask files end, for :func:`write_files`.

    Parameters
    ----------
    names : sequence of str
        The names of the objects on the photo, at least one.

    Returns
    -------
    list of str
        One for each object. With several objects, ``labels.png`` follows.

    Examples
    --------
    >>> mask_endings(["cup", "spoon"])
    ['1-cup-mask.png', '2-spoon-mask.png', 'labels.png']
    """
    if len(names) == 1:
        return ["mask.png"]
    numbered = enumerate(names, start=1)
    return [f"{number}-{safe_stem(name)}-mask.png" for number, name in numbered] + ["labels.png"]


def free_stem(folder: str | PathLike[str], name: str) -> str:
    """Return a stem that no file in a folder begins with, so that nothing is overwritten.

    Parameters
    ----------
    folder : path
        The folder. It may be missing.
    name : str
        Any text.

    Returns
    -------
    str
        The safe stem of the name, or this stem and a number.
    """
    stem, folder = safe_stem(name), Path(folder).expanduser()
    free, number = stem, 1
    while any(folder.glob(f"{glob.escape(free)}-*")):
        number += 1
        free = f"{stem}-{number}"
    return free


def zipped(contents: Mapping[str, bytes]) -> bytes:
    """Return files as one ZIP archive.

    Parameters
    ----------
    contents : mapping of str to bytes
        The content of each file, by its name.

    Returns
    -------
    bytes
        The archive.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return stream.getvalue()


def read_mask(path: str | PathLike[str]) -> np.ndarray:
    """Read a mask file: 128 of 255 and brighter is object, or 1 in a file of 0 and 1.

    Parameters
    ----------
    path : path
        A PNG or another image file.

    Returns
    -------
    np.ndarray
        ``(H, W) bool``.

    Raises
    ------
    ValueError
        If the file is missing or is no image. The message names it.
    """
    grey = as_rgb(path, upright=False).max(axis=2)
    return grey >= (128 if grey.max() > 1 else 1)


def soft_alpha(mask: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Return the opacity of a cut-out whose edge is as soft as the method is unsure.

    Within 3 pixels of the edge of the mask, the opacity is the probability. Elsewhere it is full or
    none. It is at least a half exactly where the mask is. A method whose probabilities are 0 and 1,
    such as graph cut, gives a hard edge.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``.
    probability : np.ndarray
        ``(H, W)`` in [0, 1].

    Returns
    -------
    np.ndarray
        ``(H, W) uint8``: 0 is transparent, 255 opaque.

    Examples
    --------
    >>> probability = np.array([[0.1, 0.4, 0.6, 0.9]])
    >>> soft_alpha(probability >= 0.5, probability).tolist()
    [[26, 102, 153, 230]]
    """
    hard = mask.astype(np.uint8) * 255
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * SOFT + 1, 2 * SOFT + 1))
    edge = cv2.dilate(hard, kernel) != cv2.erode(hard, kernel)
    soft = np.rint(255 * probability).astype(np.uint8)
    soft = np.where(mask, np.maximum(soft, 128), np.minimum(soft, 127))
    return np.where(edge, soft, hard)


def coco_dataset(
    mask: np.ndarray, file_name: str = "photo.png", category: str = "object"
) -> dict[str, Any]:
    """Describe a mask as a COCO dataset with one photo, for pycocotools, CVAT and other tools.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``.
    file_name : str
        The name of the photo's file in the dataset.
    category : str
        The name of the object's category.

    Returns
    -------
    dict
        ``info``, ``licenses``, ``images``, ``annotations`` (none for an empty mask) and
        ``categories``, as in COCO's ``instances_*.json``.

    References
    ----------
    Lin et al., Microsoft COCO: Common Objects in Context, ECCV 2014.
    """
    return coco_dataset_of_objects({category: mask}, file_name)


def coco_dataset_of_objects(
    masks: Mapping[str, np.ndarray], file_name: str = "photo.png"
) -> dict[str, Any]:
    """Describe the masks of several objects as a COCO dataset with one photo.

    Parameters
    ----------
    masks : mapping of str to np.ndarray
        ``(H, W) bool`` of each object, by its name. There is at least one.
    file_name : str
        The name of the photo's file in the dataset.

    Returns
    -------
    dict
        As from :func:`coco_dataset`. The k-th object is category k and annotation k, from 1. An
        object with an empty mask has no annotation.
    """
    height, width = next(iter(masks.values())).shape
    image = {"id": 1, "file_name": file_name, "height": height, "width": width, "license": 0}
    subject = "A mask" if len(masks) == 1 else "Masks"
    return {
        "info": {
            "description": f"{subject} made with tutorial_lib on {file_name}",
            "version": "1.0",
        },
        "licenses": [{"id": 0, "name": "unknown", "url": ""}],
        "images": [image],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": number, "iscrowd": 0}
            | coco_annotation(mask)
            for number, mask in enumerate(masks.values(), start=1)
            if mask.any()
        ],
        "categories": [
            {"id": number, "name": name, "supercategory": ""}
            for number, name in enumerate(masks, start=1)
        ],
    }


def coco_annotation(mask: np.ndarray) -> dict[str, Any]:
    """Describe a mask as a COCO annotation, exact to the pixel.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool`` with at least one True pixel.

    Returns
    -------
    dict
        ``segmentation``, ``area`` in pixels, and ``bbox`` as ``[x, y, width, height]``. The
        segmentation is a list of polygons ``[x, y, x, y, ...]`` along the outer edges of the
        pixels, if these polygons give exactly this mask. Otherwise, it is run lengths. COCO's
        polygons cannot have holes.
    """
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(cols[0]), int(rows[0])
    right, bottom = int(cols[-1]) + 1, int(rows[-1]) + 1
    polygons = _polygons(mask[top:bottom, left:right], top, left)
    exact = polygons is not None and _fills_exactly(polygons, mask)
    return {
        "segmentation": polygons if exact else _uncompressed(mask),
        "area": int(mask.sum()),
        "bbox": [left, top, right - left, bottom - top],
    }


def _polygons(part: np.ndarray, top: int, left: int) -> list[list[float]] | None:
    """Return the outlines of a part of a mask, or None if they have too many corners."""
    from skimage.measure import approximate_polygon, find_contours

    polygons, corners = [], 0
    for contour in find_contours(np.pad(part, 1).astype(np.float32), 0.5):
        # The contour passes through the middles of pixel edges and cuts all corners. Restore them.
        turns = np.where(contour[:-1] % 1 == 0.5, contour[:-1], contour[1:])
        ring = np.concatenate([turns, turns[:1]])
        # Subtract 1 for the padding, and add 0.5 to get from pixel centres to pixel edges.
        points = approximate_polygon(ring, tolerance=0.01)[:-1] - 0.5
        corners += len(points)
        if corners > MAX_CORNERS:
            return None
        polygons.append([float(value) for value in (points[:, ::-1] + (left, top)).ravel()])
    return polygons


def _fills_exactly(polygons: list[list[float]], mask: np.ndarray) -> bool:
    """Whether COCO's own tools convert these polygons to exactly this mask."""
    from pycocotools import mask as coco

    filled = coco.merge(coco.frPyObjects(polygons, *mask.shape))
    return filled["counts"] == coco.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"]


def _uncompressed(mask: np.ndarray) -> dict[str, Any]:
    return {"size": list(mask.shape), "counts": column_runs(mask)}
