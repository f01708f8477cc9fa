"""The user's input on a photo, in order: clicks, and preferences among candidates.

Coordinates are ``(row, col)`` everywhere. Only the two methods named ``from_xy`` take ``(x, y)``.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, overload

import numpy as np


@dataclass(frozen=True)
class Click:
    """One click.

    Parameters
    ----------
    row, col : int
        Position in pixels from the top left corner, both at least 0.
    positive : bool
        True on the object, False on the background.

    Raises
    ------
    TypeError
        If a coordinate is not an integer.
    ValueError
        If a coordinate is negative.

    Examples
    --------
    >>> Click(120, 80)
    Click(row=120, col=80, positive=True)
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
        """Build a click from canvas coordinates.

        Parameters
        ----------
        x, y : float
            Position in pixels: x to the right, y down. Fractions are rounded down.
        positive : bool
            True on the object, False on the background.

        Returns
        -------
        Click
            The click on the pixel that contains the point.

        Raises
        ------
        ValueError
            If a coordinate is negative.

        Examples
        --------
        >>> Click.from_xy(80.7, 120.2)
        Click(row=120, col=80, positive=True)
        """
        return cls(int(np.floor(y)), int(np.floor(x)), positive)

    @classmethod
    def parse(cls, text: str) -> Click:
        """Parse ``"ROW,COL,+"`` or ``"ROW,COL,-"``, as on the command line.

        Parameters
        ----------
        text : str
            Row and column in pixels, then ``+`` for the object or ``-`` for the background.

        Returns
        -------
        Click
            The click.

        Raises
        ------
        ValueError
            If the text has another form, or a coordinate is negative.

        Examples
        --------
        >>> Click.parse("120,80,-")
        Click(row=120, col=80, positive=False)
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
    """The candidate that the user prefers.

    Parameters
    ----------
    candidate : int
        Index of the candidate, from 0.

    Raises
    ------
    TypeError
        If the index is not an integer.
    ValueError
        If the index is negative.
    """

    candidate: int

    def __post_init__(self) -> None:
        number = _whole("A candidate's number", self.candidate)
        object.__setattr__(self, "candidate", number)


Action: TypeAlias = Click | Preference


@dataclass(frozen=True, init=False)
class Clicks:
    """All clicks and preferences on a photo. Immutable: every change returns a new object.

    Length, iteration, indices and slices count the clicks only. A preference belongs to the click
    before it, see :meth:`prefer`.

    Two rules resolve conflicts. A click replaces every earlier click on the same pixel. Where the
    discs of two opposite clicks overlap, a pixel belongs to the nearer centre. At equal distance
    it belongs to the later click. Each click therefore keeps its own pixel.

    Parameters
    ----------
    actions : iterable of Click or Preference, optional
        Clicks and preferences, in order. ``Clicks(clicks)`` is a copy of ``clicks``.

    Attributes
    ----------
    actions : tuple of Click or Preference
        Clicks and preferences, in order.
    items : tuple of Click
        The clicks alone, in order.

    Raises
    ------
    TypeError
        If an action is neither a click nor a preference.
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
                    kept.pop()  # the later preference replaces the earlier one
            kept.append(action)
        object.__setattr__(self, "actions", tuple(kept))
        items = tuple(action for action in kept if isinstance(action, Click))
        object.__setattr__(self, "items", items)

    @classmethod
    def from_xy(cls, points: Iterable[tuple[float, float, bool]]) -> Clicks:
        """Build clicks from canvas coordinates.

        Parameters
        ----------
        points : iterable of (float, float, bool)
            ``(x, y, positive)`` for each click, as for :meth:`Click.from_xy`.

        Returns
        -------
        Clicks
            The clicks, in the same order.

        Raises
        ------
        ValueError
            If a coordinate is negative.
        """
        return cls(Click.from_xy(x, y, positive) for x, y, positive in points)

    def add(self, click: Click) -> Clicks:
        """Return these clicks and one more.

        Parameters
        ----------
        click : Click
            The new click.

        Returns
        -------
        Clicks
            A new object.

        Raises
        ------
        TypeError
            If ``click`` is not a click.
        """
        return Clicks((*self.actions, click))

    def prefer(self, candidate: int | None) -> Clicks:
        """Return these clicks with a preference among the candidates of the answer to them.

        The method then shows this candidate, and the next click corrects it.

        Parameters
        ----------
        candidate : int or None
            Index of the candidate, from 0. It replaces an earlier preference after the same click.
            None removes that preference, so that the method selects again.

        Returns
        -------
        Clicks
            A new object.

        Raises
        ------
        TypeError
            If the index is not an integer.
        ValueError
            If the index is negative, or there is no click yet.
        """
        before = self.actions if self.preferred is None else self.actions[:-1]
        return Clicks(before if candidate is None else (*before, Preference(candidate)))

    def undo(self) -> Clicks:
        """Return these clicks without the last click or preference.

        Returns
        -------
        Clicks
            A new object. It is empty if this one is empty.
        """
        return Clicks(self.actions[:-1])

    @property
    def preferred(self) -> int | None:
        """The candidate preferred after the last click, or None."""
        last = self.actions[-1] if self.actions else None
        return last.candidate if isinstance(last, Preference) else None

    @property
    def preferences(self) -> dict[int, int]:
        """All preferences: a mapping from the number of clicks so far, from 1, to the candidate."""
        found, count = {}, 0
        for action in self.actions:
            if isinstance(action, Preference):
                found[count] = action.candidate
            else:
                count += 1
        return found

    @classmethod
    def joined(
        cls, numbered: Iterable[tuple[int, Click]], preferences: Mapping[int, int]
    ) -> Clicks:
        """Put preferences behind their clicks.

        Parameters
        ----------
        numbered : iterable of (int, Click)
            Clicks with their numbers, from 1.
        preferences : mapping of int to int
            Number of a click to the candidate preferred after it, as :attr:`preferences` has it.

        Returns
        -------
        Clicks
            The clicks in the order given, each followed by its preference if it has one.
        """
        actions: list[Action] = []
        for number, click in numbered:
            actions.append(click)
            if number in preferences:
                actions.append(Preference(preferences[number]))
        return cls(actions)

    def without_preferences(self) -> Clicks:
        """Return the clicks alone. Another method needs this, since its candidates differ.

        Returns
        -------
        Clicks
            A new object.
        """
        return Clicks(self.items)

    def check_candidates(self, count: int) -> None:
        """Check that a method has every preferred candidate.

        Parameters
        ----------
        count : int
            Number of candidates that the method has.

        Raises
        ------
        ValueError
            If the index of a preferred candidate is too large.
        """
        for number in self.preferences.values():
            if number >= count:
                raise ValueError(f"The candidates are numbered 0 to {count - 1}; none is {number}.")

    @property
    def positives(self) -> np.ndarray:
        """Rows and columns of the positive clicks, ``(n, 2) int64``, without replaced clicks."""
        return self._points(positive=True)

    @property
    def negatives(self) -> np.ndarray:
        """Rows and columns of the negative clicks, ``(n, 2) int64``, without replaced clicks."""
        return self._points(positive=False)

    def _points(self, positive: bool) -> np.ndarray:
        last_word = {(click.row, click.col): click.positive for click in self.items}
        points = [point for point, sign in last_word.items() if sign is positive]
        return np.array(points, dtype=np.int64).reshape(-1, 2)

    def check(self, shape: tuple[int, ...]) -> None:
        """Check that every click lies inside an image.

        Parameters
        ----------
        shape : tuple of int
            Shape of the image, ``(H, W, ...)``.

        Raises
        ------
        ValueError
            If a click lies outside the image. The message names the click.
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

        DOS (section 4.1) gives classical methods discs of radius 5, because one pixel is not
        enough to estimate a colour distribution.

        Parameters
        ----------
        shape : tuple of int
            Shape of the image, ``(H, W, ...)``.
        radius : int
            Radius of the discs, in pixels. 0 gives single pixels.

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
        """Return ``[[row, col, positive], ...]``, the form in every JSON file.

        Returns
        -------
        list
            One list for each click. A preference is ``{"prefer": candidate}`` after its click.

        Examples
        --------
        >>> Clicks([Click(10, 20)]).prefer(3).to_list()
        [[10, 20, True], {'prefer': 3}]
        """
        return [
            {"prefer": action.candidate}
            if isinstance(action, Preference)
            else [action.row, action.col, action.positive]
            for action in self.actions
        ]

    @classmethod
    def from_list(cls, rows: Iterable[Any]) -> Clicks:
        """Build clicks from the list that :meth:`to_list` returns.

        Parameters
        ----------
        rows : iterable
            The entries of the list.

        Returns
        -------
        Clicks
            The clicks and preferences.

        Raises
        ------
        ValueError
            If an entry is neither ``[row, col, positive]`` nor ``{"prefer": candidate}``.
        """
        return cls(map(_stored_action, rows))

    def to_json(self) -> str:
        """Return the clicks as a JSON string.

        Returns
        -------
        str
            The list of :meth:`to_list` as JSON.
        """
        return json.dumps(self.to_list())

    @classmethod
    def from_json(cls, text: str) -> Clicks:
        """Build clicks from the string that :meth:`to_json` returns.

        Parameters
        ----------
        text : str
            A JSON list, as for :meth:`from_list`.

        Returns
        -------
        Clicks
            The clicks and preferences.

        Raises
        ------
        ValueError
            If the string is not JSON, or not a list of clicks.
        """
        try:
            rows = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"The stored clicks are not JSON: {error}.") from error
        if not isinstance(rows, list):
            raise ValueError("Stored clicks must be a list of [row, col, true or false].")
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
        places = range(*index.indices(len(self.items)))
        return Clicks.joined(((place + 1, self.items[place]) for place in places), self.preferences)

    def __repr__(self) -> str:
        words = (
            f"prefer({action.candidate})" if isinstance(action, Preference) else str(action)
            for action in self.actions
        )
        return f"Clicks({' '.join(words)})"


def _whole(what: str, value: Any) -> int:
    """Return a value as an integer of at least 0. True counts as 1."""
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
            f"A stored click must be [row, col, true or false], not {entry!r}."
        ) from None
