"""Several methods side by side, all answering the same clicks."""

from __future__ import annotations

import math
import textwrap
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ipywidgets as w
import numpy as np

from tutorial_lib import render
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.segmenter import Segmentation, method_info
from tutorial_lib.session import Session
from tutorial_lib.widgets.background import Turns, reason
from tutorial_lib.widgets.clickable import HELP, Clickable
from tutorial_lib.widgets.layers import PhotoLayers
from tutorial_lib.widgets.painting import paint
from tutorial_lib.widgets.pane import GAP, Pane
from tutorial_lib.widgets.panel import INVITATION, Toolbar, count_clicks
from tutorial_lib.widgets.viewport import Viewport, check_length

METHODS = ("graph-cut", "random-walker", "geodesic-matting", "growcut")
STILL_SECONDS = 10  # how long a still picture waits for slow methods
CAPTION = 44  # characters a line under which a method's still picture stands
SCROLLBAR = 20  # CSS pixels


class Compare(Clickable):
    """Click once, and see what several methods make of it.

    A click on any photo counts for all. Every method works in a thread of its own and is shown
    the moment it is ready: a slow one never holds up a fast one, and one that fails says so below
    its photo while the others go on. What is shown is always the answer to the latest clicks.
    Where there are more methods than processors the faster ones go first, so that the first
    answer does not have to share them with the last.

    **Order.** The fastest method stands first. The panes take their places once: when all methods
    have answered a trial (two made-up clicks, right after the photo is prepared), or the clicks
    given to begin with. After the first click of a person they never move, as nothing must move
    under a mouse. Still pictures keep the order in which the methods were named, and wait up to
    ten seconds for slow ones, so that they are the same on every machine.

    Parameters
    ----------
    image : image
        Anything :func:`tutorial_lib.images.as_rgb` takes.
    methods : sequence of str
        Registered methods. One whose package is missing says so in its pane.
    clicks : Clicks or iterable of Click, optional
        Clicks to begin with; undo takes them back one by one.
    truth : np.ndarray, optional
        ``(H, W) bool``: the known mask; every pane then tells its IoU.
    columns : int, optional
        Most panes in a row; without it, as many as fit. On a narrow page the panes wrap.
    width : int
        Largest width of each photo on the page, in CSS pixels.
    options : mapping of str to mapping, optional
        Settings of the methods, by their names: ``{"graph-cut": {"lam": 2}}``.

    Raises
    ------
    TypeError
        If ``methods`` or ``clicks`` hold something else.
    ValueError
        If image, methods, options, clicks or known mask do not fit.
    ImportError
        If none of the methods can be used here.

    Examples
    --------
    >>> compare = Compare(photo, ["graph-cut", "growcut"], truth=mask)   # doctest: +SKIP
    >>> compare.click(120, 200)                                          # doctest: +SKIP
    >>> compare.click(20, 30, positive=False)                            # doctest: +SKIP
    >>> {name: answer.mask.sum() for name, answer in compare.answers.items()}  # doctest: +SKIP
    """

    _panes: tuple[Pane, ...] = ()

    def __init__(
        self,
        image: ImageLike,
        methods: Sequence[str] = METHODS,
        clicks: Clicks | Iterable[Click] | None = None,
        truth: np.ndarray | None = None,
        columns: int | None = None,
        *,
        width: int = 320,
        options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        names, options = _checked_methods(methods), dict(options or {})
        _check_layout(columns, width)
        if unknown := [name for name in options if name not in names]:
            raise ValueError(f"There are options for {unknown[0]!r}, which is not compared.")
        image, clicks = as_rgb(image), Clicks(clicks or ())
        clicks.check(image.shape)
        sessions = {name: _session(image, name, truth, options.get(name, {})) for name in names}
        usable = [session for session in sessions.values() if isinstance(session, Session)]
        if not usable:
            raise ImportError(f"None of the methods can be used here: {sessions[names[0]]}")
        self._lead, self._columns, self._closed = usable[0], columns, False
        self.viewport, self.panel = Viewport(self._lead.shape, width), Toolbar()
        self._build(sessions)
        super().__init__(self.panel.arrange(self._shelf()))
        self.add_class("tutorial-click-canvas").add_class("tutorial-compare")
        for click in clicks:
            self._everywhere(lambda session, click=click: session.add(click))
        self._settled = False
        self.redraw()
        for pane in self._panes:
            pane.prepare()
        self._show_state()

    def _build(self, sessions: dict[str, Session | str]) -> None:
        turns = Turns()
        changed = self._safely(self._pane_changed)
        self._panes = tuple(
            Pane(name, session, self._canvas_of(name), turns, place, changed)
            for place, (name, session) in enumerate(sessions.items())
        )
        self._listen()
        for pane in self._panes:
            self._listen_to(pane.layers, lambda pane=pane: self._redraw(pane))

    def _canvas_of(self, name: str) -> PhotoLayers:
        return PhotoLayers(self.viewport, f"{name}. {HELP}")

    def _shelf(self) -> w.Box:
        layout = w.Layout(flex_flow="row wrap", align_items="flex-start", width="100%")
        if self._columns is not None:
            room = self._columns * (self.viewport.width + GAP) + SCROLLBAR
            layout.max_width = f"{room}px"
        return w.Box([pane.widget for pane in self._panes], layout=layout)

    # -- what is known -------------------------------------------------------------------------

    @property
    def clicks(self) -> Clicks:
        """The clicks so far, the same for all methods."""
        return self._lead.clicks

    @property
    def answers(self) -> dict[str, Segmentation]:
        """The answers to the present clicks that are there, by method; see :meth:`wait`."""
        return {pane.name: pane.session.result for pane in self._panes if pane.step}

    @property
    def times(self) -> dict[str, float]:
        """Milliseconds each of :attr:`answers` took, the photo's preparation not included."""
        return {pane.name: pane.step.milliseconds for pane in self._panes if pane.step}

    @property
    def errors(self) -> dict[str, str]:
        """Why a method has no answer to the present clicks, one sentence each, by method."""
        return {pane.name: pane.error for pane in self._panes if pane.error}

    @property
    def order(self) -> list[str]:
        """The methods in the order in which the page shows them."""
        places = {pane.name: int(pane.widget.layout.order or 0) for pane in self._panes}
        return sorted(places, key=places.get)

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
            True returns when all answers are there; False lets them come later.

        Raises
        ------
        ValueError
            If the click lies outside the photo; nothing changes then.
        """
        click = Click(row, col, positive)
        self._change(lambda session: session.add(click), wait)

    def undo(self, wait: bool = False) -> None:
        """Take back the latest change."""
        self._change(Session.undo, wait)

    def redo(self, wait: bool = False) -> None:
        """Bring back what :meth:`undo` took back."""
        self._change(Session.redo, wait)

    def clear(self, wait: bool = False) -> None:
        """Forget all clicks; :meth:`undo` brings them back."""
        self._change(Session.clear, wait)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until every method has answered the present clicks, or failed to.

        Parameters
        ----------
        timeout : float, optional
            Most seconds to wait; without it, as long as it takes.

        Returns
        -------
        bool
            Whether all are done.
        """
        end = time.monotonic() + (math.inf if timeout is None else timeout)
        for pane in self._panes:
            while pane.busy:  # again, if a click fell between the thread's last look and its end
                left = max(0.0, end - time.monotonic())
                if not pane.join(min(left, threading.TIMEOUT_MAX)):
                    break
        return not any(pane.due for pane in self._panes)

    def close(self) -> None:
        """Take the widget off the page and end its threads.

        A method in the middle of an answer cannot be stopped: its thread ends with that answer.
        """
        self._closed = True
        for pane in self._panes:
            pane.close()
        super().close()

    # -- asking the methods --------------------------------------------------------------------

    def _change(self, change: Callable[[Session], None], wait: bool) -> None:
        if self._closed:
            raise ValueError("This comparison was closed; make a new one.")
        self._everywhere(change)
        self._settled = True
        self._show_marks()
        for pane in sorted(self._panes, key=lambda pane: pane.rank):
            pane.answer()
        self._show_answer()
        self._show_state()
        if wait:
            self.wait()

    def _everywhere(self, change: Callable[[Session], None]) -> None:
        """Change the clicks of all methods alike; what the first refuses reaches none."""
        for pane in self._panes:
            if pane.session:
                change(pane.session)

    def _pane_changed(self, pane: Pane) -> None:
        if self._closed:
            return
        pane.answer()  # in case a click fell between the thread's last look and its end
        pane.show_answer(self.viewport, self.panel.view.value, self.panel.opacity.value)
        self._take_places()
        self._show_state()

    def _take_places(self) -> None:
        if self._settled or not all(pane.opened for pane in self._panes):
            return
        self._settled = True
        for place, pane in enumerate(sorted(self._panes, key=lambda pane: pane.rank)):
            pane.widget.layout.order = str(place)

    # -- drawing -------------------------------------------------------------------------------

    def redraw(self) -> None:
        """Draw everything again, as after a page reload: a canvas keeps no pixels."""
        for pane in self._panes:
            self._redraw(pane)

    def _redraw(self, pane: Pane) -> None:
        pane.show_photo(self.viewport, self._lead.image)
        pane.layers.show_marks(self.viewport, self.clicks, self._cursor)
        pane.show_answer(self.viewport, self.panel.view.value, self.panel.opacity.value)

    def _show_answer(self) -> None:
        for pane in self._panes:
            pane.show_answer(self.viewport, self.panel.view.value, self.panel.opacity.value)

    def _show_marks(self) -> None:
        for pane in self._panes:
            pane.layers.show_marks(self.viewport, self.clicks, self._cursor)

    def _show_state(self) -> None:
        self.panel.show_editing(self._lead, self.viewport)
        for pane in self._panes:
            pane.show_state()
        self.panel.tell(self._describe(), busy=any(pane.due for pane in self._panes))

    def _describe(self) -> str:
        if not len(self.clicks):
            return INVITATION
        text = f"{len(self.answers)} of {len(self._panes)} methods have answered"
        if failed := len(self.errors):
            text += f", {failed} cannot"
        return f"{count_clicks(self.clicks)}; {text}."

    # -- without a browser ---------------------------------------------------------------------

    @property
    def picture(self) -> np.ndarray:
        """All panes as one ``(H, W, 3) uint8`` picture, zoom and times left out."""
        return self._paint()[0]

    def _paint(self) -> tuple[np.ndarray, bytes]:
        from tutorial_lib.plots import grid

        panels = [
            (textwrap.fill(pane.caption(), CAPTION), self._pane_picture(pane))
            for pane in self._panes
        ]
        rows = -(-len(panels) // 3)  # no more than three a row, and rows of like length
        return paint(grid(panels, columns=self._columns or -(-len(panels) // rows)))

    def _pane_picture(self, pane: Pane) -> np.ndarray:
        if pane.session:
            return pane.session.picture(self.panel.view.value, self.panel.opacity.value)
        return render.composite(self._lead.image, self.clicks)

    def _summary(self) -> str:
        return f"Compare({', '.join(pane.name for pane in self._panes)})"

    def _still(self) -> bytes:
        if len(self.clicks):
            self.wait(STILL_SECONDS)
        return self._paint()[1]


def _session(
    image: np.ndarray, name: str, truth: np.ndarray | None, options: Mapping[str, Any]
) -> Session | str:
    """Return the method at work on the photo, or why it cannot be used here."""
    try:
        return Session(image, name, truth=truth, **options)
    except (ImportError, OSError) as error:  # a package or a file of weights is missing
        return reason(error)


def _checked_methods(methods: Sequence[str]) -> list[str]:
    if isinstance(methods, str):
        raise TypeError(f"Methods are a list of names: write [{methods!r}].")
    names = list(methods)
    if not names:
        raise ValueError("There is nothing to compare: name at least one method.")
    for name in names:
        method_info(name)
    if doubled := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"The method {doubled[0]!r} is named twice; name each one once.")
    return names


def _check_layout(columns: int | None, width: int) -> None:
    for label, number in (("number of columns", columns), ("width", width)):
        if number is not None:
            check_length(label, number)
