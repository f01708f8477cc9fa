"""The photos and clicks on which every method is timed. The clicks favour no method.

They are clicks of the center robot (Xu et al., CVPR 2016, section 3.5). The answer it corrects
gives each pixel to the nearest click. Photos are cropped around their object to the proportions
asked for, and then resized; so nothing is squashed. A small photo is enlarged if necessary.
"""

from __future__ import annotations

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.data.samples import load_sample
from tutorial_lib.evaluation.speed.timing import ScriptedPhoto
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.users.simulation import simulate

CLICKS = 5


def crop_to(image: np.ndarray, mask: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Crop a photo around its object to the proportions of a size, and resize it.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    mask : np.ndarray
        ``(H, W) bool`` with at least one object pixel.
    size : tuple of int
        Width and height to reach, in pixels.

    Returns
    -------
    image, mask : np.ndarray
        ``(height, width, 3) uint8`` and ``(height, width) bool``.
    """
    import cv2

    extent = image.shape[0], image.shape[1]
    scale = min(extent[0] / size[1], extent[1] / size[0])
    window = []
    for axis, side in enumerate((size[1], size[0])):
        kept = max(1, min(extent[axis], round(side * scale)))
        inside = np.flatnonzero(mask.any(axis=1 - axis))
        start = (inside[0] + inside[-1] + 1 - kept) // 2
        start = min(max(0, start), extent[axis] - kept)
        window.append(slice(start, start + kept))
    method = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    cut_image, cut_mask = image[tuple(window)], mask[tuple(window)].astype(np.uint8)
    return (
        cv2.resize(cut_image, size, interpolation=method),
        cv2.resize(cut_mask, size, interpolation=cv2.INTER_NEAREST) > 0,
    )


class _NearestClick:
    """Gives each pixel to the nearest click. The robot corrects its answers."""

    def prepare(self, image: np.ndarray) -> tuple[int, int]:
        return image.shape[:2]

    def segment(self, prepared: tuple[int, int], clicks: Clicks) -> Segmentation:
        rows, cols = np.ogrid[: prepared[0], : prepared[1]]
        squares = [(rows - click.row) ** 2 + (cols - click.col) ** 2 for click in clicks]
        signs = np.array([click.positive for click in clicks])
        return Segmentation(signs[np.argmin(squares, axis=0)].astype(np.float32))


def scripted_photo(name: str, size: tuple[int, int], count: int = CLICKS) -> ScriptedPhoto:
    """Crop a sample photo to a size, and let the robot click on its default mask.

    Parameters
    ----------
    name : str
        One of :func:`tutorial_lib.data.samples.sample_names`.
    size : tuple of int
        Width and height in pixels.
    count : int
        Number of clicks.

    Returns
    -------
    ScriptedPhoto
        The first click is on the object, the second on the background.
    """
    sample = load_sample(name)
    image, mask = crop_to(sample.image, sample.mask, size)
    return ScriptedPhoto(
        name, image, simulate(_NearestClick(), image, mask, max_clicks=count).clicks
    )
