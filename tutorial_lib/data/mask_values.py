"""Interpret mask values: object, background, and ignored pixels.

Masks have many encodings. Each function here takes the values of one mask and interprets them. If
it cannot, it raises a :class:`MaskError` that says what is wrong with the values.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

Meaning: TypeAlias = "tuple[np.ndarray, np.ndarray | None]"

_MIDDLE = (64, 192)  # values nearer to 128 than to 0 and 255
_BAND = (120, 137)  # 128, and its values after JPEG compression
_FEW = 8  # a mask with more values has soft edges, not only labels
_HALVED = {0, 64, 127, 128, 191, 192, 255}  # averages of 2 x 2 pixels of 0 and 255
_DIM = 32  # soft edges span a wider range; a narrower range holds label numbers
_NEAR = 8  # a value this close to 0 or 255 is a label, not part of an edge
_CURE = "write 0 for background, 128 for pixels that do not count and 255 for the object"


class MaskError(ValueError):
    """Raised for values that are not a mask; the message continues "The mask FILE"."""


def trimap(values: np.ndarray) -> Meaning:
    """Interpret a mask coded 0 background, 128 ignore, 255 object, or similarly.

    - If a mask has two values, the higher one is the object, whatever the values are.
    - A wide region of 128 is a band of ignored pixels. So is an outline of 128 around an object. A
      half-covered edge that is one pixel wide is not a band: halving the size of a mask leaves
      such edges.
    - Any other value in between is part of a soft edge. Soft edges are thresholded at the middle:
      a pixel that is at least half object becomes object. In and along a band, each value means
      the nearest code.
    - Values of 16 bits, and values from 0 to 1, are scaled first.

    Parameters
    ----------
    values : np.ndarray
        ``(H, W)``, bool, integer or float.

    Returns
    -------
    truth, ignore : np.ndarray
        ``(H, W) bool`` each. ``ignore`` is None if no pixel is ignored.

    Raises
    ------
    MaskError
        If the values are labels of several objects, a picture, or otherwise not a mask.
    """
    if (meaning := _of_two_values(values)) is not None:
        return meaning
    return _of_levels(to_levels(values))


def half(values: np.ndarray) -> Meaning:
    """Interpret a mask without ignored pixels, whose object is 128 of 255 and brighter.

    Parameters
    ----------
    values : np.ndarray
        As for :func:`trimap`. If there are two values, the higher one is the object.

    Returns
    -------
    truth, ignore
        As for :func:`trimap`. ``ignore`` is None unless the mask is 128 everywhere.

    Raises
    ------
    MaskError
        If no value reaches 128.
    """
    if (meaning := _of_two_values(values)) is not None:
        return meaning
    levels = to_levels(values)
    if levels.max() < 128:
        raise MaskError(f"has {_listed(levels)}, of which none reaches 128; {_CURE}")
    return levels >= 128, None


def union(values: np.ndarray) -> Meaning:
    """Interpret a mask in which everything except 0 is the object, with one or several numbers.

    Parameters
    ----------
    values : np.ndarray
        ``(H, W)``. If there are two values, the higher one is the object. Soft edges from 0 to 255
        are thresholded at 128.

    Returns
    -------
    truth, ignore
        As for :func:`trimap`. ``ignore`` is None.
    """
    if (meaning := _of_two_values(values, ignored=False)) is not None:
        return meaning
    levels = to_levels(values)
    between = (levels > 0) & (levels < 255)
    soft = levels.max() >= 128 and not _mostly(_flat(levels, 2), between)
    return (levels >= 128 if soft else levels > 0), None


def to_levels(values: np.ndarray) -> np.ndarray:
    """Scale values to 0..255.

    Parameters
    ----------
    values : np.ndarray
        ``(H, W)``. Values of 8 bits stay. Integers above 255 are scaled from 16 bits, and values
        from 0 to 1 from that range.

    Returns
    -------
    np.ndarray
        ``(H, W) uint8``.

    Raises
    ------
    MaskError
        If a value is NaN, infinite, negative, or too large.
    """
    if values.dtype == np.uint8:
        return values
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise MaskError("has values that are NaN or infinite; replace them")
    if low < 0 or high > 65535:
        raise MaskError(f"has values from {low:g} to {high:g}; {_CURE}")
    if values.dtype.kind == "f" and high <= 1:
        values = values * 255.0
    elif high > 255:
        values = values / 257
    return np.rint(values).astype(np.uint8)


def describe(values: np.ndarray) -> str:
    """Describe the values of a mask.

    Parameters
    ----------
    values : np.ndarray
        ``(H, W)``.

    Returns
    -------
    str
        A few words, such as ``0, 128, 255`` or ``0 to 255, 37 values``.
    """
    return _listed(values).removeprefix("the values ").removeprefix("the value ")


def _of_two_values(values: np.ndarray, ignored: bool = True) -> Meaning | None:
    """Interpret a mask of one or two values; return None for any other mask."""
    low, high = values.min(), values.max()
    if low == high:
        return _of_one_value(values, ignored)
    truth = values == high
    return (truth, None) if (truth | (values == low)).all() else None


def _of_one_value(values: np.ndarray, ignored: bool) -> Meaning:
    value, nothing = values.flat[0], np.zeros(values.shape, bool)
    if value == 0:
        return nothing, None
    if not ignored or value in (1, 255, 65535):
        return ~nothing, None
    if value == 128:
        return nothing, ~nothing
    raise MaskError(f"has the value {value:g} everywhere, which may mean anything; {_CURE}")


def _of_levels(levels: np.ndarray) -> Meaning:
    """Interpret ``(H, W) uint8`` with three or more values."""
    present = np.flatnonzero(np.bincount(levels.ravel(), minlength=256))
    codes = [0, 127, 255] if 127 in present else [0, 128, 255]
    if present.tolist() == codes:
        band = levels == codes[1]
        return (levels == 255, band) if _is_outline(levels, band) else (levels >= 128, None)
    low, high = int(present[0]), int(present[-1])
    flat = _flat(levels, 2)
    plateaus = flat[levels == low].any() and flat[levels == high].any()
    cut = (low + high + 1) // 2 if plateaus else 128
    if not low < cut <= high:
        where = "reaches" if high < cut else "lies below"
        raise MaskError(f"has {_listed(levels)}, of which none {where} 128; {_CURE}")
    coded = low < _MIDDLE[0] and high >= _MIDDLE[1] and _peaks_at_128(levels)
    halved = set(present.tolist()) <= _HALVED
    margin = (high - low) / 8
    between = (levels > low + margin) & (levels < high - margin)
    inner = between & ~_in(levels, _BAND) if coded else between
    if (
        high - low < _DIM
        or _mostly(_flat(levels, 3), inner)
        or len(present) <= _FEW
        and (_labels_at_ends(levels, flat) or not halved and _mostly(flat, inner))
    ):
        raise MaskError(
            f"has {_listed(levels)}, so it seems to number several things; write one mask for each "
            f"object, or {_CURE}"
        )
    if 2 * between.sum() > levels.size and len(present) > 64:
        raise MaskError(
            "seems to be a photo or a map of shares, for most of its values lie between background "
            f"and object; {_CURE}"
        )
    ignore = _bands(levels, 3 if halved else 2) if coded else None
    truth = levels >= cut
    return (truth, None) if ignore is None else (truth & ~ignore, ignore)


def _labels_at_ends(levels: np.ndarray, flat: np.ndarray) -> bool:
    """Whether a mask of few values has labels such as 1 or 254, not only specks left by JPEG."""
    low, high = levels.min(), levels.max()
    first = (levels > low) & (levels < low + _NEAR)
    last = (levels < high) & (levels > high - _NEAR)
    return bool(first.any() and not last.any()) or _mostly(flat, first) or _mostly(flat, last)


def _bands(levels: np.ndarray, width: int) -> np.ndarray | None:
    """Return the regions of middle values that are bands, not soft edges: ``(H, W) bool``."""
    import cv2

    plateau = _in(levels, _BAND)
    wide = plateau & _flat(plateau.astype(np.uint8), width)
    middle = _in(levels, _MIDDLE)
    count, regions = cv2.connectedComponents(middle.astype(np.uint8), connectivity=8)
    sizes = np.bincount(regions.ravel(), minlength=count)
    bands = 4 * np.bincount(regions[wide], minlength=count) >= sizes
    bands[0] = False
    return bands[regions] if bands.any() else None


def _is_outline(levels: np.ndarray, band: np.ndarray) -> bool:
    """Whether the middle one of three exact values is a band, not the edge of a halved mask.

    Halving the size of a mask leaves 64 or 191 at each corner. So an edge without these values is a
    straight line between background and object, one pixel wide.
    """
    import cv2

    _, _, boxes, _ = cv2.connectedComponentsWithStats(band.astype(np.uint8), connectivity=8)
    sides = boxes[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
    if (sides.min(axis=1) > 1).any():
        return True
    padded = np.pad(levels, 1)
    above, below, left, right = (
        padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:],
    )  # fmt: skip
    between = np.zeros_like(band)
    for one, other in ((above, below), (left, right)):
        between |= (np.minimum(one, other) == 0) & (np.maximum(one, other) == 255)
    return 2 * (band & between).sum() <= band.sum()


def _flat(levels: np.ndarray, side: int) -> np.ndarray:
    """Return the pixels that lie in a square of one value: ``(H, W) bool``."""
    import cv2

    square, (height, width) = np.ones((side, side), np.uint8), levels.shape
    least, most = (f(levels, square, anchor=(0, 0)) for f in (cv2.erode, cv2.dilate))
    corner = (least == most).astype(np.uint8)  # top left corner of a flat square
    corner[max(0, height - side + 1) :] = 0
    corner[:, max(0, width - side + 1) :] = 0
    return cv2.dilate(corner, square, anchor=(side - 1, side - 1)) > 0


def _mostly(flat: np.ndarray, region: np.ndarray) -> bool:
    """Whether at least half of a region is flat; both ``(H, W) bool``."""
    found = int((region & flat).sum())
    return found >= 4 and 2 * found >= region.sum()


def _peaks_at_128(levels: np.ndarray) -> bool:
    counts = np.bincount(levels.ravel(), minlength=256)[_BAND[0] : _BAND[1]]
    return bool(counts.any()) and int(counts.argmax()) + _BAND[0] in (127, 128)


def _in(levels: np.ndarray, limits: tuple[int, int]) -> np.ndarray:
    return (levels >= limits[0]) & (levels < limits[1])


def _listed(values: np.ndarray) -> str:
    """List the values of a mask if they are few; else say how many there are."""
    present = np.unique(values)
    if len(present) == 1:
        return f"the value {present[0]:g}"
    if len(present) <= _FEW:
        return f"the values {', '.join(f'{value:g}' for value in present)}"
    return f"the values {present[0]:g} to {present[-1]:g}, {len(present)} of them"
