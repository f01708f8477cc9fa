"""Clicks that can be taken back and brought back: what every place that collects clicks shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from tutorial_lib.choices import check_choices
from tutorial_lib.clicks import Click, Clicks

State: TypeAlias = tuple[Clicks, dict[int, int]]  # clicks and choices


class ClickHistory:
    """The clicks on an image so far, and the choices made between them, with undo and redo.

    A subclass that has to do something whenever they change overrides ``_save``.

    Parameters
    ----------
    shape : tuple of int
        Shape of the image, ``(H, W, ...)``; no click may lie outside.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = tuple(shape[:2])
        self._clicks = Clicks()
        self._choices: dict[int, int] = {}  # replaced, never changed: past and future share it
        self._past: list[State] = []
        self._future: list[State] = []

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image, in pixels."""
        return self._shape

    @property
    def clicks(self) -> Clicks:
        """The clicks so far."""
        return self._clicks

    @property
    def choices(self) -> dict[int, int]:
        """What was preferred among a method's candidates: number of clicks to candidate."""
        return dict(self._choices)

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to bring back."""
        return bool(self._future)

    def add(self, click: Click) -> None:
        """Add a click; the choices made so far stay.

        Raises
        ------
        ValueError
            If the click lies outside the image; nothing changes then.
        """
        Clicks([click]).check(self.shape)
        self._change(self._clicks.add(click), self._choices)

    def choose(self, candidate: int | None) -> None:
        """Prefer a candidate after the present clicks, in place of the one preferred so far.

        Parameters
        ----------
        candidate : int or None
            Its number, from 0; None leaves the choice to the method again.

        Raises
        ------
        TypeError
            If it is no whole number.
        ValueError
            If there is no click yet, or the number is negative; nothing changes then.
        """
        count = len(self._clicks)
        if not count:
            raise ValueError("There is nothing to choose from before the first click.")
        others = {after: number for after, number in self._choices.items() if after != count}
        choices = others | ({} if candidate is None else check_choices({count: candidate}))
        if choices != self._choices:
            self._change(self._clicks, choices)

    def clear(self) -> None:
        """Forget all clicks and choices; :meth:`undo` brings them back."""
        if len(self._clicks):
            self._change(Clicks(), {})

    def replace(self, clicks: Clicks, choices: Mapping[int, int] | None = None) -> None:
        """Put other clicks and choices in the place of these; :meth:`undo` brings these back.

        Parameters
        ----------
        clicks : Clicks
            The new clicks.
        choices : mapping of int to int, optional
            What was preferred after how many of them.

        Raises
        ------
        ValueError
            If a click lies outside the image, or a choice follows none of the clicks; nothing
            changes then.
        """
        clicks.check(self.shape)
        choices = check_choices(choices)
        if beyond := [count for count in choices if count > len(clicks)]:
            raise ValueError(f"No choice can follow click {beyond[0]} of {len(clicks)}.")
        self._change(clicks, choices)

    def undo(self) -> None:
        """Take back the latest change, a click or a choice, if there is one."""
        if self._past:
            self._future.append((self._clicks, self._choices))
            self._clicks, self._choices = self._past.pop()
            self._save()

    def redo(self) -> None:
        """Bring back the change that :meth:`undo` took back, if there is one."""
        if self._future:
            self._past.append((self._clicks, self._choices))
            self._clicks, self._choices = self._future.pop()
            self._save()

    def _change(self, clicks: Clicks, choices: dict[int, int]) -> None:
        self._past.append((self._clicks, self._choices))
        self._future.clear()
        self._clicks, self._choices = clicks, choices
        self._save()

    def _forget_choices(self) -> None:
        """Forget all choices, those too that undo and redo would bring back."""
        if not any(choices for _, choices in (*self._past, *self._future, (None, self._choices))):
            return
        self._choices = {}
        self._past, self._future = (
            _without_choices(states, self._clicks) for states in (self._past, self._future)
        )

    def _save(self) -> None:
        """Keep the present clicks, where a subclass knows a place for them."""


def _without_choices(states: list[State], present: Clicks) -> list[State]:
    """Leave out the choices, and the states that differed from their neighbour only by them."""
    kept = [present]
    for clicks, _ in reversed(states):
        if clicks != kept[-1]:
            kept.append(clicks)
    return [(clicks, {}) for clicks in reversed(kept[1:])]
