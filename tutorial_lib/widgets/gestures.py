"""What mouse, finger and keyboard mean on a photo: a browser's event becomes an action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ipyevents import Event

from tutorial_lib.widgets.actions import PhotoActions
from tutorial_lib.widgets.background import guard
from tutorial_lib.widgets.panel import Panel
from tutorial_lib.widgets.photo_layers import PhotoLayers
from tutorial_lib.widgets.photo_view import PhotoView

ARROWS = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}
FINE, COARSE = 5, 20  # canvas pixels that the cursor moves, without and with shift
HELP = (
    "Left click: object. Right click or shift-click: background. Keys: Z undo, Y redo, C clear, "
    "arrows move a cursor, Enter marks object, Shift+Enter background, + and - zoom, Tab leaves."
)


class Gestures:
    """Turns the events of the browser into actions of a widget.

    Parameters
    ----------
    actions : PhotoActions
        The widget. The gestures call its methods.
    view : PhotoView
        The view of the photo. It maps canvas positions to pixels and has the keyboard's cursor.
    panel : Panel
        The controls of the widget. Its toggle sets the label of a plain click, and its status line
        shows errors.
    keys : mapping of str to callable, optional
        Further keys, in lower case, and their actions.
    """

    def __init__(
        self,
        actions: PhotoActions,
        view: PhotoView,
        panel: Panel,
        keys: Mapping[str, Callable[[], None]] | None = None,
    ) -> None:
        self._actions, self._view, self._panel = actions, view, panel
        self._keys: dict[str, Callable[[], None]] = {
            "y": actions.redo,
            "c": actions.clear,
            "escape": lambda: actions.move_cursor(None),
            "+": lambda: actions.zoom(+1),
            "=": lambda: actions.zoom(+1),
            "-": lambda: actions.zoom(-1),
            **(keys or {}),
        }

    def listen_to(self, canvas: PhotoLayers, ready: Callable[[], None]) -> None:
        """Take the events of a canvas.

        Parameters
        ----------
        canvas : PhotoLayers
            The canvas.
        ready : callable
            Called when a page begins to show the canvas, which is empty then.
        """
        # ipyevents tells the button and shift. Watching keyup makes it focus the canvas on hover.
        # Otherwise ipycanvas scrolls the page under the first click and reports a wrong place.
        events = Event(
            source=canvas,
            watched_events=["mousedown", "contextmenu", "keyup"],
            prevent_default_action=True,
        )
        report = self._panel.report
        events.on_dom_event(guard(self.on_mouse, report))
        canvas.on_touch_start(guard(self.on_touch, report))
        canvas.on_key_down(guard(self.on_key, report))
        canvas.on_client_ready(guard(ready, report))

    def on_mouse(self, event: Mapping[str, Any]) -> None:
        """Click where a mouse button was pressed; other events do nothing.

        Parameters
        ----------
        event : mapping
            An event of ipyevents. Positions are in CSS pixels.
        """
        if event.get("event") != "mousedown" or event["button"] not in (0, 2):
            return
        positive = event["button"] == 0 and not event["shiftKey"] and self._panel.side.value
        viewport = self._view.viewport
        x = (event["relativeX"] + 0.5) * viewport.width / event["boundingRectWidth"]
        y = (event["relativeY"] + 0.5) * viewport.height / event["boundingRectHeight"]
        self._view.cursor = None
        self._actions.click(*viewport.to_pixel(x, y), positive, wait=False)

    def on_touch(self, touches: list[tuple[float, float]]) -> None:
        """Click where one finger touches, ``(x, y)`` in canvas pixels; two fingers do nothing."""
        if len(touches) == 1:
            pixel = self._view.viewport.to_pixel(*touches[0])
            self._actions.click(*pixel, self._panel.side.value, wait=False)

    def on_key(self, key: str, shift: bool, ctrl: bool, meta: bool) -> None:
        """Do what a key says.

        Parameters
        ----------
        key : str
            Its name in the browser, such as ``"ArrowUp"`` or ``"z"``.
        shift, ctrl, meta : bool
            Whether these keys are held down.
        """
        if (ctrl or meta) and key.lower() not in ("z", "y"):
            return  # a shortcut of the browser, such as copying
        if key in ARROWS:
            self._move_cursor(*ARROWS[key], COARSE if shift else FINE)
        elif key in ("Enter", " "):
            row, col = self._view.cursor or self._view.viewport.centre
            self._actions.click(row, col, not shift and self._panel.side.value, wait=False)
        elif key == "Tab":  # ipycanvas swallows it, so move the focus from here
            (self._panel.before_photo if shift else self._panel.view).focus()
        elif key.lower() == "z":
            self._actions.redo() if shift else self._actions.undo()
        elif key.lower() in self._keys:
            self._keys[key.lower()]()

    def _move_cursor(self, down: int, right: int, distance: int) -> None:
        viewport = self._view.viewport
        row, col = self._view.cursor or viewport.centre
        step = max(1, round(distance / viewport.scale))
        height, width = viewport.shape
        row, col = row + down * step, col + right * step
        self._actions.move_cursor((min(max(row, 0), height - 1), min(max(col, 0), width - 1)))
