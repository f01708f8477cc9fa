"""What a user can draw on a photo beside a click: a stroke.

Coordinates are ``(row, col)`` everywhere; only ``from_xy`` takes ``(x, y)``.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from typing import Any

import numpy as np

Point = tuple[int, int]


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
