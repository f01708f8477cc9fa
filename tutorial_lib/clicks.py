"""What a person says about a photo, in order: clicks, and which candidate they prefer.

Coordinates are ``(row, col)`` everywhere; :meth:`Click.from_xy` is the only place that accepts
``(x, y)``.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias, overload

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
            object.__setattr__(self, name, _whole(f"A click's {name}", value))
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


@dataclass(frozen=True)
class Preference:
    """Which of the candidates shown a person prefers.

    Parameters
    ----------
    candidate : int
        Its number, from 0.

    Raises
    ------
    TypeError
        If it is no whole number.
    ValueError
        If it is negative.
    """

    candidate: int

    def __post_init__(self) -> None:
        number = _whole("A candidate's number", self.candidate)
        object.__setattr__(self, "candidate", number)


Action: TypeAlias = Click | Preference


@dataclass(frozen=True, init=False)
class Clicks:
    """All that a person has said about a photo; immutable, so every change gives a new value.

    Most of it is clicks: length, iteration and slices count those. Between them stands what the
    person prefers among the candidates of a method, see :meth:`prefer`.

    Two rules settle conflicts. A click replaces every earlier one on the same pixel. Where the
    discs of two opposite clicks overlap, a pixel goes to the nearer centre, at equal distance to
    the later click, so each click keeps its own pixel.

    Parameters
    ----------
    actions : iterable of Click or Preference, optional
        In the order they were made. ``Clicks(clicks)`` is an equal value.

    Attributes
    ----------
    items : tuple of Click
        The clicks alone.

    Raises
    ------
    TypeError
        If an action is something else.
    ValueError
        If a preference comes before the first click.

    Examples
    --------
    >>> clicks = Clicks().add(Click(10, 20)).add(Click(5, 5, positive=False))
    >>> len(clicks), len(clicks.undo())
    (2, 1)
    >>> clicks.prefer(3).preferred
    3
    """

    actions: tuple[Action, ...]
    items: tuple[Click, ...] = field(compare=False)

    def __init__(self, actions: Iterable[Action] = ()) -> None:
        kept: list[Action] = []
        for action in actions.actions if isinstance(actions, Clicks) else actions:
            if not isinstance(action, Click | Preference):
                raise TypeError(f"Clicks holds Click objects, not {action!r}.")
            if isinstance(action, Preference):
                if not kept:
                    raise ValueError("There is nothing to prefer before the first click.")
                if isinstance(kept[-1], Preference):
                    kept.pop()  # the later preference counts
            kept.append(action)
        object.__setattr__(self, "actions", tuple(kept))
        items = tuple(action for action in kept if isinstance(action, Click))
        object.__setattr__(self, "items", items)

    @classmethod
    def from_xy(cls, points: Iterable[tuple[float, float, bool]]) -> Clicks:
        """Build clicks from ``(x, y, positive)`` triples, x to the right and y down."""
        return cls(Click.from_xy(x, y, positive) for x, y, positive in points)

    def add(self, click: Click) -> Clicks:
        """Return these clicks followed by one more."""
        return Clicks((*self.actions, click))

    def prefer(self, candidate: int | None) -> Clicks:
        """Return these clicks and what the person prefers of a method's answer to them.

        The method shows that candidate, and the next click corrects it.

        Parameters
        ----------
        candidate : int or None
            Its number, from 0; it replaces one preferred after the same click. None leaves the
            choice to the method again.

        Returns
        -------
        Clicks
            The new value.

        Raises
        ------
        TypeError
            If it is no whole number.
        ValueError
            If it is negative, or there is no click yet.
        """
        before = self.actions if self.preferred is None else self.actions[:-1]
        return Clicks(before if candidate is None else (*before, Preference(candidate)))

    def undo(self) -> Clicks:
        """Return these clicks without what was said last; no clicks stay no clicks."""
        return Clicks(self.actions[:-1])

    @property
    def preferred(self) -> int | None:
        """The candidate preferred after the last click, or None."""
        last = self.actions[-1] if self.actions else None
        return last.candidate if isinstance(last, Preference) else None

    @property
    def preferences(self) -> dict[int, int]:
        """All preferences: number of clicks before, from 1, to the candidate preferred then."""
        found, count = {}, 0
        for action in self.actions:
            if isinstance(action, Preference):
                found[count] = action.candidate
            else:
                count += 1
        return found

    def without_preferences(self) -> Clicks:
        """Return the clicks alone, as for another method, which has other candidates."""
        return Clicks(self.items)

    def check_candidates(self, count: int) -> None:
        """Refuse preferences for candidates that a method does not have.

        Parameters
        ----------
        count : int
            How many candidates it has.

        Raises
        ------
        ValueError
            If a preferred number is too large.
        """
        for number in self.preferences.values():
            if number >= count:
                raise ValueError(f"The candidates are numbered 0 to {count - 1}; none is {number}.")

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

    def to_list(self) -> list[list[int | bool] | dict[str, int]]:
        """Return ``[[row, col, positive], ...]``, the form used in every JSON file.

        A preference is ``{"prefer": candidate}`` and follows its click.
        """
        return [
            {"prefer": action.candidate}
            if isinstance(action, Preference)
            else [action.row, action.col, action.positive]
            for action in self.actions
        ]

    @classmethod
    def from_list(cls, rows: Iterable[Any]) -> Clicks:
        """Read what :meth:`to_list` wrote.

        Raises
        ------
        ValueError
            If an entry is neither ``[row, col, positive]`` nor ``{"prefer": candidate}``.
        """
        return cls(map(_stored_action, rows))

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
        if not isinstance(index, slice):
            return self.items[index]
        preferences, actions = self.preferences, list[Action]()
        for place in range(*index.indices(len(self.items))):
            actions.append(self.items[place])
            if place + 1 in preferences:
                actions.append(Preference(preferences[place + 1]))
        return Clicks(actions)

    def __repr__(self) -> str:
        words = (
            f"prefer({action.candidate})" if isinstance(action, Preference) else str(action)
            for action in self.actions
        )
        return f"Clicks({' '.join(words)})"


def _whole(what: str, value: Any) -> int:
    """Return a whole number that is at least 0; True counts as 1."""
    try:
        number = int(operator.index(value))
    except TypeError:
        raise TypeError(f"{what} is a whole number, not {value!r}.") from None
    if number < 0:
        raise ValueError(f"{what} is at least 0, not {number}.")
    return number


def _stored_action(entry: Any) -> Action:
    try:
        if isinstance(entry, dict):
            (candidate,) = entry.values() if entry.keys() == {"prefer"} else ()
            return Preference(candidate)
        row, col, positive = entry
        if not isinstance(positive, (bool, np.bool_)):
            raise TypeError
        return Click(row, col, positive)
    except (TypeError, ValueError):
        raise ValueError(
            f"A stored click reads [row, col, true or false], not {entry!r}."
        ) from None
