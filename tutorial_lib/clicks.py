"""The user's input on a photo, in order: clicks, strokes, boxes, and preferences among candidates.

It may begin with a mask to start from. Touch-ups of the mask are part of it too.

Coordinates are ``(row, col)`` everywhere. Only the methods named ``from_xy`` take ``(x, y)``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeAlias, overload

import numpy as np

from tutorial_lib.actions import Box, Point, StartMask, Stroke, TouchUp, whole_number


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
Action: TypeAlias = Mark | Preference | Box | StartMask | TouchUp


@dataclass(frozen=True, init=False)
class Clicks:
    """Everything a user has said about a photo. Immutable: a change returns a new object.

    Length, iteration, indices and slices count clicks and strokes: a stroke counts as one, however
    long it is. A preference belongs to the click or stroke before it, see :meth:`prefer`. A box
    replaces the box before it, see :attr:`box`. A start mask comes before everything else, see
    :meth:`starting_from`. A touch-up changes the mask that the method answers with, see
    :meth:`paint_touch_ups`; methods ignore it.

    Two rules resolve conflicts. A click replaces every earlier click on the same pixel. Where the
    discs of two opposite clicks overlap, a pixel belongs to the nearer centre. At equal distance
    it belongs to the later click. Each click therefore keeps its own pixel. Both rules hold for
    every pixel of a stroke as for a click.

    Parameters
    ----------
    actions : iterable of Click, Stroke, Box, StartMask, Preference or TouchUp, optional
        What the user said, in order. ``Clicks(clicks)`` is a copy of ``clicks``.

    Attributes
    ----------
    actions : tuple of Click, Stroke, Box, StartMask, Preference or TouchUp
        What the user said, in order. After each click, touch-ups come last, because they lie on top
        of the answer.
    items : tuple of Click or Stroke
        The clicks and strokes alone, in order.

    Raises
    ------
    TypeError
        If an action is of another type.
    ValueError
        If a preference comes before the first click, or a start mask after another action.

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
            if not isinstance(action, Action):
                raise TypeError(f"Clicks holds Click objects and Stroke objects, not {action!r}.")
            on_top: list[Action] = []
            while isinstance(action, Box | Preference) and kept and isinstance(kept[-1], TouchUp):
                on_top.insert(0, kept.pop())
            if isinstance(action, StartMask) and kept:
                raise ValueError("A start mask comes first: use `starting_from`.")
            if isinstance(action, Preference):
                if not any(isinstance(before, Mark) for before in kept):
                    raise ValueError("There is nothing to prefer before the first click.")
                if isinstance(kept[-1], Preference):
                    kept.pop()  # the later preference replaces the earlier one
            while isinstance(action, Box) and kept and isinstance(kept[-1], Box | Preference):
                kept.pop()  # so does the later box, and it gives other candidates
            kept += [action, *on_top]
        object.__setattr__(self, "actions", tuple(kept))
        items = tuple(action for action in kept if isinstance(action, Mark))
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

    def add(self, action: Action) -> Clicks:
        """Return these clicks and one more click, stroke, box or touch-up.

        Parameters
        ----------
        action : Click, Stroke, Box or TouchUp
            What the user adds.

        Returns
        -------
        Clicks
            A new object.

        Raises
        ------
        TypeError
            If ``action`` is of another type.
        """
        return Clicks((*self.actions, action))

    def starting_from(self, mask: np.ndarray | None) -> Clicks:
        """Return these clicks with a mask to start from, as if it had been there before them.

        Parameters
        ----------
        mask : np.ndarray or None
            ``(H, W) bool``, of the size of the photo. It replaces an earlier start mask. None
            removes that.

        Returns
        -------
        Clicks
            A new object.

        Raises
        ------
        ValueError
            If the array is not ``(H, W) bool``.

        Examples
        --------
        >>> import numpy as np
        >>> clicks = Clicks([Click(0, 1)]).starting_from(np.eye(2, dtype=bool))
        >>> len(clicks), clicks.start.mask.tolist()
        (1, [[True, False], [False, True]])
        """
        start = () if mask is None else (StartMask.of(mask),)
        return Clicks((*start, *(a for a in self.actions if not isinstance(a, StartMask))))

    @property
    def start(self) -> StartMask | None:
        """The mask to start from, or None."""
        first = self.actions[0] if self.actions else None
        return first if isinstance(first, StartMask) else None

    @property
    def box(self) -> Box | None:
        """The latest box, or None."""
        return next((a for a in reversed(self.actions) if isinstance(a, Box)), None)

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
        before = list(self.actions)
        if self.preferred is not None:
            before.remove(self._last())
        return Clicks(before if candidate is None else (*before, Preference(candidate)))

    def _last(self) -> Action | None:
        """Return the last action that is no touch-up."""
        return next((a for a in reversed(self.actions) if not isinstance(a, TouchUp)), None)

    @property
    def touch_ups(self) -> tuple[TouchUp, ...]:
        """All touch-ups, in order."""
        return tuple(action for action in self.actions if isinstance(action, TouchUp))

    def without_touch_ups(self) -> Clicks:
        """Return everything else: what a method answers.

        Returns
        -------
        Clicks
            A new object.
        """
        return Clicks(action for action in self.actions if not isinstance(action, TouchUp))

    def paint_touch_ups(
        self, answer: np.ndarray, scale: tuple[float, float] = (1.0, 1.0)
    ) -> np.ndarray:
        """Paint the touch-ups on an answer. A later click gets another answer, and they stay on it.

        A touch-up ends when a later click or stroke of the other kind lies on it. So a click always
        gets what it asks for.

        Parameters
        ----------
        answer : np.ndarray
            ``(..., H, W)``: the mask, the probability, or both. Each touch-up is drawn once.
        scale : tuple of float
            Rows and columns of ``answer`` for each row and column of the clicks' image.

        Returns
        -------
        np.ndarray
            A copy with 1 and 0 where touch-ups are; ``answer`` itself if there are none.

        Examples
        --------
        >>> clicks = Clicks([Click(0, 0), TouchUp([(0, 1)], radius=1)])
        >>> clicks.paint_touch_ups(np.zeros((1, 4), bool)).tolist()
        [[True, True, True, False]]
        >>> clicks.add(Click(0, 2, False)).paint_touch_ups(np.zeros((1, 4), bool)).any()
        np.False_
        """
        painted = answer
        for place, action in enumerate(self.actions):
            if isinstance(action, TouchUp) and not self._ended(action, place):
                painted = answer.copy() if painted is answer else painted
                painted[..., action.inside(answer.shape[-2:], scale)] = action.positive
        return painted

    def _ended(self, touch_up: TouchUp, place: int) -> bool:
        """Whether a later mark of the other kind lies on a touch-up."""
        return any(
            isinstance(later, Mark)
            and later.positive != touch_up.positive
            and touch_up.covers(later.pixels)
            for later in self.actions[place + 1 :]
        )

    def move_mark(self, number: int, row: int, col: int) -> Clicks:
        """Return these clicks with one click or stroke moved to another place.

        Preferences after it are dropped: they chose among the answers to the old place.

        Parameters
        ----------
        number : int
            Which click or stroke, as an index.
        row, col : int
            The new pixel of the click. A stroke moves as a whole, and its last point gets there.

        Returns
        -------
        Clicks
            A new object.

        Raises
        ------
        ValueError
            If there is no such click, or a coordinate is negative.

        Examples
        --------
        >>> Clicks([Click(1, 2), Click(5, 5, False)]).move_mark(0, 3, 4)
        Clicks(3,4,+ 5,5,-)
        """
        mark = self._mark(number)
        if mark.points[-1] == (row, col):
            return self
        if isinstance(mark, Click):
            return self._with(number, Click(row, col, mark.positive))
        down, right = row - mark.points[-1][0], col - mark.points[-1][1]
        points = tuple((top + down, left + right) for top, left in mark.points)
        return self._with(number, Stroke(points, mark.positive))

    def delete_mark(self, number: int) -> Clicks:
        """Return these clicks without one click or stroke.

        Preferences after it are dropped: they chose among the answers to it.

        Parameters
        ----------
        number : int
            Which click or stroke, as an index.

        Returns
        -------
        Clicks
            A new object.

        Raises
        ------
        ValueError
            If there is no such click.

        Examples
        --------
        >>> Clicks([Click(1, 2), Click(5, 5, False)]).delete_mark(0)
        Clicks(5,5,-)
        """
        self._mark(number)
        return self._with(number)

    def _mark(self, number: int) -> Mark:
        count = len(self.items)
        if not -count <= number < count:
            raise ValueError(f"There is no click {number}: there are {count}, numbered from 0.")
        return self.items[number]

    def _with(self, number: int, *new: Mark) -> Clicks:
        """Return these clicks with something else in the place of one click or stroke."""
        places = [k for k, action in enumerate(self.actions) if isinstance(action, Mark)]
        before, after = self.actions[: places[number]], self.actions[places[number] + 1 :]
        kept = (action for action in after if not isinstance(action, Preference))
        return Clicks((*before, *new, *kept))

    def undo(self) -> Clicks:
        """Return these clicks without the last action.

        Returns
        -------
        Clicks
            A new object. It is empty if this one is empty.
        """
        return Clicks(self.actions[:-1])

    @property
    def preferred(self) -> int | None:
        """The candidate preferred after the last click, or None."""
        last = self._last()
        return last.candidate if isinstance(last, Preference) else None

    @property
    def preferences(self) -> dict[int, int]:
        """All preferences: a mapping from the number of clicks so far, from 1, to the candidate."""
        found, count = {}, 0
        for action in self.actions:
            if isinstance(action, Preference):
                found[count] = action.candidate
            count += isinstance(action, Mark)
        return found

    def without_preferences(self) -> Clicks:
        """Return everything else. Another method needs this, since its candidates differ.

        Returns
        -------
        Clicks
            A new object.
        """
        return Clicks(action for action in self.actions if not isinstance(action, Preference))

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
        """Check that everything lies inside an image, and that a start mask fits.

        Parameters
        ----------
        shape : tuple of int
            Shape of the image, ``(H, W, ...)``.

        Raises
        ------
        ValueError
            If a click, a point of a stroke or touch-up, or a box lies outside the image, or the
            start mask has another size. The message names it.
        """
        height, width = shape[:2]
        if self.start is not None and self.start.shape != (height, width):
            raise ValueError(
                f"The start mask has {_size(self.start.shape)} pixels (height x width), but the "
                f"image has {_size((height, width))}."
            )
        for box in (action for action in self.actions if isinstance(action, Box)):
            if box.bottom > height or box.right > width:
                raise ValueError(
                    f"The box {box} lies outside the image of {_size((height, width))} pixels "
                    "(height x width)."
                )
        for mark in (*self.items, *self.touch_ups):
            for row, col in mark.points:
                if row > height - 1 or col > width - 1:
                    what = _PART[type(mark)]
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
        """Return clicks and strokes alone, in pixels of another grid.

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
            A preference is ``{"prefer": candidate}`` after its click or stroke. A box is
            ``{"box": [top, left, bottom, right]}``. A touch-up is
            ``{"touch_up": [[row, col], ...], "radius": ..., "positive": ...}``. A start mask is
            ``{"start": {"size": [H, W], "counts": [...]}}``, with COCO's run lengths.

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
        groups: list[list[Action]] = [[]]  # before the first mark; each mark and what follows it
        for action in self.actions:
            groups += [[]] if isinstance(action, Mark) else []
            groups[-1].append(action)
        places = range(*index.indices(len(self.items)))
        first = groups[0] if places.start == 0 and places.step > 0 else []
        return Clicks(chain(first, *(groups[place + 1] for place in places)))

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


_PART = {Click: "click", Stroke: "stroke's point", TouchUp: "touch-up's point"}


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[0]}x{shape[1]}"


def _shown(action: Action) -> str:
    match action:
        case Preference():
            return f"prefer({action.candidate})"
        case StartMask():
            return f"start({_size(action.shape)})"
        case Click():
            return str(action)
        case TouchUp():
            return f"touch_up({action})"
    return f"{type(action).__name__.lower()}({action})"


def _stored_form(action: Action) -> list[int | bool] | dict[str, Any]:
    match action:
        case Preference():
            return {"prefer": action.candidate}
        case Stroke():
            return {"stroke": [list(point) for point in action.points], "positive": action.positive}
        case TouchUp():
            points = [list(point) for point in action.points]
            return {"touch_up": points, "radius": action.radius, "positive": action.positive}
        case Box():
            return {"box": [action.top, action.left, action.bottom, action.right]}
        case StartMask():
            return {"start": {"size": list(action.shape), "counts": action.run_lengths()}}
    return [action.row, action.col, action.positive]


def _stored_action(entry: Any) -> Action:
    try:
        if not isinstance(entry, dict):
            row, col, positive = entry
            return Click(row, col, _sign(positive))
        match entry:
            case {"prefer": candidate, **others} if not others:
                return Preference(candidate)
            case {"stroke": points, "positive": positive, **others} if not others:
                return Stroke(points, _sign(positive))
            case {"touch_up": points, "radius": radius, "positive": positive, **others} if (
                not others
            ):
                return TouchUp(points, radius, _sign(positive))
            case {"box": [top, left, bottom, right], **others} if not others:
                return Box(top, left, bottom, right)
            case {"start": {"size": size, "counts": counts}, **others} if not others:
                return StartMask.from_run_lengths(size, counts)
    except (TypeError, ValueError):
        pass
    raise ValueError(
        "A stored click must be [row, col, true or false], a stored stroke "
        '{"stroke": [[row, col], ...], "positive": true or false}, and a stored box '
        f'{{"box": [top, left, bottom, right]}}, not {entry!r}.'
    )


def _sign(positive: Any) -> bool:
    if not isinstance(positive, (bool, np.bool_)):
        raise TypeError
    return bool(positive)
