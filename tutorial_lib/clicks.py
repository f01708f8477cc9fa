"""The user's input on a photo, in order: clicks, strokes, and preferences among candidates.

Coordinates are ``(row, col)`` everywhere. Only the methods named ``from_xy`` take ``(x, y)``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, overload

import numpy as np

from tutorial_lib.actions import Point, Stroke, whole_number


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
            object.__setattr__(self, name, whole_number(f"A click's {name}", value))
        object.__setattr__(self, "positive", bool(self.positive))

    @property
    def points(self) -> tuple[Point]:
        """The click's pixel as a stroke of one point: ``((row, col),)``."""
        return ((self.row, self.col),)

    @property
    def pixels(self) -> np.ndarray:
        """Row and column of the click's pixel, ``(1, 2) int64``, like those of a stroke."""
        return np.array(self.points, dtype=np.int64)

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
        number = whole_number("A candidate's number", self.candidate)
        object.__setattr__(self, "candidate", number)


Mark: TypeAlias = Click | Stroke
Action: TypeAlias = Mark | Preference


@dataclass(frozen=True, init=False)
class Clicks:
    """All clicks, strokes and preferences on a photo. Immutable: a change returns a new object.

    Length, iteration, indices and slices count clicks and strokes: a stroke counts as one, however
    long it is. A preference belongs to the click or stroke before it, see :meth:`prefer`.

    Two rules resolve conflicts. A click replaces every earlier click on the same pixel. Where the
    discs of two opposite clicks overlap, a pixel belongs to the nearer centre. At equal distance
    it belongs to the later click. Each click therefore keeps its own pixel. Both rules hold for
    every pixel of a stroke as for a click.

    Parameters
    ----------
    actions : iterable of Click, Stroke or Preference, optional
        What the user said, in order. ``Clicks(clicks)`` is a copy of ``clicks``.

    Attributes
    ----------
    actions : tuple of Click, Stroke or Preference
        What the user said, in order.
    items : tuple of Click or Stroke
        The clicks and strokes alone, in order.

    Raises
    ------
    TypeError
        If an action is neither a click nor a stroke nor a preference.
    ValueError
        If a preference comes before the first click.

    Examples
    --------
    >>> clicks = Clicks().add(Click(10, 20)).add(Click(5, 5, positive=False))
    >>> len(clicks), len(clicks.undo())
    (2, 1)
    >>> len(clicks.add(Stroke([(5, 5), (5, 30)], positive=False)))
    3
    >>> clicks.prefer(3).preferred
    3
    """

    actions: tuple[Action, ...]
    items: tuple[Mark, ...] = field(compare=False)

    def __init__(self, actions: Iterable[Action] = ()) -> None:
        kept: list[Action] = []
        for action in actions.actions if isinstance(actions, Clicks) else actions:
            if not isinstance(action, Click | Stroke | Preference):
                raise TypeError(f"Clicks holds Click objects and Stroke objects, not {action!r}.")
            if isinstance(action, Preference):
                if not kept:
                    raise ValueError("There is nothing to prefer before the first click.")
                if isinstance(kept[-1], Preference):
                    kept.pop()  # the later preference replaces the earlier one
            kept.append(action)
        object.__setattr__(self, "actions", tuple(kept))
        items = tuple(action for action in kept if isinstance(action, Click | Stroke))
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

    def add(self, mark: Mark) -> Clicks:
        """Return these clicks and one more click or stroke.

        Parameters
        ----------
        mark : Click or Stroke
            The new click or stroke.

        Returns
        -------
        Clicks
            A new object.

        Raises
        ------
        TypeError
            If ``mark`` is neither a click nor a stroke.
        """
        return Clicks((*self.actions, mark))

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
        """Return these clicks without the last click, stroke or preference.

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
    def joined(cls, numbered: Iterable[tuple[int, Mark]], preferences: Mapping[int, int]) -> Clicks:
        """Put preferences behind their clicks.

        Parameters
        ----------
        numbered : iterable of (int, Click or Stroke)
            Clicks and strokes with their numbers, from 1.
        preferences : mapping of int to int
            Number of a click to the candidate preferred after it, as :attr:`preferences` has it.

        Returns
        -------
        Clicks
            The clicks in the order given, each followed by its preference if it has one.
        """
        actions: list[Action] = []
        for number, mark in numbered:
            actions.append(mark)
            if number in preferences:
                actions.append(Preference(preferences[number]))
        return cls(actions)

    def without_preferences(self) -> Clicks:
        """Return clicks and strokes alone. Another method needs this: its candidates differ.

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
        """Rows and columns of the positive pixels, ``(n, 2) int64``, without replaced ones."""
        return self._points(positive=True)

    @property
    def negatives(self) -> np.ndarray:
        """Rows and columns of the negative pixels, ``(n, 2) int64``, without replaced ones."""
        return self._points(positive=False)

    def _points(self, positive: bool) -> np.ndarray:
        last_word = {
            (row, col): mark.positive for mark in self.items for row, col in mark.pixels.tolist()
        }
        points = [point for point, sign in last_word.items() if sign is positive]
        return np.array(points, dtype=np.int64).reshape(-1, 2)

    def check(self, shape: tuple[int, ...]) -> None:
        """Check that every click and every stroke lies inside an image.

        Parameters
        ----------
        shape : tuple of int
            Shape of the image, ``(H, W, ...)``.

        Raises
        ------
        ValueError
            If a click or a point of a stroke lies outside the image. The message names it.
        """
        height, width = shape[:2]
        for mark in self.items:
            for row, col in mark.points:
                if row >= height or col >= width:
                    what = "click" if isinstance(mark, Click) else "stroke's point"
                    raise ValueError(
                        f"The {what} at row {row}, column {col} lies outside the image: "
                        f"rows go from 0 to {height - 1}, columns from 0 to {width - 1}."
                    )

    def moved(
        self,
        scale: tuple[float, float],
        corner: Point = (0, 0),
        extent: tuple[int, int] | None = None,
    ) -> Clicks:
        """Return clicks and strokes in pixels of another grid. Preferences are left out.

        Parameters
        ----------
        scale : tuple of float
            Rows and columns of the other grid for each row and column of this one.
        corner : tuple of int
            Row and column of this grid where the other one begins.
        extent : tuple of int, optional
            Height and width of the part that the other grid covers, in pixels of this one. Clicks
            and parts of strokes outside are left out, so one stroke may become several.

        Returns
        -------
        Clicks
            The centres of the pixels, on the other grid.

        Examples
        --------
        >>> Clicks([Click(8, 8), Click(2, 40)]).moved((0.5, 0.5), extent=(16, 16))
        Clicks(4,4,+)
        """
        if extent is None:
            return Clicks(_on_grid(mark, mark.points, scale, corner) for mark in self.items)
        return Clicks(
            _on_grid(mark, part, scale, corner)
            for mark in self.items
            for part in _parts_inside(mark, corner, extent)
        )

    def discs(self, shape: tuple[int, ...], radius: int = 5) -> tuple[np.ndarray, np.ndarray]:
        """Paint every click as a disc, and every stroke as discs around its pixels.

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
            If a click or stroke lies outside the image, or the radius is negative.
        """
        if radius < 0:
            raise ValueError(f"A disc's radius is at least 0, not {radius}.")
        self.check(shape)
        nearest = np.full(shape[:2], np.inf)
        label = np.zeros(shape[:2], dtype=np.int8)
        rows, cols = np.ogrid[: shape[0], : shape[1]]
        pixels = [(row, col, mark) for mark in self.items for row, col in mark.pixels.tolist()]
        for row, col, mark in pixels:
            window = (
                slice(max(0, row - radius), row + radius + 1),
                slice(max(0, col - radius), col + radius + 1),
            )
            distance = (rows[window[0]] - row) ** 2 + (cols[:, window[1]] - col) ** 2
            wins = (distance <= radius**2) & (distance <= nearest[window])
            nearest[window][wins] = distance[wins]
            label[window][wins] = 1 if mark.positive else -1
        return label == 1, label == -1

    def to_list(self) -> list[list[int | bool] | dict[str, Any]]:
        """Return ``[[row, col, positive], ...]``, the form in every JSON file.

        Returns
        -------
        list
            One list for each click. A stroke is ``{"stroke": [[row, col], ...], "positive": ...}``.
            A preference is ``{"prefer": candidate}`` after its click or stroke.

        Examples
        --------
        >>> Clicks([Click(10, 20)]).prefer(3).to_list()
        [[10, 20, True], {'prefer': 3}]
        """
        return list(map(_stored_form, self.actions))

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
            What the user said.

        Raises
        ------
        ValueError
            If an entry has none of the forms of :meth:`to_list`.
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
            What the user said.

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

    def __iter__(self) -> Iterator[Mark]:
        return iter(self.items)

    @overload
    def __getitem__(self, index: int) -> Mark: ...
    @overload
    def __getitem__(self, index: slice) -> Clicks: ...
    def __getitem__(self, index: int | slice) -> Mark | Clicks:
        if not isinstance(index, slice):
            return self.items[index]
        places = range(*index.indices(len(self.items)))
        return Clicks.joined(((place + 1, self.items[place]) for place in places), self.preferences)

    def __repr__(self) -> str:
        return f"Clicks({' '.join(map(_shown, self.actions))})"


