"""The controls of a ClickCanvas."""

from __future__ import annotations

import ipywidgets as w

from tutorial_lib.registry import methods
from tutorial_lib.session import Session
from tutorial_lib.widgets.panel import ROW, Panel, make_button, make_dropdown
from tutorial_lib.widgets.status import describe_session
from tutorial_lib.widgets.viewport import Viewport


class ClickPanel(Panel):
    """The common controls, and those for method, photo and files.

    Parameters
    ----------
    method : str
        The method chosen at first.
    folder : str
        The folder of the Save button, for its tooltip.
    """

    def __init__(self, method: str, folder: str) -> None:
        super().__init__()
        self.save = make_button("Save", "download", f"Write mask and clicks to {folder}/")
        self.restore = make_button("Restore", "history", "Bring back the clicks saved on disk")
        usable = [info.name for info in methods() if info.available]
        self.method = make_dropdown("Method", usable, "The method that makes the mask", "15em")
        self.choose_method(method)
        self.upload = w.FileUpload(
            accept="image/*", description="Open a photo", tooltip="Load a photo of your own"
        )
        self.upload.layout.width = "auto"

    @property
    def before_photo(self) -> w.Widget:
        """The control that Shift+Tab goes to from the photo."""
        return self.method

    def arrange(self, photo: w.Widget) -> list[w.Widget]:
        """Return the rows of the widget from top to bottom, with the photo."""
        rows = super().arrange(photo)
        rows[0].children += (self.method,)
        return [*rows, w.HBox([self.upload, self.save, self.restore], layout=ROW)]

    def choose_method(self, name: str) -> None:
        """Choose a method in the list. One that was registered later is added to it."""
        if name not in self.method.options:
            self.method.options = (*self.method.options, name)
        self.method.value = name

    def show_session(self, session: Session, viewport: Viewport) -> None:
        """Show the state of a session: what can be done, and what happened."""
        self.show_editing(session, viewport)
        offered = session.saved() is not None and not session.clicks.actions
        self.restore.layout.display = "" if offered else "none"
        busy = session.stale and bool(session.clicks.actions)
        self.show_status(describe_session(session), busy)
