"""What the user says: points on the object, points on the background, in the order they came.

Coordinates are ``(row, col)`` everywhere; :meth:`Click.from_xy` is the only place that accepts
``(x, y)``.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import overload

import numpy as np


@dataclass(frozen=True)
class Click:
    """One click.

    Parameters
    ----------
    row, col : int
        Pixel position, counted from the top left corner, both at least 0.
    positive : bool
        True on the object, False on the background.

    Raises
    ------
    TypeError
        If a coordinate is no whole number.
    ValueError
        If a coordinate is negative.
    """

    row: int
    col: int
    positive: bool = True

    def __post_init__(self) -> None:
        for name in ("row", "col"):
            value = getattr(self, name)
            try:
                index = int(operator.index(value))  # True counts as 1, and is stored as 1
            except TypeError:
                raise TypeError(f"A click's {name} is a whole number, not {value!r}.") from None
            if index < 0:
                raise ValueError(f"A click's {name} is at least 0, not {index}.")
            object.__setattr__(self, name, index)
        object.__setattr__(self, "positive", bool(self.positive))

    @classmethod
    def from_xy(cls, x: float, y: float, positive: bool = True) -> Click:
        """Build a click from canvas coordinates: x to the right, y down, fractions cut off."""
        return cls(int(np.floor(y)), int(np.floor(x)), positive)

    @classmethod
    def parse(cls, text: str) -> Click:
        """Read ``"ROW,COL,+"`` or ``"ROW,COL,-"``, the form the command line takes.

        Raises
        ------
        ValueError
            If the text has another form.
        """
        parts = [part.strip() for part in text.split(",")]
        if len(parts) != 3 or parts[2] not in ("+", "-"):
            raise ValueError(
                f"A click is written ROW,COL,+ or ROW,COL,- (for example 120,80,+), not {text!r}."
            )
        try:
            row, col = int(parts[0]), int(parts[1])
        except ValueError:
            raise ValueError(
                f"ROW and COL are whole numbers, but the click says {text!r}."
            ) from None
        return cls(row, col, parts[2] == "+")

    def __str__(self) -> str:
        return f"{self.row},{self.col},{'+' if self.positive else '-'}"


@dataclass(frozen=True, init=False)
class Clicks:
    """An immutable sequence of clicks; every change gives a new one.

    Two rules settle conflicts. A click replaces every earlier one on the same pixel: the last
    word counts. And where the discs of two opposite clicks overlap, a pixel goes to the nearer
    centre, at equal distance to the later click, so that each click keeps its own pixel.

    Parameters
    ----------
    items : iterable of Click, optional
        The clicks in the order they were made.

    Examples
    --------
    >>> clicks = Clicks().add(Click(10, 20)).add(Click(5, 5, positive=False))
    >>> len(clicks), len(clicks.undo())
    (2, 1)
    """

    items: tuple[Click, ...]

    def __init__(self, items: Iterable[Click] = ()) -> None:
        clicks = tuple(items)
        for click in clicks:
            if not isinstance(click, Click):
                raise TypeError(f"Clicks holds Click objects, not {click!r}.")
        object.__setattr__(self, "items", clicks)

    @classmethod
    def from_xy(cls, points: Iterable[tuple[float, float, bool]]) -> Clicks:
        """Build clicks from ``(x, y, positive)`` triples, x to the right and y down."""
        return cls(Click.from_xy(x, y, positive) for x, y, positive in points)

    def add(self, click: Click) -> Clicks:
        """Return these clicks followed by one more."""
        return Clicks((*self.items, click))

    def undo(self) -> Clicks:
        """Return these clicks without the last one; none stay none."""
        return Clicks(self.items[:-1])

    @property
    def positives(self) -> np.ndarray:
        """``(n, 2) int64`` rows and columns on the object, superseded clicks left out."""
        return self._points(positive=True)

    @property
    def negatives(self) -> np.ndarray:
        """``(n, 2) int64`` rows and columns on the background, superseded clicks left out."""
        return self._points(positive=False)

    def _points(self, positive: bool) -> np.ndarray:
        last_word = {(click.row, click.col): click.positive for click in self.items}
        points = [point for point, sign in last_word.items() if sign is positive]
        return np.array(points, dtype=np.int64).reshape(-1, 2)

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse clicks that lie outside an image.

        Parameters
        ----------
        shape : tuple of int
            Shape of the image; only height and width are looked at.

        Raises
        ------
        ValueError
            If a click lies outside; the text names it.
        """
        height, width = shape[:2]
        for click in self.items:
            if click.row >= height or click.col >= width:
                raise ValueError(
                    f"The click at row {click.row}, column {click.col} lies outside the image: "
                    f"rows go from 0 to {height - 1}, columns from 0 to {width - 1}."
                )

    def discs(self, shape: tuple[int, ...], radius: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """Paint every click as a disc.

        DOS gives classical methods discs of radius 5 (section 4.1), since a single pixel tells
        nothing about a colour distribution.

        Parameters
        ----------
        shape : tuple of int
            Shape of the image, ``(H, W, ...)``.
        radius : int
            Pixels at most this far from the centre belong to the disc; 0 gives single pixels.

        Returns
        -------
        positive, negative : np.ndarray
            ``(H, W) bool`` each; no pixel is in both.

        Raises
        ------
        ValueError
            If a click lies outside the image or the radius is negative.
        """
        if radius < 0:
            raise ValueError(f"A disc's radius is at least 0, not {radius}.")
        self.check(shape)
        nearest = np.full(shape[:2], np.inf)
        label = np.zeros(shape[:2], dtype=np.int8)
        for click in self.items:
            window = (
                slice(max(0, click.row - radius), click.row + radius + 1),
                slice(max(0, click.col - radius), click.col + radius + 1),
            )
            rows, cols = np.ogrid[: shape[0], : shape[1]]
            distance = (rows[window[0]] - click.row) ** 2 + (cols[:, window[1]] - click.col) ** 2
            wins = (distance <= radius**2) & (distance <= nearest[window])
            nearest[window][wins] = distance[wins]
            label[window][wins] = 1 if click.positive else -1
        return label == 1, label == -1

    def to_list(self) -> list[list[int | bool]]:
        """Return ``[[row, col, positive], ...]``, the form used in every JSON file."""
        return [[click.row, click.col, click.positive] for click in self.items]

    @classmethod
    def from_list(cls, rows: Iterable[Iterable[int | bool]]) -> Clicks:
        """Read what :meth:`to_list` wrote.

        Raises
        ------
        ValueError
            If an entry is not ``[row, col, positive]``.
        """
        clicks = []
        for entry in rows:
            try:
                row, col, positive = entry
                if not isinstance(positive, (bool, np.bool_)):
                    raise TypeError
                clicks.append(Click(row, col, positive))
            except (TypeError, ValueError):
                raise ValueError(
                    f"A stored click reads [row, col, true or false], not {entry!r}."
                ) from None
        return cls(clicks)

    def to_json(self) -> str:
        """Return the clicks as a JSON text: ``[[row, col, positive], ...]``."""
        return json.dumps(self.to_list())

    @classmethod
    def from_json(cls, text: str) -> Clicks:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ValueError
            If the text is no such JSON.
        """
        try:
            rows = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"The stored clicks are no JSON: {error}.") from error
        if not isinstance(rows, list):
            raise ValueError("Stored clicks are a list of [row, col, true or false].")
        return cls.from_list(rows)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Click]:
        return iter(self.items)

    @overload
    def __getitem__(self, index: int) -> Click: ...
    @overload
    def __getitem__(self, index: slice) -> Clicks: ...
    def __getitem__(self, index: int | slice) -> Click | Clicks:
        return Clicks(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __repr__(self) -> str:
        return f"Clicks({' '.join(map(str, self.items))})"
