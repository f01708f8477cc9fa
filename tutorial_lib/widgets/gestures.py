"""What mouse, finger and keyboard mean on a photo: a browser's event becomes an action."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from math import dist
from typing import Any

import ipywidgets as w
from ipyevents import Event

from tutorial_lib.actions import Point
from tutorial_lib.clicks import Mark
from tutorial_lib.paths import UPLOAD_VARIABLE
from tutorial_lib.widgets.actions import PhotoActions
from tutorial_lib.widgets.background import guard
from tutorial_lib.widgets.panel import Panel, Tool
from tutorial_lib.widgets.photo_layers import PhotoLayers, mark_colour
from tutorial_lib.widgets.photo_view import PhotoView

ARROWS = {"ArrowUp": (-1, 0), "ArrowDown": (1, 0), "ArrowLeft": (0, -1), "ArrowRight": (0, 1)}
FINE, COARSE = 5, 20  # canvas pixels that the cursor moves, without and with shift
MOVED = 6  # CSS pixels: a press that moves less is a click
PAUSE = 40  # milliseconds between two events of a moving mouse
DEFAULT_UPLOAD = 10_000_000  # bytes that a server of Jupyter takes in one message, by default
LEFT, MIDDLE, RIGHT = range(3)  # mouse buttons, as browsers number them
TOLD_TOOL = re.compile(r"\btutorial-tool-(\d)\b")  # gestures.js puts it on the photo
HEARD = '<i data-heard="{}"></i>'
HELP = (
    "Left click: object. Right click or shift-click: background. Press and draw: stroke. "
    "Drag a mark to move it; Alt+click deletes it. "
    "Ctrl+wheel zooms. Space bar or middle button and drag: move the view. "
    "Keys: Z undo, Y redo, C clear, arrows move a cursor, Enter marks object, Shift+Enter "
    "background, K selects a mark, then arrows move it and Delete deletes it, + and - zoom, "
    "? shows all keys, Tab leaves."
)


@dataclass
class Press:
    """A mouse button that is held down.

    Parameters
    ----------
    button : int
        The button.
    tool : Tool
        The tool that was chosen when the button was pressed.
    positive : bool
        Whether the press marks the object.
    start : tuple of float
        Where it began, in CSS pixels on the page.
    pixels : list of (int, int)
        The pixels of the photo that the mouse passed; with a brush the places, to a fraction.
    corner : (int, int), optional
        The corner of a box that stays, while the press moves the opposite one.
    mark : Click or Stroke, optional
        The mark that the press moves.
    paint : bool, optional
        Whether the press paints into the mask (True) or erases from it (False).
    moved : bool
        Whether the mouse has left the place where it was pressed.
    """

    button: int
    tool: Tool
    positive: bool
    start: tuple[float, float]
    pixels: list[Any]
    corner: Point | None = None
    mark: Mark | None = None
    paint: bool | None = None
    moved: bool = False


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

    Attributes
    ----------
    heard : ipywidgets.HTML
        An invisible part of the page. It tells ``gestures.js`` the time of the latest click that
        the kernel has heard of.
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
            "escape": self._let_go,
            "delete": self._delete,
            "backspace": self._delete,
            "+": lambda: actions.zoom(+1),
            "=": lambda: actions.zoom(+1),
            "-": lambda: actions.zoom(-1),
            "b": partial(_flip, panel.before),
            "p": partial(_flip, panel.presenter),
            "?": partial(_flip, panel.help),
            "s": self._flip_spotlight,
            **(keys or {}),
        }
        self.heard = w.HTML(HEARD.format(0), layout={"display": "none"})
        self._press: Press | None = None
        self._corner: Point | None = None  # of a box, while its other corner is to come
        self._mouse: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "mousedown": self._on_press,
            "mousemove": self._on_move,
            "mouseup": self._on_release,
            "mouseleave": self._on_release,  # a button that is released elsewhere is never reported
            "wheel": self._on_wheel,
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
            watched_events=["mousedown", "mouseup", "mouseleave", "contextmenu", "keyup"],
            prevent_default_action=True,
        )
        moves = Event(
            source=canvas, watched_events=["mousemove", "wheel"], wait=PAUSE,
            prevent_default_action=True,
        )  # fmt: skip
        report = self._panel.report
        for source in (events, moves):
            source.on_dom_event(guard(self.on_mouse, report))
        canvas.on_touch_start(guard(self.on_touch, report))
        canvas.on_key_down(guard(self.on_key, report))
        canvas.on_client_ready(guard(ready, report))

    def on_mouse(self, event: Mapping[str, Any]) -> None:
        """Do what the mouse does: click, draw a stroke, move the view, zoom.

        Parameters
        ----------
        event : mapping
            An event of ipyevents. Positions are in CSS pixels.
        """
        kind = event.get("event", "")
        if kind == "mouseup":  # the actions draw the marks, and the page draws its own no more
            self.heard.value = HEARD.format(event.get("timeStamp", 0))
        if act := self._mouse.get(kind):
            act(event)

    def _on_press(self, event: Mapping[str, Any]) -> None:
        button = event["button"]
        if button in (LEFT, MIDDLE, RIGHT):
            first = button == LEFT and not event["shiftKey"]
            place, tool = self._place(event), self._tool(event)
            if tool.paints is not None and button != MIDDLE:
                begin, paint = self._view.viewport.to_point(*place), tool.paints == first
                start = _position(event)
                self._press = Press(button, tool, paint, start, [begin], paint=paint)
                return
            pixel = self._view.viewport.to_pixel(*place)
            mark = self._mark_at(place) if first and not tool.draws_box else None
            if mark is not None and event["altKey"]:
                self._actions.delete_mark(self._number_of(mark), wait=False)
            else:
                corner = self._opposite_corner(place) if first and mark is None else None
                if corner is None and first and tool.draws_box:
                    corner = pixel
                positive, start = first and tool.positive, _position(event)
                self._press = Press(button, tool, positive, start, [pixel], corner, mark)

    def _tool(self, event: Mapping[str, Any]) -> Tool:
        """Return the tool of a press: the one that the page shows, if it was chosen there.

        A busy kernel hears of a press before it hears of a tool that was chosen before the press.
        """
        told = TOLD_TOOL.search(event.get("target", {}).get("className", ""))
        return self._panel.tool_number(int(told[1])) if told else self._panel.tool

    def _mark_at(self, place: tuple[float, float]) -> Mark | None:
        clicks = self._actions.clicks
        number = self._view.mark_at(clicks, *place) if self._panel.moves_marks else None
        return None if number is None else clicks[number]

    def _opposite_corner(self, place: tuple[float, float]) -> Point | None:
        """Return the corner of the box that is opposite to the one at a place, or None."""
        clicks = self._actions.clicks
        number = self._view.corner_at(clicks, *place) if self._panel.moves_marks else None
        return None if number is None else clicks.box.corners[number - 2]

    def _number_of(self, mark: Mark) -> int | None:
        """Return the index of a mark, or None if it was taken back while the button was held."""
        marks = enumerate(self._actions.clicks)
        return next((number for number, each in marks if each is mark), None)

    def _on_move(self, event: Mapping[str, Any]) -> None:
        press, viewport = self._press, self._view.viewport
        if press is None:
            return
        press.moved = press.moved or dist(_position(event), press.start) > MOVED
        x, y = self._place(event)
        if press.button == MIDDLE:
            target = viewport.placed(press.pixels[0], x, y)
            if target != viewport:
                self._actions.look(target, quickly=True)
        elif press.paint is not None:
            press.pixels.append(viewport.to_point(x, y))
            radius = self._panel.brush_radius
            self._actions.sketch_touch_up(press.pixels, radius, press.paint)
        elif press.moved:
            press.pixels.append(viewport.to_pixel(x, y))
            if press.mark is not None:
                self._move(press, self._actions.drag_mark)
            elif press.corner is not None:
                self._actions.sketch_box(press.corner, press.pixels[-1])
            else:
                self._actions.sketch(press.pixels, press.positive)

    def _on_release(self, event: Mapping[str, Any]) -> None:
        if self._press is None:
            return
        self._on_move(event)
        press, self._press = self._press, None
        if press.button == MIDDLE:
            self._actions.look(self._view.viewport)  # without loss, now that the view rests
            return
        self._view.cursor = None
        if press.paint is not None:
            radius = self._panel.brush_radius
            self._actions.touch_up(press.pixels, radius, press.paint, wait=False)
        elif press.mark is not None:
            self._drop(press)
        elif press.moved and press.corner is not None:
            self._corner = None
            self._actions.box(press.corner, press.pixels[-1], wait=False)
        elif press.moved:
            self._actions.stroke(press.pixels, press.positive, wait=False)
        else:
            self._mark(press.pixels[0], press.positive, press.tool)

    def _drop(self, press: Press) -> None:
        """Move the mark that was dragged, or select it if it was pressed only."""
        if press.moved:
            self._move(press, partial(self._actions.move_mark, wait=False))
        elif (number := self._number_of(press.mark)) is not None:
            self._actions.select_mark(number)

    def _move(self, press: Press, move: Callable[[int, int, int], None]) -> None:
        """Let a mark follow the mouse; what was under the mouse stays there."""
        if (number := self._number_of(press.mark)) is not None:
            begin, now, old = press.pixels[0], press.pixels[-1], press.mark.points[-1]
            move(number, *(old[axis] + now[axis] - begin[axis] for axis in (0, 1)))

    def _delete(self) -> None:
        if self._panel.moves_marks:
            self._actions.delete_mark(wait=False)

    def _let_go(self) -> None:
        if self._view.selected is None:
            self._actions.move_cursor(None)
        else:
            self._actions.select_mark(None)

    def _select_next(self, step: int) -> None:
        """Select the next or the previous mark; the first one after the last."""
        count, number = len(self._actions.clicks), self._view.selected
        if not count or not self._panel.moves_marks:
            return
        if number is None:
            number = -1 if step > 0 else count
        self._actions.select_mark((number + step) % count)

    def _mark(self, pixel: Point, positive: bool, tool: Tool) -> None:
        """Do what the tool does at one pixel: a click, a corner of a box, a dab of the brush."""
        first, self._corner = self._corner, None
        if tool.paints is not None:
            radius, paint = self._panel.brush_radius, tool.paints == positive
            self._actions.touch_up([pixel], radius, paint, wait=False)
        elif not (positive and tool.draws_box):
            self._actions.click(*pixel, positive, wait=False)
        elif first is None:
            self._corner = pixel
            self._actions.sketch_box(pixel, pixel)
        else:
            self._actions.box(first, pixel, wait=False)

    def _flip_spotlight(self) -> None:
        view = self._panel.view
        if "spotlight" in view.options:
            view.value = "mask" if view.value == "spotlight" else "spotlight"

    def _on_wheel(self, event: Mapping[str, Any]) -> None:
        viewport = self._view.viewport
        if event["ctrlKey"] or event["metaKey"]:
            zoomed = viewport.zoomed_at(-1 if event["deltaY"] > 0 else +1, *self._place(event))
            if zoomed != viewport:
                self._actions.look(zoomed)

    def _place(self, event: Mapping[str, Any]) -> tuple[float, float]:
        """Return the canvas position ``(x, y)`` of an event."""
        viewport = self._view.viewport
        x = (event["relativeX"] + 0.5) * viewport.width / event["boundingRectWidth"]
        return x, (event["relativeY"] + 0.5) * viewport.height / event["boundingRectHeight"]

    def on_touch(self, touches: list[tuple[float, float]]) -> None:
        """Click where one finger touches, ``(x, y)`` in canvas pixels; two fingers do nothing."""
        if len(touches) == 1:
            tool = self._panel.tool
            self._mark(self._view.viewport.to_pixel(*touches[0]), tool.positive, tool)

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
            pixel, tool = self._view.cursor or self._view.viewport.centre, self._panel.tool
            self._mark(pixel, not shift and tool.positive, tool)
        elif key == "Tab":  # ipycanvas swallows it, so move the focus from here
            (self._panel.before_photo if shift else self._panel.view).focus()
        elif key.lower() == "k":
            self._select_next(-1 if shift else +1)
        elif key.lower() == "z":
            self._actions.redo() if shift else self._actions.undo()
        elif key.lower() in self._keys:
            self._keys[key.lower()]()

    def _move_cursor(self, down: int, right: int, distance: int) -> None:
        viewport = self._view.viewport
        row, col = self._view.cursor or viewport.centre
        step = max(1, round(distance / viewport.scale))
        if self._view.selected is not None:
            self._actions.nudge_mark(down * step, right * step)
            return
        height, width = viewport.shape
        row, col = row + down * step, col + right * step
        self._actions.move_cursor((min(max(row, 0), height - 1), min(max(col, 0), width - 1)))


def _flip(toggle: w.ToggleButton) -> None:
    toggle.value = not toggle.value


def _position(event: Mapping[str, Any]) -> tuple[float, float]:
    return event["relativeX"], event["relativeY"]


def event_filter() -> w.Output:
    """Return an invisible part of the page that loads ``gestures.js``.

    The page scrolls with it over a photo, and Ctrl with the wheel zooms. Without it, ipycanvas
    keeps wheel and fingers to itself.
    """
    limit = os.environ.get(UPLOAD_VARIABLE, "") or str(DEFAULT_UPLOAD)
    code = _read("gestures.js").replace("MAX_UPLOAD_BYTES", str(int(limit)))
    code = code.replace("OBJECT_COLOUR", mark_colour(True))
    return page_script(code.replace("BACKGROUND_COLOUR", mark_colour(False)))


def arrow_keys() -> w.Output:
    """Return an invisible part of the page that loads ``pointing.js``.

    Arrow keys on a picture that was clicked move two sliders with it.
    """
    return page_script(_read("pointing.js"))


def page_script(code: str) -> w.Output:
    """Return an invisible part of the page that runs JavaScript when it is shown."""
    script = {"application/javascript": code}
    output = {"output_type": "display_data", "data": script, "metadata": {}}
    return w.Output(outputs=(output,), layout={"display": "none"})


def style_sheet() -> w.HTML:
    """Return an invisible part of the page that holds ``look.css``."""
    return w.HTML(f"<style>{_read('look.css')}</style>", layout={"display": "none"})


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
