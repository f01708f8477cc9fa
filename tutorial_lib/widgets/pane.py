"""One method in a Compare widget: its photo, its answer, and the thread that computes it."""

from __future__ import annotations

import math
from collections.abc import Callable

import ipywidgets as w

from tutorial_lib.clicks import Clicks
from tutorial_lib.render import Colour
from tutorial_lib.session import HistoryEntry, Session
from tutorial_lib.widgets.background import Background, error_line, run_guarded
from tutorial_lib.widgets.fastest_first import FastestFirst
from tutorial_lib.widgets.photo_layers import PhotoLayers
from tutorial_lib.widgets.status import missing_side, status_html
from tutorial_lib.widgets.viewport import Viewport

PANE_GAP = 16  # CSS pixels between two panes
LEAST_SHARE = 0.9  # of its width, to which a pane shrinks where that spares a row


class Pane:
    """A method, its answer to the present clicks, and the canvas that shows it.

    Parameters
    ----------
    name : str
        The method.
    session : Session or str
        A session of the method on the photo, or one sentence that says why there is none.
    canvas : PhotoLayers
        The canvas that shows the photo.
    queue : FastestFirst
        Decides which method may start now.
    place : int
        Position among the panes, in the order in which the methods were named.
    changed : callable
        ``changed(pane)`` is called on the kernel's thread when there is something new to show.

    Attributes
    ----------
    opened : bool
        Whether the photo is prepared and the trial of the method's speed is over.
    """

    def __init__(
        self,
        name: str,
        session: Session | str,
        canvas: PhotoLayers,
        queue: FastestFirst,
        place: int,
        changed: Callable[[Pane], None],
    ) -> None:
        self.name, self.canvas, self.place = name, canvas, place
        self.session = session if isinstance(session, Session) else None
        self._failure = None if self.session else (None, session)
        self._queue, self._changed = queue, changed
        self._work = Background(lambda _failure: changed(self))
        self._speed, self._closed = math.inf, False
        self.opened = self.session is None
        self._status = w.HTML(layout={"margin": "0"})
        self.widget = framed(name, canvas, self._status)

    # -- what is known -------------------------------------------------------------------------

    @property
    def entry(self) -> HistoryEntry | None:
        """The answer to the present clicks with its time and IoU, or None before it is there."""
        if self.session is None or self.session.stale or not self._clicks.actions:
            return None
        history = self.session.history  # its last entry may be newer than the clicks above
        return history[-1] if history and history[-1].clicks == self._clicks else None

    @property
    def error(self) -> str:
        """Why the method cannot answer the present clicks; empty if it can."""
        if self._failure is None or self._failure[0] not in (None, self._clicks):
            return ""
        return self._failure[1]

    @property
    def due(self) -> bool:
        """Whether the method still has to answer the present clicks."""
        return bool(self._clicks.actions) and self.entry is None and not self.error

    @property
    def busy(self) -> bool:
        """Whether the method works, or its answer is not shown yet."""
        return self._work.busy

    @property
    def speed(self) -> float:
        """Milliseconds of the latest answer; infinite before the first."""
        history = self.session.history if self.session else []
        return history[-1].milliseconds if history else self._speed

    @property
    def rank(self) -> tuple[float, int]:
        """Sort key: the fastest first, methods of unknown speed as they were named."""
        return self.speed, self.place

    @property
    def _getting_ready(self) -> bool:
        return self.busy and not self.opened

    @property
    def _clicks(self) -> Clicks:
        return self.session.clicks if self.session else Clicks()

    # -- at work -------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Prepare the photo in the thread, and measure the speed of the method in a trial."""
        if self.session:
            self._work.start(self._prepare)

    def answer(self) -> None:
        """Answer the present clicks in the thread, unless it does so already."""
        if self.due and not self.busy:
            self._queue.announce(self.name, self.rank)  # before slower ones are started
            self._work.start(self._catch_up)

    def join(self, seconds: float) -> bool:
        """Wait for the thread, show its answer, and return whether it came in time."""
        ended = self._work.join(seconds)
        if ended:
            self._changed(self)
        return ended

    def close(self) -> None:
        """Let the thread end with its present answer, which is not shown."""
        self._closed = True
        self._work.forget()

    def _prepare(self) -> None:
        failure = run_guarded(self.session.prepare)
        if failure is not None:
            self._failure = (Clicks(), error_line(failure))
        elif not len(self._clicks):
            self._wait_for_turn()  # other threads would distort the measurement
            run_guarded(self._rehearse)  # a method that fails here may still answer real clicks
        self._catch_up()
        self.opened = True

    def _rehearse(self) -> None:
        if not (len(self._clicks) or self._closed):
            self._speed = self.session.rehearse()

    def _catch_up(self) -> None:
        while self.due and not self._closed:
            self._wait_for_turn()
            clicks = self._clicks
            failure = run_guarded(self.session.refresh)
            if failure is not None:
                self._failure = (clicks, error_line(failure))
        self._queue.end(self.name)

    def _wait_for_turn(self) -> None:
        self._queue.announce(self.name, self.rank)
        self._queue.wait(self.name)

    # -- on the page ---------------------------------------------------------------------------

    def show_answer(self, viewport: Viewport, view: str, opacity: float, colour: Colour) -> None:
        """Draw the answer to the present clicks. The old one stays until it is there."""
        if not self.due:
            answer = self.session.result if self.entry else None
            self.canvas.show_answer(viewport, answer, view, opacity, colour)

    def show_state(self) -> None:
        """Show the state of the method below the photo."""
        busy = self.due or self._getting_ready
        self._status.value = status_html(self.describe(), busy, bool(self.error))

    def describe(self) -> str:
        """Describe the answer to the present clicks in one line."""
        if self.error:
            return self.error
        if self.due:
            return "Working"
        if self.entry is None:
            return "Getting ready" if self._getting_ready else "Ready."
        text = f"{self.entry.milliseconds:.0f} ms"
        if self.entry.iou is not None:
            text += f", IoU {self.entry.iou:.3f}"
        if missing := missing_side(self.session):
            text += f"; needs a click on the {missing}"
        return text + "."

    def caption(self) -> str:
        """Return the method's name and IoU, without times: they differ from run to run."""
        if self.error:
            return f"{self.name}: {self.error}"
        if self.due:
            return f"{self.name}: still working"
        measured = self.entry is not None and self.entry.iou is not None
        return f"{self.name}, IoU {self.entry.iou:.3f}" if measured else self.name


def framed(name: str, canvas: PhotoLayers, *below: w.Widget) -> w.VBox:
    """Put a name above a canvas and other widgets below it, as wide as the canvas or a little less.

    Parameters
    ----------
    name : str
        The name.
    canvas : PhotoLayers
        The canvas.
    *below : ipywidgets.Widget
        The widgets below. A long sentence wraps there.

    Returns
    -------
    ipywidgets.VBox
        The box around them.
    """
    heading = status_html(name, weight="600", attributes='class="tutorial-pane-name"')
    title = w.HTML(heading, layout={"margin": "0"})
    box = w.Box([canvas], layout={"overflow": "auto", "flex": "0 0 auto"})
    layout = {
        "flex": f"1 1 {LEAST_SHARE * canvas.width:.0f}px", "max_width": f"{canvas.width}px",
        "margin": f"4px {PANE_GAP}px 4px 2px",
    }  # fmt: skip
    return w.VBox([title, box, *below], layout=layout).add_class("tutorial-pane")
