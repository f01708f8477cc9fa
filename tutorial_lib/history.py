"""Undo and redo for what a person says about a photo."""

from __future__ import annotations

from tutorial_lib.clicks import Click, Clicks


class ClickHistory:
    """The clicks and preferences on an image so far, with undo and redo.

    A subclass that has to do something after every change overrides ``_save``.

    Parameters
    ----------
    shape : tuple of int
        Shape of the image, ``(H, W, ...)``; no click may lie outside.
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
        """Whether there is a change to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to bring back."""
        return bool(self._future)

    def add(self, click: Click) -> None:
        """Add a click.

        Raises
        ------
        ValueError
            If the click lies outside the image; nothing changes then.
        """
        Clicks([click]).check(self.shape)
        self._change(self._clicks.add(click))

    def choose(self, candidate: int | None) -> None:
        """Prefer a candidate after the present clicks; see :meth:`Clicks.prefer`.

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
        clicks = self._clicks.prefer(candidate)
        if clicks != self._clicks:
            self._change(clicks)

    def clear(self) -> None:
        """Forget all clicks; :meth:`undo` brings them back."""
        if len(self._clicks):
            self._change(Clicks())

    def replace(self, clicks: Clicks) -> None:
        """Put other clicks in the place of these; :meth:`undo` brings these back.

        Raises
        ------
        ValueError
            If a click lies outside the image; nothing changes then.
        """
        clicks.check(self.shape)
        self._change(clicks)

    def undo(self) -> None:
        """Take back the latest change, if there is one."""
        if self._past:
            self._future.append(self._clicks)
            self._clicks = self._past.pop()
            self._save()

    def redo(self) -> None:
        """Bring back the change that :meth:`undo` took back, if there is one."""
        if self._future:
            self._past.append(self._clicks)
            self._clicks = self._future.pop()
            self._save()

    def _change(self, clicks: Clicks) -> None:
        self._past.append(self._clicks)
        self._future.clear()
        self._clicks = clicks
        self._save()

    def _forget_preferences(self) -> None:
        """Forget all preferences, also those that undo and redo would bring back."""
        if any(clicks.preferences for clicks in (*self._past, self._clicks, *self._future)):
            self._clicks = self._clicks.without_preferences()
            self._past, self._future = (
                _without_preferences(states, self._clicks) for states in (self._past, self._future)
            )

    def _save(self) -> None:
        """Keep the present clicks, where a subclass knows a place for them."""


def _without_preferences(states: list[Clicks], present: Clicks) -> list[Clicks]:
    """Leave out preferences, and states that differed from their neighbour only by them."""
    kept = [present]
    for clicks in reversed(states):
        if (plain := clicks.without_preferences()) != kept[-1]:
            kept.append(plain)
    return kept[:0:-1]
