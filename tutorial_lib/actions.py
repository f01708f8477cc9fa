"""What a user can say about a photo beside a click: stroke, box, start mask, touch-up.

Coordinates are ``(row, col)`` everywhere; only ``from_xy`` takes ``(x, y)``.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any

import numpy as np

Point = tuple[int, int]
MAX_RADIUS = 256.0  # of a brush, in pixels


@dataclass(frozen=True)
class Stroke:
    """One stroke: a line drawn on the object or on the background (Xu et al., section 3.1).

    A stroke says the same about each of its pixels as a click says about one. It counts as one
    action: robots, metrics and undo treat it like one click.

    Parameters
    ----------
    points : iterable of (int, int)
        Rows and columns in pixels from the top left corner, at least one. Straight lines join
        them. A point that repeats the one before is dropped.
    positive : bool
        True on the object, False on the background.

    Raises
    ------
    TypeError
        If a coordinate is not an integer.
    ValueError
        If there is no point, a point is not a pair, or a coordinate is negative.

    Examples
    --------
    >>> stroke = Stroke([(2, 1), (2, 4)], positive=False)
    >>> stroke.pixels.tolist()
    [[2, 1], [2, 2], [2, 3], [2, 4]]
    """

    points: tuple[Point, ...]
    positive: bool = True

    def __post_init__(self) -> None:
        points = [_point(point) for point in self.points]
        if not points:
            raise ValueError("A stroke has at least one point, but this one has none.")
        object.__setattr__(self, "points", tuple(point for point, _ in groupby(points)))
        object.__setattr__(self, "positive", bool(self.positive))

    @cached_property
    def pixels(self) -> np.ndarray:
        """Rows and columns of every pixel of the line, ``(n, 2) int64``, in order, read-only."""
        parts = [np.array(self.points[:1])]
        for first, second in pairwise(np.array(self.points)):
            steps = int(np.abs(second - first).max())
            share = np.arange(1, steps + 1)[:, None] / steps
            parts.append(np.rint(first + share * (second - first)))
        pixels = np.concatenate(parts).astype(np.int64)
        pixels.setflags(write=False)
        return pixels

    @classmethod
    def from_xy(cls, points: Iterable[tuple[float, float]], positive: bool = True) -> Stroke:
        """Build a stroke from canvas coordinates.

        Parameters
        ----------
        points : iterable of (float, float)
            ``(x, y)`` in pixels: x to the right, y down. Fractions are rounded down.
        positive : bool
            True on the object, False on the background.

        Returns
        -------
        Stroke
            The stroke through the pixels that contain the points.

        Raises
        ------
        ValueError
            If there is no point, or a coordinate is negative.

        Examples
        --------
        >>> Stroke.from_xy([(3.5, 7), (6, 7.9)])
        Stroke(points=((7, 3), (7, 6)), positive=True)
        """
        return cls(tuple((int(np.floor(y)), int(np.floor(x))) for x, y in points), positive)

    @classmethod
    def parse(cls, text: str) -> Stroke:
        """Parse ``"ROW,COL ROW,COL ROW,COL,+"``, as on the command line.

        Parameters
        ----------
        text : str
            The points, with spaces between them. The last one ends with ``,+`` for the object or
            ``,-`` for the background.

        Returns
        -------
        Stroke
            The stroke.

        Raises
        ------
        ValueError
            If the text has another form, or a coordinate is negative.

        Examples
        --------
        >>> Stroke.parse("10,20 10,60 30,60,-")
        Stroke(points=((10, 20), (10, 60), (30, 60)), positive=False)
        """
        body, _, sign = text.strip().rpartition(",")
        try:
            if sign.strip() not in ("+", "-"):
                raise ValueError
            points = tuple(_pair(part) for part in body.split())
        except ValueError:
            raise ValueError(
                "A stroke is written ROW,COL ROW,COL ROW,COL,+ or the same with - at the end "
                f"(for example 10,20 10,60 30,60,+), not {text!r}."
            ) from None
        return cls(points, sign.strip() == "+")

    def __str__(self) -> str:
        points = " ".join(f"{row},{col}" for row, col in self.points)
        return f"{points},{'+' if self.positive else '-'}"


@dataclass(frozen=True)
class TouchUp:
    """A stroke of a round brush that changes the mask itself, not what the method is asked.

    A pixel is painted if its centre is at most ``radius`` away from the line through the points.
    Points may have fractions: the same line can be painted at the size of a larger photo.

    Parameters
    ----------
    points : iterable of (float, float)
        Rows and columns, at least one. Whole numbers are the centres of pixels. They are rounded to
        hundredths of a pixel.
    radius : float
        Of the brush, in pixels: above 0, at most 256.
    positive : bool
        True paints into the mask, False erases from it.

    Raises
    ------
    ValueError
        If there is no point, a point is not a pair of numbers of at least 0, or the radius is
        outside its range.

    Examples
    --------
    >>> TouchUp([(1, 1), (1, 3)], radius=1).inside((3, 6)).astype(int).tolist()
    [[0, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0], [0, 1, 1, 1, 0, 0]]
    """

    points: tuple[tuple[float, float], ...]
    radius: float
    positive: bool = True

    def __post_init__(self) -> None:
        points = [(_number(row), _number(col)) for row, col in map(_couple, self.points)]
        if not points:
            raise ValueError("A touch-up has at least one point, but this one has none.")
        radius = _number(self.radius)
        if not 0 < radius <= MAX_RADIUS:
            raise ValueError(
                f"A brush's radius is above 0 and at most {MAX_RADIUS:g}, not {radius:g}."
            )
        object.__setattr__(self, "points", tuple(point for point, _ in groupby(points)))
        object.__setattr__(self, "radius", radius)
        object.__setattr__(self, "positive", bool(self.positive))

    def inside(self, shape: tuple[int, ...], scale: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
        """Return the painted pixels.

        Parameters
        ----------
        shape : tuple of int
            Shape of the image, ``(H, W, ...)``.
        scale : tuple of float
            Rows and columns of the image for each row and column of the touch-up.

        Returns
        -------
        np.ndarray
            ``(H, W) bool``.
        """
        painted = np.zeros(shape[:2], dtype=bool)
        rows, cols = (
            (np.arange(length) + 0.5) / factor - 0.5
            for length, factor in zip(painted.shape, scale, strict=True)
        )
        for first, second in self._segments():
            low, high = np.minimum(first, second), np.maximum(first, second)
            part = tuple(
                slice(*np.searchsorted(axis, (low[k] - self.radius, high[k] + self.radius + 1e-9)))
                for k, axis in enumerate((rows, cols))
            )
            window = np.stack(np.meshgrid(rows[part[0]], cols[part[1]], indexing="ij"), axis=-1)
            painted[part] |= _distances(window, first, second) <= self.radius
        return painted

    def covers(self, pixels: np.ndarray) -> bool:
        """Whether the touch-up paints any of some pixels.

        Parameters
        ----------
        pixels : np.ndarray
            ``(n, 2)``: their rows and columns, at least one pixel.

        Returns
        -------
        bool
            True if it paints one of them.
        """
        near = (_distances(pixels, *ends).min() <= self.radius for ends in self._segments())
        return any(near)

    def _segments(self) -> Iterable[tuple[np.ndarray, np.ndarray]]:
        points = np.array(self.points)
        return pairwise(points) if len(points) > 1 else [(points[0], points[0])]

    def __str__(self) -> str:
        kind = "in" if self.positive else "out"
        return f"{kind}, {len(self.points)} points, radius {self.radius:g}"


def _distances(places: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the distance of each place, ``(..., 2)``, to the line from one point to another."""
    along = second - first
    length = float(along @ along)
    share = np.clip((places - first) @ along / length, 0, 1) if length else 0.0
    return np.linalg.norm(places - first - np.asarray(share)[..., None] * along, axis=-1)


