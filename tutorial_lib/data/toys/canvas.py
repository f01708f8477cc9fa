"""Turn strokes into pixels: the owner and the colour of each pixel.

A pixel belongs to the uppermost stroke that covers at least half of it. Its colour is a mix of all
strokes that cover it. Coverage is counted in whole numbers, on a grid four times as fine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import cv2
import numpy as np

from tutorial_lib.data.toys.strokes import Paint, PaintedShape

FINE = 4  # sub-pixels along a pixel's side
ROOM = 64  # the noise is larger than the picture by this number of pixels
_Window = tuple[slice, slice]


class Layer(NamedTuple):
    """A stroke and the pixels it covers.

    Parameters
    ----------
    stroke : PaintedShape
        The stroke.
    window : tuple of slice
        The rows and columns that the stroke may touch.
    cover : np.ndarray
        ``(h, w) uint8``: how much of each pixel in the window the stroke covers; 255 for all of it.
    """

    stroke: PaintedShape
    window: _Window
    cover: np.ndarray


def layers(strokes: Iterable[PaintedShape], size: tuple[int, int]) -> list[Layer]:
    """Compute which pixels the strokes cover. Strokes outside the picture are left out.

    Parameters
    ----------
    strokes : iterable of PaintedShape
        From the farthest to the nearest.
    size : tuple of int
        Height and width, in pixels.

    Returns
    -------
    list of Layer
        The layers, in the same order.
    """
    seen = ((stroke, _window(stroke, size)) for stroke in strokes)
    return [Layer(s, w, _coverage(s, w, size)) for s, w in seen if w is not None]


def owners(drawn: Iterable[Layer], numbers: Mapping[str, int], size: tuple[int, int]) -> np.ndarray:
    """Compute which part each pixel belongs to.

    Parameters
    ----------
    drawn : iterable of Layer
        From the farthest to the nearest.
    numbers : mapping of str to int
        A number from 1 to 255 for each part.
    size : tuple of int
        Height and width, in pixels.

    Returns
    -------
    np.ndarray
        ``(H, W) uint8``: the number of the part; 0 for the backdrop.
    """
    owner = np.zeros(size, dtype=np.uint8)
    for stroke, window, cover in drawn:
        if stroke.part is not None:  # backdrop and shadows have no part
            owner[window][cover >= 128] = numbers[stroke.part]
    return owner


def painted(drawn: Iterable[Layer], size: tuple[int, int], seed: int) -> np.ndarray:
    """Paint strokes over each other.

    Parameters
    ----------
    drawn : iterable of Layer
        From the farthest to the nearest. The first layers fill the picture.
    size : tuple of int
        Height and width, in pixels.
    seed : int
        The seed of noise and light.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``.
    """
    rng = np.random.default_rng([seed, 1])
    image = np.zeros((3, *size), dtype=np.float32)  # planes first: masks broadcast faster
    noise = _noise(rng, (size[0] + ROOM, size[1] + ROOM))
    for layer in drawn:
        start, sides = rng.integers(0, ROOM, 2), rng.integers(0, 2, 2) * 2 - 1
        # Each stroke uses another part of the noise, flipped in another way.
        rough = noise[:: sides[0], :: sides[1]][start[0] :, start[1] :][layer.window]
        _paint(image[:, *layer.window], layer, min(size), rough)
    image *= _light(rng, size)
    image += rng.integers(0, 256, size, dtype=np.uint8).astype(np.float32) / 32 - 4  # grain
    np.clip(image, 0, 255, out=image)
    return np.ascontiguousarray(image.astype(np.uint8).transpose(1, 2, 0))


def _window(stroke: PaintedShape, size: tuple[int, int]) -> _Window | None:
    """Return the pixels that a stroke may touch, or None if it lies outside the picture."""
    corners, reach = stroke.outline * min(size), 3 * stroke.softness * min(size) + 1
    low = np.maximum(np.floor(corners.min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0) + reach), size).astype(int)
    if (high <= low).any():
        return None
    return slice(low[0], high[0]), slice(low[1], high[1])


def _coverage(stroke: PaintedShape, window: _Window, size: tuple[int, int]) -> np.ndarray:
    """Return how much of each pixel in the window is covered: ``uint8``, 255 for all of it."""
    start = np.array([window[0].start, window[1].start])
    shape = window[0].stop - start[0], window[1].stop - start[1]
    fine = np.zeros((shape[0] * FINE, shape[1] * FINE), dtype=np.uint8)
    corners = np.round((stroke.outline * min(size) - start) * FINE - 0.5).astype(np.int32)
    cv2.fillPoly(fine, [np.ascontiguousarray(corners[:, ::-1])], 255)
    return cv2.resize(fine, shape[::-1], interpolation=cv2.INTER_AREA)


def _paint(image: np.ndarray, layer: Layer, unit: int, rough: np.ndarray) -> None:
    """Mix a stroke into its window of the image, ``(3, h, w) float32``, in place."""
    stroke = layer.stroke
    cover = layer.cover.astype(np.float32) / 255
    if stroke.softness:
        cover = cv2.GaussianBlur(cover, (0, 0), max(0.5, stroke.softness * unit))
    colour = _colours(layer, unit, rough)
    if stroke.relief:
        colour *= _relief(cover, stroke.relief)
    colour -= image
    colour *= cover * np.float32(stroke.opacity)
    image += colour


def _colours(layer: Layer, unit: int, rough: np.ndarray) -> np.ndarray:
    """Return the paint's colours in a window, ``(3, h, w) float32``."""
    paint, window = layer.stroke.paint, layer.window
    first, second = np.array([paint.colour, paint.second], dtype=np.float32)[..., None, None]
    factor = 1 + np.float32(paint.noise) * rough
    if paint.pattern == "plain":
        return first * factor
    middle = layer.stroke.outline.mean(axis=0)  # a pattern moves with its stroke
    rows = np.arange(window[0].start, window[0].stop)[:, None] / unit - middle[0]
    cols = np.arange(window[1].start, window[1].stop)[None, :] / unit - middle[1]
    rows, cols = rows.astype(np.float32), cols.astype(np.float32)
    blur = np.float32(1 / max(1.0, paint.period * unit))  # one pixel, in periods
    share = PATTERNS[paint.pattern](rows, cols, paint, blur, rough)
    mixed = share * (second - first)
    mixed += first
    mixed *= factor
    return mixed


