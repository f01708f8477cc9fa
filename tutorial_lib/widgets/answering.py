"""A photo to click on, and one method that answers the clicks in the background."""

from __future__ import annotations

from functools import partial

import numpy as np

from tutorial_lib import render
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.session import Session
from tutorial_lib.widgets.background import Background, attempt, running_loop
from tutorial_lib.widgets.clickable import HELP, Clickable
from tutorial_lib.widgets.layers import PhotoLayers
from tutorial_lib.widgets.panel import Toolbar
from tutorial_lib.widgets.viewport import Viewport


class Answering(Clickable):
    """A widget with one session: clicks are shown at once, and the answer when it is there.

    While a slow method works, clicks are kept, and what is shown in the end is always the answer
    to the latest clicks.

    Parameters
    ----------
    session : Session
        Photo, method and clicks.
    panel : Toolbar
        The controls around the photo.
    width : int
        Largest width of the photo on the page, in CSS pixels.
    label : str
        What mouse and keys do on the photo.
    """

    def __init__(self, session: Session, panel: Toolbar, width: int, label: str = HELP) -> None:
        self._work = Background(self._safely(self._work_done))
        self._ahead = Background(lambda _failure: None)  # what fails ahead, the click itself tells
        self.session, self.panel = session, panel
        self.viewport = Viewport(session.shape, width)
        self._layers = PhotoLayers(self.viewport, label)
        self._listen()
        super().__init__(panel.arrange(self._layers))
        self.add_class("tutorial-click-canvas")
        self.redraw()
        self._show_state()
        if running_loop() is not None:
            self._work.start(session.prepare)  # so that the first click is answered at once

    def _listen(self) -> None:
        super()._listen()
        self._listen_to(self._layers, self.redraw)

    @property
    def clicks(self) -> Clicks:
        """The clicks so far."""
        return self.session.clicks

    # -- what a person does --------------------------------------------------------------------

    def click(self, row: int, col: int, positive: bool = True, wait: bool = True) -> None:
        """Click on the photo: the one way in for mouse, touch, keyboard and code.

        Parameters
        ----------
        row, col : int
            Pixel of the photo.
        positive : bool
            True on the object, False on the background.
        wait : bool
            True returns when the answer is there; False lets it come later.

        Raises
        ------
        ValueError
            If the click lies outside the photo; nothing changes then.
        """
        self.session.add(Click(row, col, positive))
        self._changed(wait)

    def undo(self, wait: bool = False) -> None:
        """Take back the latest change."""
        self.session.undo()
        self._changed(wait)

    def redo(self, wait: bool = False) -> None:
        """Bring back what :meth:`undo` took back."""
        self.session.redo()
        self._changed(wait)

    def clear(self, wait: bool = False) -> None:
        """Forget all clicks; :meth:`undo` brings them back."""
        self.session.clear()
        self._changed(wait)

    # -- asking the method ---------------------------------------------------------------------

    def _changed(self, wait: bool) -> None:
        """Clicks or method have changed: show the clicks now and the answer when it is there."""
        self._show_marks()
        self._show_state()
        task = partial(self._catch_up, self.session)
        if wait or running_loop() is None:
            self._work.join()
            failure = attempt(task)
            self._answered(failure)
            if failure is not None:
                raise failure
        elif not self._work.busy:
            self._work.start(task)

    def _catch_up(self, session: Session) -> None:
        """Answer the latest clicks, in whatever thread."""
        session.catch_up()

    def _work_done(self, failure: BaseException | None) -> None:
        if failure is None and self._waiting:
            self._changed(wait=False)  # a click fell between the worker's last look and its end
        else:
            self._answered(failure)
            if failure is None and len(self.clicks) and not self._ahead.busy:
                self._ahead.start(self.session.look_ahead)  # while a person looks at the answer

    def _answered(self, failure: BaseException | None) -> None:
        self._show_answer()
        self._show_state()
        if failure is not None:
            self._fail(failure)

    @property
    def _waiting(self) -> bool:
        """Whether there are clicks, and their answer is still to come."""
        return self.session.stale and bool(len(self.session.clicks))

    # -- drawing -------------------------------------------------------------------------------

    def redraw(self) -> None:
        """Draw everything again, as after a page reload: a canvas keeps no pixels."""
        self._layers.show_photo(self.viewport.cut(self.session.image))
        self._show_answer()
        self._show_marks()

    def _show_answer(self) -> None:
        session, panel = self.session, self.panel
        if self._waiting:
            return  # the answer on its way will draw itself
        answer = session.result if len(session.clicks) else None
        self._layers.show_answer(self.viewport, answer, panel.view.value, panel.opacity.value)

    def _show_marks(self) -> None:
        self._layers.show_marks(self.viewport, self.session.clicks, self._cursor)

    # -- without a browser ---------------------------------------------------------------------

    @property
    def picture(self) -> np.ndarray:
        """Photo, answer and clicks as one ``(H, W, 3) uint8`` picture, zoom left out."""
        return self.session.picture(self.panel.view.value, self.panel.opacity.value)

    def _still(self) -> bytes:
        return render.encode_png(self.picture, 9)
