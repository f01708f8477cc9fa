"""The objects on a photo: a button for each, its name, and whether it is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as w

from tutorial_lib import render
from tutorial_lib.objects import SessionObject
from tutorial_lib.session import Session
from tutorial_lib.widgets.panel import ROW, make_button

Change = Callable[[Session], None]


class ObjectList:
    """Begins objects, goes back to them, renames, hides and deletes them.

    Attributes
    ----------
    widget : ipywidgets.HBox
        The list as it stands on the page.
    next, back : ipywidgets.Button
        Begin another object; bring back the one that was deleted last.
    name : ipywidgets.Text
        The name of the current object.
    """

    def __init__(self) -> None:
        self.next = make_button(
            "Next object", "plus", "Keep this object and begin another one (key N)"
        )
        self.back = make_button("Bring back", "undo", "Bring back the object that was deleted last")
        self.name = w.Text(
            description="Name", tooltip="Name of the current object", continuous_update=False
        )
        self.name.layout.width, self.name.style.description_width = "13em", "initial"
        self._rows = w.HBox(layout=ROW)
        self.widget = w.HBox([self.next, self._rows, self.name, self.back], layout=ROW)
        self._shown: tuple = ()
        self._change: Callable[[Change], None] = lambda _change: None

    def connect(self, change: Callable[[Change], None]) -> None:
        """Let the list act on a session.

        Parameters
        ----------
        change : callable
            ``change(edit)`` calls ``edit(session)``, shows the result, and reports what fails.
        """
        self._change = change
        self.back.on_click(lambda _: change(lambda session: session.undelete_object()))
        self.name.observe(self._rename, "value")

    def show(self, session: Session) -> None:
        """Show the objects of a session."""
        objects, current = session.objects, session.object_name
        shown = ([(each.name, each.visible, each.colour) for each in objects], current)
        if shown == self._shown:
            return
        self._shown = shown
        several = len(objects) > 1
        for row in self._rows.children:
            row.close()
        self._rows.children = [self._row(each, current) for each in objects] if several else []
        self.name.value = current
        self.name.layout.display = "" if several else "none"
        self.back.layout.display = "" if session.can_undelete else "none"

    def _rename(self, change: dict[str, Any]) -> None:
        old, new = self._shown[1], change["new"]
        if old != new:
            self._shown = ()
            self._change(lambda session: session.rename_object(old, new))

    def _row(self, each: SessionObject, current: str) -> w.HBox:
        name = each.name
        go = make_button(name, "", f"Go on with {name}")
        go.style.button_color = render.hex_colour(each.colour)
        go.style.text_color = "white" if sum(each.colour) < 400 else "black"
        if name == current:
            go.icon, go.tooltip, go.style.font_weight = "pencil", f"{name}: you work on it", "bold"
        eye = w.ToggleButton(
            value=each.visible, icon="eye" if each.visible else "eye-slash",
            description=f"Show {name}", tooltip=f"Show or hide {name}", layout={"width": "auto"},
        )  # fmt: skip
        trash = make_button(f"Delete {name}", "trash", f"Delete {name}")
        for button in (eye, trash):
            button.add_class("tutorial-icon-only")
        change = self._change
        go.on_click(lambda _: change(lambda session: session.go_to(name)))
        trash.on_click(lambda _: change(lambda session: session.delete_object(name)))
        eye.observe(
            lambda event: change(lambda session: session.show_object(name, event["new"])), "value"
        )
        return w.HBox([go, eye, trash]).add_class("tutorial-object")
