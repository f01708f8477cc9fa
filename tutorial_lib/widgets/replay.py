"""Replay: go through what somebody did on a photo, step by step."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np
from ipyevents import Event
from traitlets import link

from tutorial_lib import render
from tutorial_lib.actions import Box, StartMask, Stroke, TouchUp
from tutorial_lib.clicks import Action, Clicks, Preference
from tutorial_lib.images import ImageLike
from tutorial_lib.segmenter import Segmentation
from tutorial_lib.session import HistoryEntry, Session
from tutorial_lib.widgets.background import error_line, guard
from tutorial_lib.widgets.gestures import event_filter, style_sheet
from tutorial_lib.widgets.keys import keys_html
from tutorial_lib.widgets.panel import ROW, make_button, make_dropdown
from tutorial_lib.widgets.photo_view import PhotoView
from tutorial_lib.widgets.status import status_html
from tutorial_lib.widgets.still import controls_above, still

HELP = (
    "A replay. Keys: left and right arrow go one step back or forward, Home and End to the first "
    "or last step, the space bar plays and stops."
)
KEYS = (
    ("←", "one step back"),
    ("→", "one step forward"),
    ("Home, End", "first and last step"),
    ("Space", "play and stop"),
)
VIEWS = tuple(view for view in render.VIEWS if view != "probability")  # a history keeps masks only


class Replay(w.VBox):
    """Go through a session or a saved click log, step by step, as a teacher does before a class.

    Each step shows what was done, and the answer. A session's own answers are shown. The answers to
    a log are computed once, when the widget is made. :meth:`show` does from code what buttons,
    slider and keys do.

    Parameters
    ----------
    source : Session, mapping or path
        A session, such as ``canvas.session``, or a click log: a file that the Save button or
        ``Session.export`` wrote, or the value of :meth:`Session.log`. Of several objects, the
        current one is replayed. What is done in a session later does not change the replay.
    image : image, optional
        The photo of the log; see :meth:`Session.replay`. A session has its own.
    width : int, optional
        The longer side of the photo on the page, in CSS pixels; see :class:`ClickCanvas`.
    interval : int
        Milliseconds for each step while it plays.
    **settings
        Further arguments of :meth:`Session.replay` for a log, such as ``truth``.

    Attributes
    ----------
    captions : tuple of str
        What was done in each step, in words. The first one is the bare photo.

    Raises
    ------
    ValueError
        If the log is unreadable or belongs to another photo, or if there is nothing to replay.
    TypeError
        If a log comes without its photo, or a session comes with one.

    Examples
    --------
    >>> replay = Replay(canvas.session)               # doctest: +SKIP
    >>> replay = Replay("photo-clicks.json", photo)   # doctest: +SKIP
    >>> replay.show(3)                                # doctest: +SKIP
    """

    def __init__(
        self,
        source: Session | dict[str, Any] | str | PathLike[str],
        image: ImageLike | None = None,
        *,
        width: int | None = None,
        interval: int = 1500,
        **settings: Any,
    ) -> None:
        if isinstance(source, Session) == (image is not None):
            raise TypeError(
                "A session is replayed alone, and a click log with its photo: "
                "Replay(session) or Replay(log, photo)."
            )
        if isinstance(source, (str, PathLike)):
            source = Path(source)
        if not isinstance(source, Session):
            source = Session.replay(image, source, **settings)
        self._session, self._entries = source, tuple(source.history)
        if not self._entries:
            raise ValueError("There is nothing to replay: nobody has clicked yet.")
        self.captions = ("The photo", *_captions(self._entries))
        self._view = PhotoView(source.image, width, [HELP])
        last = len(self._entries)
        self._slider = w.IntSlider(
            max=last, description="Step", tooltip="Step: drag, or use the arrow keys",
            style={"description_width": "initial"}, layout={"width": "min(24em, 98%)"},
        )  # fmt: skip
        self._play = w.Play(max=last, interval=interval, tooltip="Play the steps (space bar)")
        link((self._play, "value"), (self._slider, "value"))
        self._back = make_button("Previous", "step-backward", "One step back (left arrow)")
        self._next = make_button("Next", "step-forward", "One step forward (right arrow)")
        self._look = make_dropdown("View", VIEWS, "What is drawn over the photo", "12em")
        self._words = w.HTML()
        row = w.HBox([self._back, self._next, self._play, self._slider, self._look], layout=ROW)
        photo = w.Box(self._view.canvases, layout={"overflow": "auto"})
        keys = w.HTML(keys_html(KEYS))
        super().__init__([row, photo, self._words, keys, event_filter(), style_sheet()])
        self.add_class("tutorial-replay")
        self._connect()
        self._draw()

    def _connect(self) -> None:
        canvas = self._view.canvases[0]
        self._back.on_click(guard(lambda _button: self._go(-1), self._report))
        self._next.on_click(guard(lambda _button: self._go(+1), self._report))
        for control in (self._slider, self._look):
            control.observe(guard(lambda _change: self._draw(), self._report), "value")
        # Watching keyup makes ipyevents focus the canvas on hover, so that it gets the keys.
        Event(source=canvas, watched_events=["keyup"], prevent_default_action=True)
        canvas.on_key_down(guard(self._on_key, self._report))
        canvas.on_client_ready(guard(self._draw, self._report))

    def __len__(self) -> int:
        return len(self.captions)

    @property
    def step(self) -> int:
        """The step that is shown: 0 is the bare photo."""
        return self._slider.value

    @property
    def clicks(self) -> Clicks:
        """What had been said after the step that is shown."""
        return self._entries[self.step - 1].clicks if self.step else Clicks()

    @property
    def mask(self) -> np.ndarray:
        """The answer of the step that is shown, ``(H, W) bool``; empty for the bare photo."""
        return self._entries[self.step - 1].mask if self.step else self._empty

    @property
    def _empty(self) -> np.ndarray:
        return np.zeros(self._session.shape, dtype=bool)

    def show(self, step: int) -> None:
        """Show a step.

        Parameters
        ----------
        step : int
            From 0, the bare photo, to ``len(replay) - 1``.

        Raises
        ------
        ValueError
            If there is no such step. The present one stays.
        """
        if not 0 <= step < len(self):
            raise ValueError(f"The steps are 0 to {len(self) - 1}; there is no {step}.")
        self._slider.value = step

    def _go(self, step: int) -> None:
        self._slider.value = min(max(self.step + step, 0), len(self) - 1)

    def _on_key(self, key: str, _shift: bool, ctrl: bool, meta: bool) -> None:
        if ctrl or meta:
            return
        if key in ("ArrowLeft", "ArrowRight"):
            self._go(-1 if key == "ArrowLeft" else +1)
        elif key in ("Home", "End"):
            self.show(0 if key == "Home" else len(self) - 1)
        elif key == " ":
            self._play.playing = not self._play.playing
        elif key == "Tab":  # ipycanvas swallows it
            self._back.focus()

    def _draw(self) -> None:
        canvas, mask = self._view.canvases[0], self.mask
        answer = Segmentation(mask) if self.step else None
        colour = self._session.colour
        self._view.draw(canvas, self.clicks)
        canvas.show_answer(self._view.viewport, answer, self._look.value, 0.5, colour)
        self._back.disabled, self._next.disabled = self.step == 0, self.step == len(self) - 1
        self._say(f"Step {self.step} of {len(self) - 1}. {self.captions[self.step]}.")

    def _say(self, text: str, failed: bool = False) -> None:
        attributes = 'role="status" aria-live="polite"'
        self._words.value = status_html(text, failed=failed, attributes=attributes)

    def _report(self, error: BaseException) -> None:
        self._say(error_line(error), failed=True)

    @property
    def picture(self) -> np.ndarray:
        """The step that is shown as one ``(H, W, 3) uint8`` picture."""
        mask = self.mask if self.step else None
        image, look = self._session.image, self._look.value
        return render.composite(image, self.clicks, mask, view=look, colour=self._session.colour)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Add a still picture, for GitHub, nbconvert and closed kernels."""
        data = super()._repr_mimebundle_(**kwargs)
        data["text/plain"] = repr(self)
        data["image/jpeg"] = still(self.picture, controls_above(self.children))
        return data, {"image/jpeg": {"alt": f"Still picture of {self!r}"}}

    def __repr__(self) -> str:
        return f"Replay({self._session.name}, step {self.step} of {len(self) - 1})"


