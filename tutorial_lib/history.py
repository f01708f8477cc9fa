"""Undo and redo for everything that a user says about a photo."""

from __future__ import annotations

import numpy as np

from tutorial_lib.clicks import Action, Clicks


class ClickHistory:
    """Everything said about an image so far, with undo and redo.

    A subclass overrides ``_save`` to do something after every change, and ``_replaces`` to do
    something before a click is moved.

    Parameters
    ----------
    shape : tuple of int
        Shape of the image, ``(H, W, ...)``. Every click must lie inside it.

    Examples
    --------
    >>> from tutorial_lib.clicks import Click
    >>> history = ClickHistory((40, 40))
    >>> history.add(Click(20, 20))
    >>> history.undo()
    >>> len(history.clicks), history.can_redo
    (0, True)
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape = tuple(shape[:2])
        self._clicks = Clicks()
        self._past: list[Clicks] = []
        self._future: list[Clicks] = []

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image, in pixels."""
        return self._shape

    @property
    def clicks(self) -> Clicks:
        """The clicks so far."""
        return self._clicks

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to redo."""
        return bool(self._future)

    def add(self, action: Action) -> None:
        """Add a click, a stroke, a box or a touch-up.

        Parameters
        ----------
        action : Click, Stroke, Box or TouchUp
            What the user adds.

        Raises
        ------
        ValueError
            If it lies outside the image. Nothing changes.
        """
        Clicks([action]).check(self.shape)
        self._change(self._clicks.add(action))

    def move_mark(self, number: int, row: int, col: int, merge: bool = False) -> None:
        """Move a click or stroke; see :meth:`Clicks.move_mark`. It is one step of :meth:`undo`.

        Parameters
        ----------
        number : int
            Which click or stroke, as an index.
        row, col : int
            Its new pixel.
        merge : bool
            True makes one step of this move and the latest change. A person who moves a click by
            several keys then undoes all of them at once.

        Raises
        ------
        ValueError
            If there is no such click, or its new place lies outside the image. Nothing changes.
        """
        clicks = self._clicks.move_mark(number, row, col)
        clicks.check(self.shape)
        if clicks != self._clicks:
            self._replaces(self._clicks[number], clicks[number])
            self._change(clicks, merge)

    def delete_mark(self, number: int) -> None:
        """Delete a click or stroke; see :meth:`Clicks.delete_mark`. :meth:`undo` restores it.

        Parameters
        ----------
        number : int
            Which click or stroke, as an index.

        Raises
        ------
        ValueError
            If there is no such click. Nothing changes.
        """
        self._change(self._clicks.delete_mark(number))

    def begin_from(self, mask: np.ndarray) -> None:
        """Replace everything by a mask to start from. :meth:`undo` restores the rest.

        Parameters
        ----------
        mask : np.ndarray
            ``(H, W) bool``, of the size of the image.

        Raises
        ------
        ValueError
            If the mask has another size or type. Nothing changes.
        """
        self.replace(Clicks().starting_from(mask))

    def choose(self, candidate: int | None) -> None:
        """Prefer a candidate of the answer to the current clicks; see :meth:`Clicks.prefer`.

        Parameters
        ----------
        candidate : int or None
            Index of the candidate, from 0. None lets the method select again.

        Raises
        ------
        TypeError
            If the index is not an integer.
        ValueError
            If there is no click yet, or the index is negative. Nothing changes.
        """
        clicks = self._clicks.prefer(candidate)
        if clicks != self._clicks:
            self._change(clicks)

    def clear(self) -> None:
        """Remove clicks, strokes, boxes and the start mask. :meth:`undo` restores them."""
        if self._clicks.actions:
            self._change(Clicks())

    def replace(self, clicks: Clicks) -> None:
        """Replace all clicks. :meth:`undo` restores the old ones.

        Parameters
        ----------
        clicks : Clicks
            The new clicks and preferences.

        Raises
        ------
        ValueError
            If a click lies outside the image. Nothing changes.
        """
        clicks.check(self.shape)
        self._change(clicks)

    def undo(self) -> None:
        """Undo the latest change, if there is one."""
        if self._past:
            self._future.append(self._clicks)
            self._clicks = self._past.pop()
            self._save()

    def redo(self) -> None:
        """Redo the change that was undone last, if there is one."""
        if self._future:
            self._past.append(self._clicks)
            self._clicks = self._future.pop()
            self._save()

    def _change(self, clicks: Clicks, merge: bool = False) -> None:
        if not (merge and self._past):
            self._past.append(self._clicks)
        self._future.clear()
        self._clicks = clicks
        self._save()

    def _forget_preferences(self) -> None:
        """Remove all preferences, also from the states of undo and redo."""
        if any(clicks.preferences for clicks in (*self._past, self._clicks, *self._future)):
            self._clicks = self._clicks.without_preferences()
            self._past, self._future = (
                _without_preferences(states, self._clicks) for states in (self._past, self._future)
            )

    def _replaces(self, old: Action, new: Action) -> None:
        """Hear that a click takes the place of another one; a subclass may override this."""

    def _save(self) -> None:
        """Store the current clicks; a subclass may override this."""


def _without_preferences(states: list[Clicks], present: Clicks) -> list[Clicks]:
    """Remove preferences, and each state that then equals its neighbour."""
    kept = [present]
    for clicks in reversed(states):
        if (plain := clicks.without_preferences()) != kept[-1]:
            kept.append(plain)
    return kept[:0:-1]
