"""One method's place in a comparison: its photo, its answer, and the thread that finds it."""

from __future__ import annotations

import math
from collections.abc import Callable

import ipywidgets as w
import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.session import Session, Step
from tutorial_lib.widgets.background import Background, Turns, attempt, reason
from tutorial_lib.widgets.layers import PhotoLayers
from tutorial_lib.widgets.panel import line, missing_side
from tutorial_lib.widgets.viewport import Viewport

GAP = 16  # CSS pixels between two panes


class Pane:
    """A method, what it says to the present clicks, and where that is shown.

    Parameters
    ----------
    name : str
        The method.
    session : Session or str
        The method at work on the photo, or one sentence that says why it cannot be used.
    layers : PhotoLayers
        Where the photo is shown.
    turns : Turns
        Who may work now.
    place : int
        Position among the panes, as the caller named them.
    changed : callable
        ``changed(pane)`` is called on the kernel's thread when there is something new to show.

    Attributes
    ----------
    opened : bool
        Whether the photo is prepared and a trial has shown how fast the method is, if it could.
    """

    def __init__(
        self,
        name: str,
        session: Session | str,
        layers: PhotoLayers,
        turns: Turns,
        place: int,
        changed: Callable[[Pane], None],
    ) -> None:
        self.name, self.layers, self.place = name, layers, place
        self.session = session if isinstance(session, Session) else None
        self._failure = None if self.session else (None, session)
        self._turns, self._changed = turns, changed
        self._work = Background(lambda _failure: changed(self))
        self._usual, self._closed = math.inf, False
        self.opened = self.session is None
        self._status = w.HTML(layout={"margin": "0"})
        self.widget = framed(name, layers, self._status)

    # -- what is known -------------------------------------------------------------------------

    @property
    def step(self) -> Step | None:
        """The answer to the present clicks with its time and IoU, or None before it is there."""
        if self.session is None or self.session.stale or not len(self._clicks):
            return None
        history = self.session.history  # its end may be newer than the clicks a moment ago
        return history[-1] if history and history[-1].clicks == self._clicks else None

    @property
    def error(self) -> str:
        """Why there is no answer to the present clicks; nothing if there is one or it is due."""
        if self._failure is None or self._failure[0] not in (None, self._clicks):
            return ""
        return self._failure[1]

    @property
    def due(self) -> bool:
        """Whether the method still has to answer the present clicks."""
        return bool(len(self._clicks)) and self.step is None and not self.error

    @property
    def busy(self) -> bool:
        """Whether the method is at work, or its outcome has not been shown yet."""
        return self._work.busy

    @property
    def usual(self) -> float:
        """Milliseconds the method took last time; infinite before the first."""
        history = self.session.history if self.session else []
        return history[-1].milliseconds if history else self._usual

    @property
    def rank(self) -> tuple[float, int]:
        """Sorts panes: the fastest first, those of unknown speed as they were named."""
        return self.usual, self.place

    @property
    def _getting_ready(self) -> bool:
        return self.busy and not self.opened

    @property
    def _clicks(self) -> Clicks:
        return self.session.clicks if self.session else Clicks()

    # -- at work -------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Prepare the photo in the background, and learn how fast the method is."""
        if self.session:
            self._work.start(self._prepare)

    def answer(self) -> None:
        """Answer the present clicks in the background, unless the thread does so already."""
        if self.due and not self.busy:
            self._turns.announce(self.name, self.rank)  # before slower ones are started
            self._work.start(self._catch_up)

    def join(self, seconds: float) -> bool:
        """Wait for the method, show what it found, and return whether it came in time."""
        ended = self._work.join(seconds)
        if ended:
            self._changed(self)
        return ended

    def close(self) -> None:
        """Let the thread end with the answer it is at, which nobody hears any more."""
        self._closed = True
        self._work.forget()

    def _prepare(self) -> None:
        failure = attempt(self.session.prepare)
        if failure is not None:
            self._failure = (Clicks(), reason(failure))
        elif not len(self._clicks):
            self._take_turn()  # disturbed by others, a trial would tell little
            attempt(self._rehearse)  # what fails on made-up clicks may well answer a person's
        self._catch_up()
        self.opened = True

    def _rehearse(self) -> None:
        if not (len(self._clicks) or self._closed):
            self._usual = self.session.rehearse()

    def _catch_up(self) -> None:
        while self.due and not self._closed:
            self._take_turn()
            clicks = self._clicks
            failure = attempt(self.session.refresh)
            if failure is not None:
                self._failure = (clicks, reason(failure))
        self._turns.end(self.name)

    def _take_turn(self) -> None:
        self._turns.announce(self.name, self.rank)
        self._turns.wait(self.name)

    # -- on the page ---------------------------------------------------------------------------

    def show_photo(self, viewport: Viewport, photo: np.ndarray) -> None:
        """Draw the photo, ``(H, W, 3) uint8``: once, and again when the view moves."""
        self.layers.show_photo(viewport.cut(photo))

    def show_answer(self, viewport: Viewport, view: str, opacity: float) -> None:
        """Draw the answer to the present clicks; the one before stays until it is there."""
        if not self.due:
            answer = self.session.result if self.step else None
            self.layers.show_answer(viewport, answer, view, opacity)

    def show_state(self) -> None:
        """Tell below the photo how far the method is."""
        busy = self.due or self._getting_ready
        self._status.value = line(self.describe(), busy, bool(self.error))

    def describe(self) -> str:
        """Say in one line what became of the present clicks."""
        if self.error:
            return self.error
        if self.due:
            return "Working"
        if self.step is None:
            return "Getting ready" if self._getting_ready else "Ready."
        text = f"{self.step.milliseconds:.0f} ms"
        if self.step.iou is not None:
            text += f", IoU {self.step.iou:.3f}"
        if missing := missing_side(self.session):
            text += f"; needs a click on the {missing}"
        return text + "."

    def caption(self) -> str:
        """Name the method and, as far as they are the same every time, its results."""
        if self.error:
            return f"{self.name}: {self.error}"
        if self.due:
            return f"{self.name}: still working"
        measured = self.step is not None and self.step.iou is not None
        return f"{self.name}, IoU {self.step.iou:.3f}" if measured else self.name


def framed(name: str, layers: PhotoLayers, *below: w.Widget) -> w.VBox:
    """Put a name above a photo and something below it, in the photo's width.

    Parameters
    ----------
    name : str
        The name.
    layers : PhotoLayers
        The photo.
    *below : ipywidgets.Widget
        What stands below; a long sentence wraps there.

    Returns
    -------
    ipywidgets.VBox
        All of it, to be set beside others.
    """
    heading = line(name, weight="600", attributes='class="tutorial-pane-name"')
    title = w.HTML(heading, layout={"margin": "0"})
    box = w.Box([layers], layout={"overflow": "auto", "flex": "0 0 auto"})
    layout = {"width": f"{layers.width}px", "margin": f"4px {GAP}px 4px 2px"}
    return w.VBox([title, box, *below], layout=layout).add_class("tutorial-pane")
