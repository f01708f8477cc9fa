"""One task of a study: a photo to click on, its goal, and the count of clicks."""

from __future__ import annotations

from collections.abc import Callable
from math import floor

import numpy as np

from tutorial_lib.actions import Box, Stroke
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.render import composite
from tutorial_lib.session import Session
from tutorial_lib.study.sitting import Sitting
from tutorial_lib.widgets.answering import Answering
from tutorial_lib.widgets.photo_view import PhotoView
from tutorial_lib.widgets.photo_widget import PhotoWidget
from tutorial_lib.widgets.study_panel import StudyPanel, goal_picture

HELP = (
    "Left click: object. Right click or shift-click: background. Ctrl+wheel zooms. "
    "Keys: Z undo, arrows move a cursor, Enter marks object, Shift+Enter background, + and - zoom."
)


class CountedClicks:
    """The clicks of a task, in the place of a history: every change is recorded.

    A click that comes before the answer to the one before it is dropped: nobody has seen yet what
    it should correct. A stroke counts as a click where it began. There is neither redo nor clear.

    Parameters
    ----------
    session : Session
        The photo and its method.
    sitting : Sitting
        Records every click and undo.
    """

    can_redo = False

    def __init__(self, session: Session, sitting: Sitting) -> None:
        self._session, self._sitting = session, sitting
        self.closed = False
        self.trouble = ""

    @property
    def clicks(self) -> Clicks:
        """The clicks in force."""
        return self._session.clicks

    @property
    def can_undo(self) -> bool:
        """Whether there is a click to take back."""
        return bool(len(self.clicks)) and not self.closed

    @property
    def _blocked(self) -> bool:
        return self.closed or (self._session.stale and bool(len(self.clicks)))

    def add(self, action: Click | Stroke | Box) -> None:
        """Add a click and record it."""
        if self._blocked or isinstance(action, Box):
            return
        click = Click(*action.points[0], action.positive)
        self._session.add(click)
        self._keep(lambda: self._sitting.click(click))

    def undo(self) -> None:
        """Take back the latest click and record that."""
        if self.can_undo and not self._blocked:
            self._session.replace(self.clicks.undo())
            self._keep(self._sitting.undo)

    def redo(self) -> None:
        """Do nothing: a click that was taken back has been counted."""

    def clear(self) -> None:
        """Do nothing: clicks are taken back one by one."""

    def _keep(self, record: Callable[[], None]) -> None:
        self.trouble = ""
        try:
            record()
        except OSError as error:
            self.trouble = f" {error} The next click tries it again."


class StudyTaskView:
    """Photo and goal of one task, until the target is reached or all clicks are made.

    Parameters
    ----------
    session : Session
        The photo and its method, without the method's name.
    sitting : Sitting
        The person at work; the task has begun.
    width : int
        The longer side of photo and goal on the page, in CSS pixels.
    ended : callable
        ``ended(text)`` is called once, when the task is over, with a sentence that says how.

    Attributes
    ----------
    widget : PhotoWidget
        What stands on the page.
    """

    def __init__(
        self, session: Session, sitting: Sitting, width: int, ended: Callable[[str], None]
    ) -> None:
        self._session, self._sitting, self._ended = session, sitting, ended
        self._limit, self._target = sitting.plan.max_clicks, sitting.plan.target_iou
        self._counted = CountedClicks(session, sitting)
        self._number = sitting.log.count
        view = PhotoView(session.image, width, [HELP])
        goal = view.viewport.cut(session.truth)
        panel = StudyPanel(view.viewport.cut(session.image), goal)
        self._answering = Answering(session, self._show, panel.report)
        self._view, self._panel = view, panel
        self.widget = PhotoWidget(
            view, [self._counted], panel, view.canvases[0],
            show=self._show, paint=self._painted, answer=self._answering.answer,
        )  # fmt: skip

    def _show(self) -> None:
        waiting = self._answering.waiting
        if not waiting:
            answer = self._session.result if len(self._session.clicks) else None
            look = self._panel.view.value, self._panel.opacity.value
            self._view.canvases[0].show_answer(self._view.viewport, answer, *look)
        self._panel.show_editing(self._counted, self._view.viewport)
        if not self._counted.closed:
            self._number = self._sitting.log.count
        text = self._describe(waiting)
        self._panel.show_status(text + self._counted.trouble, busy=waiting)
        self._panel.undo.disabled = waiting or not self._counted.can_undo
        if not waiting and not self._counted.closed and self._over():
            self._counted.closed = self._panel.undo.disabled = True
            reached = self._iou() >= self._target
            how = "You reached the goal." if reached else f"All {self._limit} clicks are used."
            self._ended(how)

    def _over(self) -> bool:
        clicked = bool(len(self._session.clicks))
        return clicked and (self._iou() >= self._target or self._sitting.last_click)

    def _iou(self) -> float:
        return self._session.iou or 0.0

    def _describe(self, waiting: bool) -> str:
        count = f"Click {self._number} of {self._limit}"
        if waiting:
            return f"{count} is being answered"
        if not len(self._session.clicks):
            return f"{count}. Select what is bright in the goal: left-click the object."
        shown = floor(100 * self._iou()) / 100  # rounded down: 0.85 is shown once it is reached
        return f"{count}. IoU {shown:.2f}; {self._target:.2f} is enough."

    def _painted(self) -> np.ndarray:
        """Paint photo and goal side by side, ``(H, W, 3) uint8``."""
        session = self._session
        mask = session.mask if len(session.clicks) and not session.stale else None
        clicked = composite(session.image, session.clicks, mask)
        return np.hstack([clicked, goal_picture(session.image, session.truth)])
