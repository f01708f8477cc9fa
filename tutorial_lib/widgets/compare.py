"""Compare: several methods side by side answer the same clicks."""

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
from tutorial_lib.history import ClickHistory
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.registry import method_info
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.session import Session
from tutorial_lib.widgets.background import error_line, guard
from tutorial_lib.widgets.fastest_first import FastestFirst
from tutorial_lib.widgets.gestures import HELP
from tutorial_lib.widgets.pane import PANE_GAP, Pane
from tutorial_lib.widgets.panel import Panel
from tutorial_lib.widgets.photo_view import PhotoView
from tutorial_lib.widgets.photo_widget import PhotoWidget
from tutorial_lib.widgets.rasterise import rasterise
from tutorial_lib.widgets.status import CORRECT, INVITATION, count_clicks
from tutorial_lib.widgets.viewport import check_length

METHODS = ("graph-cut", "random-walker", "geodesic-matting", "growcut")
STILL_SECONDS = 10  # how long a still picture waits for slow methods
CAPTION = 44  # characters a line below the picture of a method
SCROLLBAR = 20  # CSS pixels


class Compare(PhotoWidget):
    """Click once, and see the answers of several methods.

    A click on any photo counts for all. Every method works in its own thread and is shown as soon
    as it is ready. So a slow method never delays a fast one. A method that fails says so below its
    photo, and the others go on. The answers shown are always those to the latest clicks. If there
    are more methods than processors, the faster ones go first.

    **Order.** The fastest method stands first. The panes move only once: when all methods have
    answered a trial of two made-up clicks, right after the photo is prepared, or the clicks to
    start with. They never move after the first click of a person, because nothing must move under
    a mouse. Still pictures keep the order in which the methods were named, and wait up to ten
    seconds for slow methods, so that they are the same on every machine.

    Parameters
    ----------
    image : image
        Anything :func:`tutorial_lib.images.as_rgb` takes.
    methods : sequence of str
        Registered methods. A method with a missing package says so in its pane.
    clicks : Clicks or iterable of Click, optional
        Clicks to start with. Undo takes them back one by one.
    truth : np.ndarray, optional
        ``(H, W) bool``: the known mask. Every pane then shows its IoU.
    columns : int, optional
        Most panes in a row. By default, as many as fit. On a narrow page the panes wrap.
    width : int
        The longer side of each photo on the page, in CSS pixels.
    options : mapping of str to mapping, optional
        Options of the methods by name: ``{"graph-cut": {"lam": 2}}``.

    Raises
    ------
    TypeError
        If ``methods`` or ``clicks`` has another type.
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

    _panes: tuple[Pane, ...] = ()  # close() runs also if __init__ fails

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
        self._image, clicks = as_rgb(image), Clicks(clicks or ())
        clicks.check(self._image.shape)
        sessions = {
            name: _session(self._image, name, truth, options.get(name, {})) for name in names
        }
        usable = [session for session in sessions.values() if isinstance(session, Session)]
        if not usable:
            raise ImportError(f"None of the methods can be used here: {sessions[names[0]]}")
        for session in usable:
            for click in clicks:
                session.add(click)
        self._columns, self._closed, self._settled = columns, False, False
        view, panel = PhotoView(self._image, width, [f"{name}. {HELP}" for name in names]), Panel()
        self._panes = _make_panes(sessions, view, guard(self._pane_changed, panel.report))
        super().__init__(
            view, usable, panel, self._shelf(view),
            show=self._show_answers, paint=self._painted, answer=self._ask,
        )  # fmt: skip
        self.add_class("tutorial-compare")
        for pane in self._panes:
            pane.prepare()
        self.show_answer()

    def _shelf(self, view: PhotoView) -> w.Box:
        layout = w.Layout(flex_flow="row wrap", align_items="flex-start", width="100%")
        if self._columns is not None:
            room = self._columns * (view.viewport.width + PANE_GAP) + SCROLLBAR
            layout.max_width = f"{room}px"
        return w.Box([pane.widget for pane in self._panes], layout=layout)

    # -- what is known -------------------------------------------------------------------------

    @property
    def answers(self) -> dict[str, Segmentation]:
        """The present answers to the present clicks, by method; see :meth:`wait`."""
        return {pane.name: pane.session.result for pane in self._panes if pane.entry}

    @property
    def times(self) -> dict[str, float]:
        """Milliseconds of each of :attr:`answers`, without the photo's preparation, by method."""
        return {pane.name: pane.entry.milliseconds for pane in self._panes if pane.entry}

    @property
    def errors(self) -> dict[str, str]:
        """Why a method cannot answer the present clicks, one sentence each, by method."""
        return {pane.name: pane.error for pane in self._panes if pane.error}

    @property
    def order(self) -> list[str]:
        """The methods in the order of the page."""
        places = {pane.name: int(pane.widget.layout.order or 0) for pane in self._panes}
        return sorted(places, key=places.get)

    # -- what a person does --------------------------------------------------------------------

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until every method has answered the present clicks, or failed.

        Parameters
        ----------
        timeout : float, optional
            Most seconds to wait. By default, as long as it takes.

        Returns
        -------
        bool
            Whether all are done.
        """
        end = time.monotonic() + (math.inf if timeout is None else timeout)
        for pane in self._panes:
            while pane.busy:  # again, if a click came after the thread's last look at the clicks
                left = max(0.0, end - time.monotonic())
                if not pane.join(min(left, threading.TIMEOUT_MAX)):
                    break
        return not any(pane.due for pane in self._panes)

    def close(self) -> None:
        """Take the widget off the page and end its threads.

        A method cannot be stopped while it computes an answer: its thread ends after that answer.
        """
        self._closed = True
        for pane in self._panes:
            pane.close()
        super().close()

    def _edit(self, edit: Callable[[ClickHistory], None], wait: bool) -> None:
        if self._closed:
            raise ValueError("This comparison was closed; make a new one.")
        self._settled = True
        super()._edit(edit, wait)

    # -- the answers ---------------------------------------------------------------------------

    def _ask(self, wait: bool) -> None:
        for pane in sorted(self._panes, key=lambda pane: pane.rank):
            pane.answer()
        if wait:
            self.wait()

    def _pane_changed(self, pane: Pane) -> None:
        if self._closed:
            return
        pane.answer()  # in case a click came after the thread's last look at the clicks
        self._draw(pane)
        self._take_places()
        self._show_state()

    def _take_places(self) -> None:
        if self._settled or not all(pane.opened for pane in self._panes):
            return
        self._settled = True
        for place, pane in enumerate(sorted(self._panes, key=lambda pane: pane.rank)):
            pane.widget.layout.order = str(place)

    def _show_answers(self) -> None:
        for pane in self._panes:
            self._draw(pane)
        self._show_state()

    def _draw(self, pane: Pane) -> None:
        look = self.panel.view.value, self.panel.opacity.value, self._colour()
        pane.show_answer(self.viewport, *look)

    def _colour(self) -> render.Colour:
        """Choose the colour of all masks from the photo under the first mark of the object."""
        first = next((mark for mark in self.clicks if mark.positive), None)
        marked = Clicks([first] if first else []).discs(self._image.shape)[0]
        return render.mask_colour(self._image, marked)

    def _show_state(self) -> None:
        self.panel.show_editing(self._histories[0], self.viewport)
        for pane in self._panes:
            pane.show_state()
        hint = CORRECT if len(self.clicks) else INVITATION
        busy = any(pane.due for pane in self._panes)
        self.panel.show_status(self._describe(), busy=busy, hint=hint)

    def _describe(self) -> str:
        if not len(self.clicks):
            return ""
        text = f"{len(self.answers)} of {len(self._panes)} methods have answered"
        if failed := len(self.errors):
            text += f", {failed} cannot"
        return f"{count_clicks(self.clicks)}; {text}."

    # -- without a browser ---------------------------------------------------------------------

    def _painted(self) -> np.ndarray:
        """Paint all panes as one ``(H, W, 3) uint8`` picture, without zoom and times."""
        from tutorial_lib.plots import grid

        panels = [
            (textwrap.fill(pane.caption(), CAPTION), self._pane_picture(pane))
            for pane in self._panes
        ]
        rows = -(-len(panels) // 3)  # at most three in a row, and rows of similar length
        figure = grid(panels, columns=self._columns or -(-len(panels) // rows))
        return rasterise(figure)[0]

    def _pane_picture(self, pane: Pane) -> np.ndarray:
        if pane.session:
            look = self.panel.view.value, self.panel.opacity.value, self._colour()
            return pane.session.picture(*look)
        return render.composite(self._image, self.clicks)

    def __repr__(self) -> str:
        return f"Compare({', '.join(pane.name for pane in self._panes)})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        if len(self.clicks):
            self.wait(STILL_SECONDS)
        return super()._repr_mimebundle_(**kwargs)


def _make_panes(
    sessions: Mapping[str, Session | str], view: PhotoView, changed: Callable[[Pane], None]
) -> tuple[Pane, ...]:
    queue = FastestFirst()
    canvases = zip(sessions.items(), view.canvases, strict=True)
    return tuple(
        Pane(name, session, canvas, queue, place, changed)
        for place, ((name, session), canvas) in enumerate(canvases)
    )


def _session(
    image: np.ndarray, name: str, truth: np.ndarray | None, options: Mapping[str, Any]
) -> Session | str:
    """Return a session of the method on the photo, or the reason why there is none."""
    try:
        return Session(image, name, truth=truth, **options)
    except (ImportError, OSError) as error:  # a package or a weights file is missing
        return error_line(error)


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
