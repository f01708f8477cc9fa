"""What mouse, finger and keyboard mean on a photo, for every widget a person clicks on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as w
from ipyevents import Event

from tutorial_lib.clicks import Clicks
from tutorial_lib.widgets.background import reason
from tutorial_lib.widgets.layers import PhotoLayers
from tutorial_lib.widgets.panel import Toolbar
from tutorial_lib.widgets.viewport import Viewport

ARROWS = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}
HELP = (
    "Left click: object. Right click or shift-click: background. Keys: Z undo, Y redo, C clear, "
    "arrows move a cursor, Enter marks object, Shift+Enter background, + and - zoom, Tab leaves."
)


class Clickable(w.VBox):
    """A widget with a photo to click on, shown once or several times.

    A subclass sets ``viewport`` and ``panel``, calls ``_listen`` once and ``_listen_to`` for every
    canvas, and says what happens: it defines the methods that raise ``NotImplementedError`` here.
    """

    viewport: Viewport
    panel: Toolbar
    _cursor: tuple[int, int] | None = None

    # -- what a subclass says ------------------------------------------------------------------

    @property
    def clicks(self) -> Clicks:
        """The clicks so far."""
        raise NotImplementedError

    def click(self, row: int, col: int, positive: bool = True, wait: bool = True) -> None:
        """Click on a pixel of the photo."""
        raise NotImplementedError

    def undo(self, wait: bool = False) -> None:
        """Take back the latest change."""
        raise NotImplementedError

    def redo(self, wait: bool = False) -> None:
        """Bring back what :meth:`undo` took back."""
        raise NotImplementedError

    def clear(self, wait: bool = False) -> None:
        """Forget all clicks."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw everything again, as after a page reload: a canvas keeps no pixels."""
        raise NotImplementedError

    def _summary(self) -> str:
        raise NotImplementedError

    def _still(self) -> bytes:
        raise NotImplementedError

    def _show_answer(self) -> None:
        raise NotImplementedError

    def _show_marks(self) -> None:
        raise NotImplementedError

    def _show_state(self) -> None:
        raise NotImplementedError

    # -- zoom ----------------------------------------------------------------------------------

    def zoom(self, step: int) -> None:
        """Zoom in (+1) or out (-1) around the cursor, or else the latest click."""
        centre = self._cursor
        if centre is None and len(self.clicks):
            centre = (self.clicks[-1].row, self.clicks[-1].col)
        self._look(self.viewport.zoomed(step, centre))

    def pan(self, down: int, right: int) -> None:
        """Move the view by a quarter of its size."""
        self._look(self.viewport.moved(down, right))

    def _look(self, viewport: Viewport) -> None:
        self.viewport = viewport
        self.redraw()
        self._show_state()

    # -- from browser events to clicks ---------------------------------------------------------

    def _listen(self) -> None:
        """Connect the controls that every such widget has."""
        panel = self.panel
        for button, action in {
            panel.undo: self.undo,
            panel.redo: self.redo,
            panel.clear: self.clear,
            panel.zoom_in: lambda: self.zoom(+1),
            panel.zoom_out: lambda: self.zoom(-1),
        }.items():
            self._on_press(button, action)
        for step, button in panel.pan.items():
            self._on_press(button, lambda step=step: self.pan(*step))
        for choice in (panel.view, panel.opacity):
            choice.observe(self._safely(lambda _: self._show_answer()), "value")

    def _on_press(self, button: w.Button, action: Callable[[], Any]) -> None:
        button.on_click(self._safely(lambda _: action()))

    def _listen_to(self, layers: PhotoLayers, redraw: Callable[[], None]) -> None:
        """Take clicks and keys from a canvas, and draw it when a page begins to show it."""
        # ipyevents tells the button and shift; watching keyup makes it focus the canvas on hover,
        # without which ipycanvas scrolls the page under the first click and reports a wrong place.
        events = Event(
            source=layers,
            watched_events=["mousedown", "contextmenu", "keyup"],
            prevent_default_action=True,
        )
        events.on_dom_event(self._safely(self._on_mouse))
        layers.on_touch_start(self._safely(self._on_touch))
        layers.on_key_down(self._safely(self._on_key))
        layers.on_client_ready(self._safely(redraw))

    def _safely(self, handler: Callable[..., Any]) -> Callable[..., None]:
        """Wrap a browser handler: what it raises is told in the widget instead of vanishing."""

        def guarded(*arguments: Any) -> None:
            try:
                handler(*arguments)
            except BaseException as error:  # SystemExit too: it would end the kernel
                self._fail(error)

        return guarded

    def _fail(self, error: BaseException) -> None:
        self.panel.tell(reason(error), failed=True)

    def _on_mouse(self, event: dict[str, Any]) -> None:
        if event.get("event") != "mousedown" or event["button"] not in (0, 2):
            return
        positive = event["button"] == 0 and not event["shiftKey"]
        if positive:
            positive = self.panel.side.value
        x = (event["relativeX"] + 0.5) * self.viewport.width / event["boundingRectWidth"]
        y = (event["relativeY"] + 0.5) * self.viewport.height / event["boundingRectHeight"]
        self._cursor = None
        self.click(*self.viewport.to_pixel(x, y), positive, wait=False)

    def _on_touch(self, touches: list[tuple[float, float]]) -> None:
        if len(touches) == 1:
            self.click(*self.viewport.to_pixel(*touches[0]), self.panel.side.value, wait=False)

    def _on_key(self, key: str, shift: bool, ctrl: bool, meta: bool) -> None:
        if (ctrl or meta) and key.lower() not in ("z", "y"):
            return  # the browser's own, such as copying
        if key in ARROWS:
            self._move_cursor(*ARROWS[key], coarse=shift)
        elif key in ("Enter", " "):
            row, col = self._cursor or self.viewport.centre
            self.click(row, col, not shift and self.panel.side.value, wait=False)
        elif key == "Tab":  # ipycanvas swallows it, so the focus is handed on from here
            (self.panel.before_photo if shift else self.panel.view).focus()
        elif key.lower() == "z":
            self.redo() if shift else self.undo()
        else:
            actions = {"y": self.redo, "c": self.clear, "escape": self._hide_cursor}
            actions |= {"+": lambda: self.zoom(1), "=": lambda: self.zoom(1)}
            actions["-"] = lambda: self.zoom(-1)
            actions.get(key.lower(), lambda: None)()

    def _move_cursor(self, down: int, right: int, coarse: bool) -> None:
        row, col = self._cursor or self.viewport.centre
        step = max(1, round((20 if coarse else 5) / self.viewport.scale))
        height, width = self.viewport.shape
        self._cursor = (
            min(max(row + down * step, 0), height - 1),
            min(max(col + right * step, 0), width - 1),
        )
        if self.viewport.follow(self._cursor) == self.viewport:
            self._show_marks()
        else:
            self.viewport = self.viewport.follow(self._cursor)
            self.redraw()

    def _hide_cursor(self) -> None:
        self._cursor = None
        self._show_marks()

    # -- without a browser ---------------------------------------------------------------------

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """Add a still picture to the widget view, for GitHub, nbconvert and closed kernels."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["text/plain"] = self._summary()
        data["image/png"] = self._still()
        return bundle
