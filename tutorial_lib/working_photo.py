"""A small copy of a photo to work on, and two fingerprints that identify the photo.

SHA-256 identifies the exact pixels. A *sketch* is a perceptual hash, which identifies the visible
content. It hardly changes when the photo is resized, compressed again, or decoded by another
program. Other photos have other sketches.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tutorial_lib.images.reading import MAX_FILE_PIXELS, ImageLike, as_rgb, shrink_photo
from tutorial_lib.segmenter import Segmentation

SKETCH_SIDE = 16  # cells
# Measured on 47 photos. Copies (a fifth to twice the size, JPEG quality 10 to 90) differ by at
# most 2.7 on average and 11.5 in one cell, and their details correlate by at least 0.96. Different
# photos differ by at least 20 on average.
MAX_MEAN_DIFFERENCE, MAX_CELL_DIFFERENCE, MIN_CORRELATION = 3.0, 16.0, 0.8
MIN_CONTRAST = 0.8  # grey levels; details with less contrast are rounding errors


class WorkingPhoto:
    """A photo, and a small copy of it to work on. Answers on the copy are fast.

    Parameters
    ----------
    image : image
        Any image that :func:`tutorial_lib.images.as_rgb` accepts.
    longest : int, optional
        The largest length of the copy's longer side, in pixels. By default, the copy has full size.

    Attributes
    ----------
    pixels : np.ndarray
        ``(h, w, 3) uint8``: the copy.
    full_shape : tuple of int
        ``(H, W)`` of the photo itself.
    file_name : str or None
        The last part of the photo's path, or None if the image was not given as a path.

    Raises
    ------
    ImageError
        If the photo cannot be read.
    """

    def __init__(self, image: ImageLike, longest: int | None = None) -> None:
        if longest is not None and not longest >= 1:
            raise ValueError(f"The longer side of a photo has at least 1 pixel, not {longest!r}.")
        if longest is None:
            self.pixels = as_rgb(image)
            self.full_shape = self.shape
        else:
            self.pixels, self.full_shape = shrink_photo(image, longest)
        self.file_name = Path(image).name if isinstance(image, (str, PathLike)) else None
        # Keep the bytes of the file. They need less memory than pixels, and the file may change.
        self._source = _as_stored(image) if self.is_small else None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the copy, in pixels."""
        return self.pixels.shape[:2]

    @property
    def is_small(self) -> bool:
        """Whether the copy has fewer pixels than the photo."""
        return self.shape != self.full_shape

    @cached_property
    def sha256(self) -> str:
        """The :func:`fingerprint` of the copy."""
        return fingerprint(self.pixels)

    @cached_property
    def sketch(self) -> str:
        """The :func:`sketch` of the copy."""
        return sketch(self.pixels)

    def describe(self) -> dict[str, Any]:
        """Return both fingerprints and the sizes.

        Returns
        -------
        dict
            Ready for JSON.
        """
        return {
            "sha256": self.sha256,
            "shape": [*self.shape, 3],
            "original_shape": [*self.full_shape, 3],
            "sketch": self.sketch,
        }

    def is_exactly(self, described: Mapping[str, Any]) -> bool:
        """Whether a description belongs to exactly these pixels.

        Parameters
        ----------
        described : mapping
            From :meth:`describe`.

        Returns
        -------
        bool
            True if the fingerprints are equal.
        """
        return described["sha256"] == self.sha256

    def looks_like(self, described: Mapping[str, Any]) -> bool:
        """Whether a description belongs to this photo, in any size or compression.

        Parameters
        ----------
        described : mapping
            From :meth:`describe`.

        Returns
        -------
        bool
            True if the proportions and the sketches match.
        """
        (rows, cols), (height, width) = described["shape"][:2], self.full_shape
        off = min(abs(rows - cols * height / width), abs(cols - rows * width / height))
        if rows > height:
            off = min(abs(height - width * rows / cols), abs(width - height * cols / rows))
        known = described.get("sketch")
        return known is not None and off <= 1 and same_photo(known, self.sketch)

    def full(self) -> np.ndarray:
        """Return the photo itself.

        Returns
        -------
        np.ndarray
            ``(H, W, 3) uint8``.
        """
        return as_rgb(self._source, max_pixels=MAX_FILE_PIXELS) if self.is_small else self.pixels

    def full_mask(self, answer: Segmentation) -> np.ndarray:
        """Return the mask of an answer at the photo's own size.

        Parameters
        ----------
        answer : Segmentation
            An answer on the copy.

        Returns
        -------
        np.ndarray
            ``(H, W) bool``. If the mask is the thresholded probability, the probability is enlarged
            and thresholded again. So a boundary between two pixels of the copy keeps its position.
        """
        if not self.is_small:
            return answer.mask
        thresholded = np.array_equal(answer.mask, answer.probability >= 0.5)
        if thresholded:
            return self.full_probability(answer) >= 0.5
        return self._enlarged(answer.mask.astype(np.float32)) >= 0.5

    def full_probability(self, answer: Segmentation) -> np.ndarray:
        """Return the probability of an answer at the photo's own size.

        Parameters
        ----------
        answer : Segmentation
            An answer on the copy.

        Returns
        -------
        np.ndarray
            ``(H, W) float32``.
        """
        if not self.is_small:
            return answer.probability
        return self._enlarged(answer.probability)

    def _enlarged(self, values: np.ndarray) -> np.ndarray:
        height, width = self.full_shape
        return cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)

    def small_mask(self, mask: np.ndarray) -> np.ndarray:
        """Shrink a mask of the photo to the size of the copy.

        Parameters
        ----------
        mask : np.ndarray
            ``(H, W) bool``.

        Returns
        -------
        np.ndarray
            ``(h, w) bool``.
        """
        if mask.shape == self.shape:
            return mask
        height, width = self.shape
        share = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        return share >= 0.5


