"""The controls around a photo that every widget has, and the status line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as w

from tutorial_lib import render
from tutorial_lib.history import ClickHistory
from tutorial_lib.widgets.actions import PhotoActions
from tutorial_lib.widgets.background import error_line, guard
from tutorial_lib.widgets.keys import KEYS, keys_html
from tutorial_lib.widgets.status import Hint, status_html
from tutorial_lib.widgets.viewport import Viewport

ROW = {"flex_flow": "row wrap", "align_items": "center"}
BY_MOUSE = "Arrow keys or the mouse move it, Delete deletes it."
BY_TOUCH = "Drag it with a finger, or press Delete to delete it."
# Tools beside True for the object and False for the background.
BOX, BRUSH, ERASER = "box", "brush", "eraser"
BRUSH_SIZES = (2, 4, 8, 16, 32, 64, 128)  # pixels of the photo


@dataclass(frozen=True)
class Tool:
    """What a click does.

    Parameters
    ----------
    value : bool or str
        True marks the object, False the background; or :data:`BOX`, :data:`BRUSH`, :data:`ERASER`.
    """

    value: bool | str

    @property
    def positive(self) -> bool:
        """Whether a plain click marks the object."""
        return self.value is not False

    @property
    def draws_box(self) -> bool:
        """Whether this is the box tool."""
        return self.value == BOX

    @property
    def paints(self) -> bool | None:
        """Whether this is the brush (True) or the eraser (False); None: neither."""
        return {BRUSH: True, ERASER: False}.get(self.value)


class Panel:
    """The common controls. They show the state of a widget and keep none themselves.

    Parameters
    ----------
    views : sequence of str
        What can be drawn over the photo.
    keys : sequence of (str, str)
        The keys and what they do.
    boxes : bool
        Whether there is a tool that draws a box.
    brushes : bool
        Whether there are tools that paint into the mask and erase from it.

    Attributes
    ----------
    moves_marks : bool
        Whether a person may move a mark, or delete one that is not the latest.
    """

    moves_marks = True

    def __init__(
        self,
        views: Sequence[str] = render.VIEWS,
        keys: Sequence[tuple[str, str]] = KEYS,
        boxes: bool = False,
        brushes: bool = False,
    ) -> None:
        tools = [
            ("● Object", True, "A click or tap marks the object"),
            ("■ Background", False, "A click or tap marks the background"),
        ]
        if boxes:
            hint = "Drag a box around the object, or tap two corners; drag a corner to move it"
            tools += [("▭ Box", BOX, hint)]
        if brushes:
            tools += [
                ("✚ Brush", BRUSH, "Paint into the mask (key T)"),
                ("✖ Eraser", ERASER, "Erase from the mask (key E)"),
            ]
        self.side = w.ToggleButtons(
            options=[(name, value) for name, value, _ in tools],
            tooltips=[tooltip for _, _, tooltip in tools],
            style={"button_width": "auto"},
        ).add_class("tutorial-tools")
        sizes = [(f"{size} px", size / 2) for size in BRUSH_SIZES]
        self.size = make_dropdown("Size", sizes, "Width of brush and eraser (keys , and .)", "8em")
        self.size.value, self.size.layout.display = 8.0, "none"
        self.side.observe(lambda _change: self._show_tool(), "value")
        self.undo = make_button("Undo", "undo", "Take back the latest change (key Z)")
        self.redo = make_button("Redo", "repeat", "Bring it back (key Y)")
        self.clear = make_button("Clear", "trash", "Remove all clicks (key C); Undo restores them")
        self.delete = make_button("Delete", "times", "Delete the selected mark (key Delete)")
        self.delete.disabled, self._selected = True, ""
        self.view = make_dropdown("View", views, "What is drawn over the photo", "12em")
        # A dropdown, not a slider: sliders of ipywidgets have no name for screen readers.
        shares = [(f"{percent} %", percent / 100) for percent in (0, 25, 50, 75, 100)]
        self.opacity = make_dropdown("Opacity", shares, "Opacity of the tint", "10.5em")
        self.opacity.value = 0.5
        self.zoom_out = make_button("Zoom out", "search-minus", "Show more (key -)")
        self.zoom_in = make_button(
            "Zoom in", "search-plus", "Enlarge around the latest mark of the object (key +)"
        )
        self.pan = {
            (0, -1): make_button("Left", "arrow-left", "Move the view left"),
            (-1, 0): make_button("Up", "arrow-up", "Move the view up"),
            (1, 0): make_button("Down", "arrow-down", "Move the view down"),
            (0, 1): make_button("Right", "arrow-right", "Move the view right"),
        }
        self._pan_box = w.HBox(list(self.pan.values()))
        self.before = make_toggle("Before", "eye-slash", "Show the photo alone (key B)")
        self.presenter = make_toggle(
            "Presenter", "desktop", "Large marks, contours and type, for projectors (key P)"
        )
        self.help = make_toggle("Keys", "keyboard-o", "Show what the keys do (key ?)")
        self._keys = w.HTML(keys_html(keys), layout={"display": "none"})
        self.help.observe(lambda change: self._show_keys(change["new"]), "value")
        self.status = w.HTML(layout={"width": "auto"}).add_class("tutorial-status")
        self._failed = False  # whether the status line says what went wrong

    @property
    def tool(self) -> Tool:
        """The tool that the kernel knows of."""
        return Tool(self.side.value)

    def tool_number(self, number: int) -> Tool:
        """Return the tool of a button, by its place in the row."""
        return Tool(self.side.options[number][1])

    @property
    def brush_radius(self) -> float:
        """Radius of brush and eraser, in pixels of the photo."""
        return self.size.value

    def resize_brush(self, step: int) -> None:
        """Choose the next larger (+1) or smaller (-1) brush."""
        place = min(max(self.size.index + step, 0), len(BRUSH_SIZES) - 1)
        self.size.index = place

    def _show_tool(self) -> None:
        """Show the size with brush and eraser. They select no mark to delete."""
        painting = self.tool.paints is not None
        self.size.layout.display = "" if painting else "none"
        self.delete.layout.display = "none" if painting else ""

    def _show_keys(self, shown: bool) -> None:
        self._keys.layout.display = "" if shown else "none"

    @property
    def before_photo(self) -> w.Widget:
        """The control that Shift+Tab goes to from the photo: the last enabled one above it."""
        buttons = (self.delete, self.clear, self.redo, self.undo)
        enabled = [button for button in buttons if not button.disabled]
        return enabled[0] if enabled else self.opacity

    def arrange(self, photo: w.Widget) -> list[w.Widget]:
        """Return the rows of the widget from top to bottom, with the photo or photos."""
        editing = [self.side, self.size, self.undo, self.redo, self.clear, self.delete]
        looking = [
            self.view, self.opacity, self.zoom_out, self.zoom_in, self._pan_box,
            self.before, self.presenter, self.help,
        ]  # fmt: skip
        return [
            w.HBox(editing, layout=ROW),
            w.Box([photo], layout={"overflow": "auto"}),
            self.status,
            self._keys,
            w.HBox(looking, layout=ROW),
        ]

    def connect(self, actions: PhotoActions) -> None:
        """Let the controls act on a widget."""
        self.on_press(self.undo, actions.undo)
        self.on_press(self.redo, actions.redo)
        self.on_press(self.clear, actions.clear)
        self.on_press(self.delete, lambda: actions.delete_mark(wait=False))
        self.on_press(self.zoom_in, lambda: actions.zoom(+1))
        self.on_press(self.zoom_out, lambda: actions.zoom(-1))
        for step, button in self.pan.items():
            self.on_press(button, lambda step=step: actions.pan(*step))
        for control in (self.view, self.opacity, self.side, self.size):
            self.on_change(control, lambda _change: actions.show_answer())
        self.on_change(self.before, lambda change: actions.show_before(change["new"]))
        self.on_change(self.presenter, lambda change: actions.present(change["new"]))

    def on_press(self, button: w.Button, action: Callable[[], Any]) -> None:
        """Call ``action()`` when a button is pressed."""
        button.on_click(self._by_a_person(lambda _button: action()))

    def on_change(self, control: w.Widget, handler: Callable[[dict[str, Any]], Any]) -> None:
        """Call ``handler(change)`` when the value of a control has changed."""
        control.observe(self._by_a_person(handler), "value")

    def _by_a_person(self, handler: Callable[[Any], Any]) -> Callable[[Any], None]:
        def forget_and_handle(event: Any) -> None:
            self.forget_failure()
            handler(event)

        return guard(forget_and_handle, self.report)

    def show_editing(self, history: ClickHistory, viewport: Viewport) -> None:
        """Enable the buttons that can do something now, and disable the others."""
        self.undo.disabled = not history.can_undo
        self.redo.disabled = not history.can_redo
        self.clear.disabled = not history.clicks.actions
        self.zoom_out.disabled = viewport.factor == 1
        self.zoom_in.disabled = not viewport.can_zoom_in
        self._pan_box.layout.display = "none" if viewport.factor == 1 else "flex"

    def show_selected(self, number: int | None, count: int) -> None:
        """Say which of how many marks is selected; None: no mark."""
        self.delete.disabled = number is None
        self._selected = "" if number is None else f"Mark {number + 1} of {count} is selected."

    def show_status(
        self, text: str, busy: bool = False, failed: bool = False, hint: Hint | None = None
    ) -> None:
        """Show a text and a hint in the status line. Screen readers read them aloud.

        What went wrong (``failed``) stays there until :meth:`forget_failure` is called: an answer
        or a photo that is drawn in between must not wipe it away before it was read.
        """
        if self._failed and not failed:
            return
        self._failed = failed
        attributes = 'role="status" aria-live="polite"'
        if self._selected and not failed:
            hint = Hint(f"{self._selected} {BY_MOUSE}", f"{self._selected} {BY_TOUCH}")
        self.status.value = status_html(text, busy, failed, attributes=attributes, hint=hint)

    def forget_failure(self) -> None:
        """Let the next text replace what went wrong: a person has done something."""
        self._failed = False

    def report(self, error: BaseException) -> None:
        """Show the message of an exception in the status line."""
        self.show_status(error_line(error), failed=True)


def make_button(text: str, icon: str, tooltip: str) -> w.Button:
    """Return a button as wide as its text.

    Parameters
    ----------
    text : str
        The text on the button.
    icon : str
        A name of Font Awesome.
    tooltip : str
        What the button does.

    Returns
    -------
    ipywidgets.Button
        The button.
    """
    return w.Button(description=text, icon=icon, tooltip=tooltip, layout={"width": "auto"})


def make_toggle(text: str, icon: str, tooltip: str) -> w.ToggleButton:
    """Return a button that stays pressed, as wide as its text.

    Parameters
    ----------
    text : str
        The text on the button.
    icon : str
        A name of Font Awesome.
    tooltip : str
        What the button does.

    Returns
    -------
    ipywidgets.ToggleButton
        The button.
    """
    return w.ToggleButton(description=text, icon=icon, tooltip=tooltip, layout={"width": "auto"})


def make_dropdown(name: str, options: object, tooltip: str, width: str) -> w.Dropdown:
    """Return a dropdown list.

    Parameters
    ----------
    name : str
        The text before the list.
    options : object
        The choices, as :class:`ipywidgets.Dropdown` takes them.
    tooltip : str
        What is chosen.
    width : str
        A width in CSS.

    Returns
    -------
    ipywidgets.Dropdown
        The list; its first option is chosen.
    """
    return w.Dropdown(
        options=options, description=name, tooltip=tooltip,
        layout={"width": width}, style={"description_width": "initial"},
    )  # fmt: skip