def _captions(entries: tuple[HistoryEntry, ...]) -> list[str]:
    """Say for each answer what was done, how long it took, and how good it is."""
    captions, before, method = [], Clicks(), entries[0].method
    seen = [before]
    for entry in entries:
        done = describe_change(before, entry.clicks, seen)
        if entry.method != method:
            done = f"{done} with {entry.method}" if done else f"The method becomes {entry.method}"
        text = f"{done or 'The same again'}; {entry.method} took {entry.milliseconds:.0f} ms"
        captions.append(text if entry.iou is None else f"{text}, IoU {entry.iou:.3f}")
        before, method = entry.clicks, entry.method
        seen.append(before)
    return captions


def describe_change(before: Clicks, after: Clicks, seen: list[Clicks]) -> str:
    """Say in words what turned some clicks into others.

    Parameters
    ----------
    before, after : Clicks
        What had been said before and after.
    seen : list of Clicks
        All earlier states, to tell undo from a deletion.

    Returns
    -------
    str
        Part of a sentence that begins with a capital; empty if nothing changed.

    Examples
    --------
    >>> from tutorial_lib.clicks import Click
    >>> one = Clicks([Click(20, 30)])
    >>> describe_change(Clicks(), one, [])
    'Left click on the object at row 20, column 30'
    >>> describe_change(one, one.move_mark(0, 25, 30), [])
    'Click 1 is dragged to row 25, column 30'
    """
    if before == after:
        return ""
    old, new = before.actions, after.actions
    added = [action for action in new if action not in old]
    if len(new) > len(old) and len(added) == 1 and after not in seen:
        return _said(added[0])
    if after in seen:
        return "Undo" if len(new) <= len(old) else "Redo"
    if len(before) == len(after):
        moved = [n for n, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]]
        if len(moved) == 1:
            row, col = after[moved[0]].points[-1]
            return f"Click {moved[0] + 1} is dragged to row {row}, column {col}"
    if len(after) == len(before) - 1:
        gone = [n for n in range(len(before)) if before.delete_mark(n).items == after.items]
        if gone:
            return f"Click {gone[0] + 1} is deleted"
    return _said(added[-1]) if len(added) == 1 else "Several changes"


def _said(action: Action) -> str:
    match action:
        case Preference():
            return f"Candidate {action.candidate} is chosen"
        case Box():
            return f"A box of {action.shape[0]} x {action.shape[1]} pixels"
        case StartMask():
            return "A mask to start from"
        case Stroke():
            return f"A stroke on the {'object' if action.positive else 'background'}"
    row, col = (round(value) for value in action.points[-1])
    if isinstance(action, TouchUp):
        tool = "Brush" if action.positive else "Eraser"
        return f"{tool} of {2 * action.radius:g} pixels, to row {row}, column {col}"
    hand = "Left click on the object" if action.positive else "Right click on the background"
    return f"{hand} at row {row}, column {col}"