def _as_stored(image: ImageLike) -> np.ndarray | bytes:
    if isinstance(image, (str, PathLike)):
        return Path(image).expanduser().read_bytes()
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    return as_rgb(image, max_pixels=MAX_FILE_PIXELS)


def fingerprint(image: np.ndarray) -> str:
    """Return the SHA-256 of an image's shape and pixels.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()


def sketch(image: np.ndarray) -> str:
    """Return the perceptual hash of a photo as a short text.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.

    Returns
    -------
    str
        The mean colours of 16 x 16 cells, in base64.
    """
    cells = cv2.resize(image, (SKETCH_SIDE, SKETCH_SIDE), interpolation=cv2.INTER_AREA)
    return base64.b64encode(cells.tobytes()).decode("ascii")


def is_sketch(text: object) -> bool:
    """Whether an object is a string in the format of :func:`sketch`.

    Parameters
    ----------
    text : object
        Anything.

    Returns
    -------
    bool
        True if it has the format.
    """
    try:
        return (
            isinstance(text, str)
            and len(base64.b64decode(text, validate=True)) == 3 * SKETCH_SIDE**2
        )
    except (binascii.Error, ValueError):
        return False


def same_photo(first: str, second: str) -> bool:
    """Whether two sketches belong to the same photo, in any size or compression.

    Parameters
    ----------
    first, second : str
        From :func:`sketch`.

    Returns
    -------
    bool
        True if the colours agree everywhere, and the details agree too if there are any.
    """
    (coarse, fine), (other_coarse, other_fine) = _levels(first), _levels(second)
    difference = np.abs(coarse - other_coarse)
    if difference.mean() > MAX_MEAN_DIFFERENCE or difference.max() > MAX_CELL_DIFFERENCE:
        return False
    contrast, other_contrast = np.sqrt((fine**2).mean()), np.sqrt((other_fine**2).mean())
    if max(contrast, other_contrast) < MIN_CONTRAST:
        return True
    return bool((fine * other_fine).mean() > MIN_CORRELATION * contrast * other_contrast)


def _levels(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean colours of 8 x 8 cells, and how much the 16 x 16 cells differ from them."""
    values = np.frombuffer(base64.b64decode(text), np.uint8).astype(float)
    cells = values.reshape(SKETCH_SIDE // 2, 2, SKETCH_SIDE // 2, 2, 3)
    coarse = cells.mean(axis=(1, 3), keepdims=True)
    return coarse, cells - coarse
