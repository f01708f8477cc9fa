"""What a person can do on a photo: by mouse, finger, keyboard, button or code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from tutorial_lib.actions import Point
from tutorial_lib.clicks import Clicks
from tutorial_lib.widgets.viewport import Viewport


class PhotoActions(Protocol):
    """What a widget offers to its :class:`Gestures` and to its :class:`Panel`."""

    @property
    def clicks(self) -> Clicks:
        """The clicks so far."""

    def click(self, row: int, col: int, positive: bool = True, wait: bool = True) -> None:
        """Click on a pixel of the photo."""

    def stroke(self, points: Iterable[Point], positive: bool = True, wait: bool = True) -> None:
        """Draw a stroke on the photo."""

    def sketch(self, points: Iterable[Point], positive: bool) -> None:
        """Show a stroke that is not finished yet."""

    def box(self, first: Point, last: Point, wait: bool = True) -> None:
        """Draw a box between two opposite corners."""

    def sketch_box(self, first: Point, last: Point) -> None:
        """Show a box that is not finished yet."""

    def touch_up(
        self,
        points: Iterable[tuple[float, float]],
        radius: float,
        positive: bool = True,
        wait: bool = True,
    ) -> None:
        """Paint into the mask, or erase from it."""

    def sketch_touch_up(
        self, points: Iterable[tuple[float, float]], radius: float, positive: bool
    ) -> None:
        """Show a touch-up that is not finished yet."""

    def select_mark(self, number: int | None) -> None:
        """Select a click or stroke, so that keys act on it; None selects none."""

    def drag_mark(self, number: int, row: int, col: int) -> None:
        """Show a click or stroke at another place, without moving it yet."""

    def move_mark(self, number: int, row: int, col: int, wait: bool = True) -> None:
        """Move a click or stroke to another pixel."""

    def nudge_mark(self, down: int, right: int) -> None:
        """Move the selected click or stroke by some pixels; it stays selected."""

    def delete_mark(self, number: int | None = None, wait: bool = True) -> None:
        """Delete a click or stroke; by default the selected one."""

    def undo(self, wait: bool = False) -> None:
        """Take back the latest change."""

    def redo(self, wait: bool = False) -> None:
        """Bring back what :meth:`undo` took back."""

    def clear(self, wait: bool = False) -> None:
        """Remove all clicks."""

    def zoom(self, step: int) -> None:
        """Zoom in (+1) or out (-1)."""

    def pan(self, down: int, right: int) -> None:
        """Move the view by a quarter of its size."""

    def look(self, viewport: Viewport, quickly: bool = False) -> None:
        """Show another part of the photo; quickly while the view moves."""

    def move_cursor(self, pixel: tuple[int, int] | None) -> None:
        """Put the keyboard's cursor on a pixel ``(row, col)``; None hides it."""

    def show_before(self, shown: bool) -> None:
        """Show the photo alone, or everything again."""

    def present(self, presenting: bool) -> None:
        """Enlarge marks, contours and type for a projector, or shrink them again."""

    def show_answer(self) -> None:
        """Draw the present answer and show the state of the widget."""