@dataclass(frozen=True)
class Box:
    """A box around the object. What a method does with it: :attr:`MethodInfo.box`.

    Parameters
    ----------
    top, left : int
        Row and column of its upper left pixel.
    bottom, right : int
        Row and column behind its lower right pixel, so that ``bottom - top`` is its height.

    Raises
    ------
    TypeError
        If a coordinate is not an integer.
    ValueError
        If a coordinate is negative, or the box has no area.

    Examples
    --------
    >>> Box.parse("10,20,60,90").shape
    (50, 70)
    """

    top: int
    left: int
    bottom: int
    right: int

    def __post_init__(self) -> None:
        for name in ("top", "left", "bottom", "right"):
            number = whole_number(f"A box's {name}", getattr(self, name))
            object.__setattr__(self, name, number)
        if self.top >= self.bottom or self.left >= self.right:
            raise ValueError(
                f"The box {self} has no area: write the upper left corner first, then the lower "
                "right one."
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, in pixels."""
        return self.bottom - self.top, self.right - self.left

    @property
    def corners(self) -> tuple[Point, Point, Point, Point]:
        """The pixels in its corners, clockwise from the upper left one."""
        bottom, right = self.bottom - 1, self.right - 1
        return (self.top, self.left), (self.top, right), (bottom, right), (bottom, self.left)

    @classmethod
    def between(cls, first: Point, second: Point) -> Box:
        """Build the box that a drag from one pixel to another spans, in any direction.

        Parameters
        ----------
        first, second : tuple of int
            Rows and columns of two opposite corners. Both pixels lie in the box.

        Returns
        -------
        Box
            The box.

        Examples
        --------
        >>> Box.between((9, 4), (2, 7))
        Box(top=2, left=4, bottom=10, right=8)
        """
        (top, bottom), (left, right) = (sorted(ends) for ends in zip(first, second, strict=True))
        return cls(top, left, bottom + 1, right + 1)

    @classmethod
    def parse(cls, text: str) -> Box:
        """Parse ``"R0,C0,R1,C1"``, as on the command line.

        Parameters
        ----------
        text : str
            Top, left, bottom and right; the last two lie behind the box.

        Returns
        -------
        Box
            The box.

        Raises
        ------
        ValueError
            If the text has another form, or the box has no area.
        """
        try:
            top, left, bottom, right = (int(part) for part in text.split(","))
        except ValueError:
            raise ValueError(
                f"A box is written R0,C0,R1,C1 (for example 10,20,60,90), not {text!r}."
            ) from None
        return cls(top, left, bottom, right)

    def inside(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the pixels of the box.

        Parameters
        ----------
        shape : tuple of int
            Shape of the image, ``(H, W, ...)``.

        Returns
        -------
        np.ndarray
            ``(H, W) bool``.
        """
        inside = np.zeros(shape[:2], dtype=bool)
        inside[self.top : self.bottom, self.left : self.right] = True
        return inside

    def __str__(self) -> str:
        return f"{self.top},{self.left},{self.bottom},{self.right}"


@dataclass(frozen=True)
class StartMask:
    """A mask to go on from. What a method does with it: :attr:`MethodInfo.start`.

    Parameters
    ----------
    shape : tuple of int
        Height and width, in pixels.
    packed : bytes
        The mask as bits, from :func:`numpy.packbits`.

    Examples
    --------
    >>> import numpy as np
    >>> start = StartMask.of(np.array([[True, False], [True, True]]))
    >>> start.run_lengths(), start.mask.tolist()
    ([0, 2, 1, 1], [[True, False], [True, True]])
    """

    shape: tuple[int, int]
    packed: bytes = field(repr=False)

    @classmethod
    def of(cls, mask: np.ndarray) -> StartMask:
        """Keep a mask as a value that cannot change.

        Parameters
        ----------
        mask : np.ndarray
            ``(H, W) bool``.

        Returns
        -------
        StartMask
            The mask.

        Raises
        ------
        ValueError
            If the array is not ``(H, W) bool``.
        """
        mask = np.asarray(mask)
        if mask.ndim != 2 or mask.dtype != bool:
            raise ValueError(
                f"A start mask is an (H, W) array of bool, not {mask.dtype} of shape {mask.shape}."
            )
        return cls((mask.shape[0], mask.shape[1]), np.packbits(mask).tobytes())

    @property
    def mask(self) -> np.ndarray:
        """The mask, ``(H, W) bool``."""
        bits = np.unpackbits(np.frombuffer(self.packed, np.uint8), count=math.prod(self.shape))
        return bits.reshape(self.shape).astype(bool)

    def run_lengths(self) -> list[int]:
        """Return the lengths of runs down the columns, as in COCO's files; background first.

        Returns
        -------
        list of int
            Their sum is the number of pixels.
        """
        return column_runs(self.mask)

    @classmethod
    def from_run_lengths(cls, shape: Sequence[int], counts: Sequence[int]) -> StartMask:
        """Build a mask from the list that :meth:`run_lengths` returns.

        Parameters
        ----------
        shape : sequence of int
            Height and width, in pixels.
        counts : sequence of int
            The lengths of the runs.

        Returns
        -------
        StartMask
            The mask.

        Raises
        ------
        ValueError
            If the lengths are not whole numbers that add up to the number of pixels.
        """
        lengths = [whole_number("A run's length", count) for count in counts]
        height, width = shape
        if sum(lengths) != height * width:
            raise ValueError(f"The run lengths do not add up to {height} x {width} pixels.")
        flat = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
        return cls.of(flat.reshape(width, height).T)


def column_runs(mask: np.ndarray) -> list[int]:
    """Return uncompressed run lengths, column by column, starting with the background.

    Parameters
    ----------
    mask : np.ndarray
        ``(H, W) bool``.

    Returns
    -------
    list of int
        As ``counts`` in COCO's files.
    """
    flat = mask.ravel(order="F")
    turns = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = np.concatenate([[0] if flat[0] else [], [0], turns, [flat.size]])
    return np.diff(ends).astype(int).tolist()


def whole_number(what: str, value: Any) -> int:
    """Return a value as an integer of at least 0. True counts as 1.

    Parameters
    ----------
    what : str
        Subject of the error message, such as "A click's row".
    value : Any
        The value.

    Returns
    -------
    int
        The number.

    Raises
    ------
    TypeError
        If the value is not an integer.
    ValueError
        If it is negative.
    """
    try:
        number = int(operator.index(value))
    except TypeError:
        raise TypeError(f"{what} is a whole number, not {value!r}.") from None
    if number < 0:
        raise ValueError(f"{what} is at least 0, not {number}.")
    return number


def _point(point: Any) -> Point:
    try:
        row, col = point
    except (TypeError, ValueError):
        raise ValueError(f"A point of a stroke is (row, col), not {point!r}.") from None
    return whole_number("A stroke's row", row), whole_number("A stroke's col", col)


def _pair(text: str) -> Point:
    row, col = (int(part) for part in text.split(","))
    return row, col


def _couple(point: Any) -> tuple[Any, Any]:
    try:
        row, col = point
    except (TypeError, ValueError):
        raise ValueError(f"A point of a touch-up is (row, col), not {point!r}.") from None
    return row, col


def _number(value: Any) -> float:
    """Return a number of at least 0, in hundredths."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ValueError(f"A touch-up is made of numbers, not of {value!r}.")
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"The numbers of a touch-up are at least 0, not {value!r}.")
    return round(float(value), 2)