def _relief(cover: np.ndarray, strength: float) -> np.ndarray:
    """Return the light on a rounded surface, lit from the upper left."""
    reach = max(1, min(cover.shape) // 5)
    soft = cv2.blur(cover, (2 * reach + 1, 2 * reach + 1), borderType=cv2.BORDER_REPLICATE)
    step = max(1, reach // 2)
    ahead = cv2.copyMakeBorder(soft, step, 0, step, 0, cv2.BORDER_REPLICATE)
    slope = soft - ahead[: soft.shape[0], : soft.shape[1]]
    return 1 + np.float32(strength) * np.clip(1.6 * slope, -0.6, 0.6)


def _noise(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return smooth noise of several scales, ``(H, W) float32``, mostly within -1 and 1."""
    total = np.zeros(size, dtype=np.float32)
    for cells, weight in ((9, 0.5), (23, 0.45), (61, 0.4)):
        grid = rng.integers(0, 256, (cells, cells), dtype=np.uint8).astype(np.float32) / 128 - 1
        total += np.float32(weight) * cv2.resize(grid, size[::-1], interpolation=cv2.INTER_CUBIC)
    return total


def _light(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return a gentle gradient of light across the picture, ``(H, W) float32``."""
    down, right = (rng.random(2) * 2 - 1) * 0.16
    rows = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None]
    cols = np.linspace(-1, 1, size[1], dtype=np.float32)[None, :]
    slope = 1 + np.float32(down) * rows + np.float32(right) * cols
    return slope - np.float32(0.07) * (rows**2 + cols**2)


def _wave(place: np.ndarray, blur: np.float32, share: float) -> np.ndarray:
    """Return 0 in the first ``share`` of each period and 1 in the rest, with soft edges."""
    offset = np.abs(place - np.floor(place) - np.float32(0.5))
    return np.clip((offset - np.float32(share / 2)) / blur + np.float32(0.5), 0, 1)


def _turned(rows: np.ndarray, cols: np.ndarray, paint: Paint) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates across and along the paint's direction, in periods."""
    sine, cosine = np.float32(np.sin(paint.angle)), np.float32(np.cos(paint.angle))
    period = np.float32(paint.period)
    return (rows * cosine + cols * sine) / period, (cols * cosine - rows * sine) / period


def _stripes(
    rows: np.ndarray, cols: np.ndarray, paint: Paint, blur: np.float32, rough: np.ndarray
) -> np.ndarray:
    return _wave(_turned(rows, cols, paint)[0], blur, 0.55)


def _checks(
    rows: np.ndarray, cols: np.ndarray, paint: Paint, blur: np.float32, rough: np.ndarray
) -> np.ndarray:
    across, along = _turned(rows, cols, paint)
    return (_wave(across, blur, 0.5) + _wave(along, blur, 0.5)) / 2


def _bricks(
    rows: np.ndarray, cols: np.ndarray, paint: Paint, blur: np.float32, rough: np.ndarray
) -> np.ndarray:
    across, along = _turned(rows, cols, paint)
    course = np.floor(across)
    along = along / np.float32(2.1) + np.float32(0.5) * course
    joint = np.maximum(_wave(across, blur, 0.84), _wave(along, blur / 2, 0.92))
    return np.maximum(joint, _tone(course, along))


def _planks(
    rows: np.ndarray, cols: np.ndarray, paint: Paint, blur: np.float32, rough: np.ndarray
) -> np.ndarray:
    across, along = _turned(rows, cols, paint)
    grain = np.float32(0.15) * (1 + np.sin(across * 34 + 5 * rough))
    return np.clip(_wave(across, blur, 0.93) * np.float32(0.9) + grain, 0, 1)


def _tone(course: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return a number from 0 to 0.3 for each brick."""
    return np.float32(0.15) * (1 + np.sin(course * 12.9 + np.floor(along) * 78.2))


def _dots(
    rows: np.ndarray, cols: np.ndarray, paint: Paint, blur: np.float32, rough: np.ndarray
) -> np.ndarray:
    across, along = _turned(rows, cols, paint)
    along = along + np.float32(0.5) * (np.floor(across) % 2)
    across, along = (x - np.floor(x) - np.float32(0.5) for x in (across, along))
    return np.clip((0.27 - np.hypot(across, along)) / blur + 0.5, 0, 1).astype(np.float32)


def _leafy(
    rows: np.ndarray, cols: np.ndarray, paint: Paint, blur: np.float32, rough: np.ndarray
) -> np.ndarray:
    return np.clip(np.float32(0.5) + np.float32(1.1) * rough, 0, 1)


def _waves(
    rows: np.ndarray, cols: np.ndarray, paint: Paint, blur: np.float32, rough: np.ndarray
) -> np.ndarray:
    across, along = _turned(rows, cols, paint)
    swell = across + np.float32(0.2) * np.sin(along * np.float32(0.9)) + np.float32(0.7) * rough
    return np.float32(0.5) + np.float32(0.5) * np.sin(swell * np.float32(6.28))


def _gradient(
    rows: np.ndarray, cols: np.ndarray, paint: Paint, blur: np.float32, rough: np.ndarray
) -> np.ndarray:
    across = _turned(rows, cols, paint)[0]
    return np.broadcast_to(np.clip(across + np.float32(0.5), 0, 1), rough.shape)


_Pattern = Callable[[np.ndarray, np.ndarray, Paint, np.float32, np.ndarray], np.ndarray]
#: The share of the second colour at each pixel, 0 to 1, for each pattern.
PATTERNS: dict[str, _Pattern] = {
    "stripes": _stripes,
    "checks": _checks,
    "bricks": _bricks,
    "planks": _planks,
    "dots": _dots,
    "leafy": _leafy,
    "waves": _waves,
    "gradient": _gradient,
}