def _parts_inside(mark: Mark, corner: Point, extent: tuple[int, int]) -> list[np.ndarray]:
    """Return the runs of a mark's pixels that lie inside a rectangle."""
    offset = mark.pixels - corner
    inside = ((offset >= 0) & (offset < extent)).all(axis=1)
    if inside.all():
        return [np.array(mark.points)]
    turns = np.flatnonzero(np.diff(inside)) + 1
    parts = zip(np.split(mark.pixels, turns), np.split(inside, turns), strict=True)
    return [pixels for pixels, kept in parts if kept[0]]


def _on_grid(mark: Mark, points: Any, scale: tuple[float, float], corner: Point) -> Mark:
    """Return a mark with these points, moved to another grid."""
    moved = ((np.asarray(points) - corner + 0.5) * scale).astype(np.int64).tolist()
    if isinstance(mark, Click):
        return Click(*moved[0], mark.positive)
    return Stroke(tuple((row, col) for row, col in moved), mark.positive)


def _shown(action: Action) -> str:
    if isinstance(action, Preference):
        return f"prefer({action.candidate})"
    return f"stroke({action})" if isinstance(action, Stroke) else str(action)


def _stored_form(action: Action) -> list[int | bool] | dict[str, Any]:
    if isinstance(action, Preference):
        return {"prefer": action.candidate}
    if isinstance(action, Stroke):
        return {"stroke": [list(point) for point in action.points], "positive": action.positive}
    return [action.row, action.col, action.positive]


def _stored_action(entry: Any) -> Action:
    try:
        if not isinstance(entry, dict):
            row, col, positive = entry
            return Click(row, col, _sign(positive))
        if entry.keys() == {"prefer"}:
            return Preference(entry["prefer"])
        if entry.keys() == {"stroke", "positive"}:
            return Stroke(entry["stroke"], _sign(entry["positive"]))
    except (TypeError, ValueError):
        pass
    raise ValueError(
        "A stored click must be [row, col, true or false], and a stored stroke "
        f'{{"stroke": [[row, col], ...], "positive": true or false}}, not {entry!r}.'
    )


def _sign(positive: Any) -> bool:
    if not isinstance(positive, (bool, np.bool_)):
        raise TypeError
    return bool(positive)
