"""Photos as networks take them: at a working size, as tensors."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

COARSEST = 32  # sides are multiples of the coarsest stride, so that no cell lies half outside


def check_working_size(size: int) -> int:
    """Return a working size if it is one.

    Parameters
    ----------
    size : int
        Long side in pixels.

    Returns
    -------
    int
        The same.

    Raises
    ------
    ValueError
        If it is no positive multiple of 32.
    """
    if size < COARSEST or size % COARSEST:
        raise ValueError(f"The network's size is a positive multiple of 32, not {size}.")
    return size


def working_size(shape: tuple[int, int], size: int) -> tuple[int, int]:
    """Return the size at which a photo goes through the network.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the photo.
    size : int
        The long side becomes this.

    Returns
    -------
    height, width : int
        Multiples of 32, the nearest to the photo's proportions. Small photos are enlarged: an
        object of two cells of stride 32 would be none to the network.

    Examples
    --------
    >>> working_size((480, 640), 448)
    (352, 448)
    """
    scale = size / max(shape)
    height, width = (max(1, int(side * scale / COARSEST + 0.5)) * COARSEST for side in shape)
    return height, width


def at_working_size(photo: np.ndarray, size: int) -> Tensor:
    """Scale a photo to its working size.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    size : int
        See :func:`working_size`; 0 leaves the photo as it is.

    Returns
    -------
    Tensor
        ``(1, 3, height, width) uint8``, on the CPU; not a view of the photo.
    """
    height, width = working_size(photo.shape[:2], size) if size else photo.shape[:2]
    smaller = height * width < photo.shape[0] * photo.shape[1]
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    small = cv2.resize(photo, (width, height), interpolation=way)
    return torch.from_numpy(small).permute(2, 0, 1)[None]
