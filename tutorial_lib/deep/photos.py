"""Photos as network inputs: tensors at working size."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

COARSEST = 32  # pixels; sides are multiples of the coarsest stride, so every cell lies inside


def check_working_size(size: int) -> int:
    """Check a working size and return it.

    Parameters
    ----------
    size : int
        Longer side, in pixels.

    Returns
    -------
    int
        The same size.

    Raises
    ------
    ValueError
        If the size is not a positive multiple of 32.
    """
    if size < COARSEST or size % COARSEST:
        raise ValueError(f"The network's size must be a positive multiple of 32, not {size}.")
    return size


def working_size(shape: tuple[int, int], size: int) -> tuple[int, int]:
    """Return the size of the network's input for a photo.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the photo, in pixels.
    size : int
        Length of the longer side, in pixels.

    Returns
    -------
    height, width : int
        In pixels: the multiples of 32 that are nearest to the photo's proportions. Small photos
        are enlarged, because a network cannot find an object of only a few cells at stride 32.

    Examples
    --------
    >>> working_size((480, 640), 448)
    (352, 448)
    """
    scale = size / max(shape)
    height, width = (max(1, int(side * scale / COARSEST + 0.5)) * COARSEST for side in shape)
    return height, width


def at_working_size(photo: np.ndarray, size: int) -> Tensor:
    """Resize a photo to its working size.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    size : int
        See :func:`working_size`. 0 keeps the size of the photo.

    Returns
    -------
    Tensor
        ``(1, 3, height, width) uint8``, on the CPU; a copy, also at the same size.
    """
    return resized_photo(photo, working_size(photo.shape[:2], size) if size else photo.shape[:2])


def resized_photo(photo: np.ndarray, size: tuple[int, int]) -> Tensor:
    """Resize a photo.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    size : tuple of int
        Height and width, in pixels.

    Returns
    -------
    Tensor
        ``(1, 3, height, width) uint8``, on the CPU; a copy, also at the same size.
    """
    height, width = size
    smaller = height * width < photo.shape[0] * photo.shape[1]
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    small = cv2.resize(photo, (width, height), interpolation=way)
    return torch.from_numpy(small).permute(2, 0, 1)[None]
