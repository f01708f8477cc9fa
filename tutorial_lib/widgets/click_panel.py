"""The controls of a ClickCanvas."""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets as w

from tutorial_lib.registry import methods
from tutorial_lib.session import Session
from tutorial_lib.widgets.downloads import Downloads
from tutorial_lib.widgets.keys import KEYS
from tutorial_lib.widgets.object_list import ObjectList
from tutorial_lib.widgets.panel import ROW, Panel, make_button, make_dropdown
from tutorial_lib.widgets.status import (
    BRUSH_STEP,
    ERASER_STEP,
    box_step,
    describe_session,
    next_step,
    status_html,
)
from tutorial_lib.widgets.viewport import Viewport

MORE_KEYS = (
    ("N", "next object"),
    ("T, E", "brush and eraser, and back"),
    (", and .", "smaller or larger brush"),
)
KINDS = {"classical": "classical", "deep": "network"}


class ClickPanel(Panel):
    """The common controls, and those for method, photo and files.

    Parameters
    ----------
    method : str
        The method chosen at first.
    folder : str
        The folder of the Save button, for its tooltip.
    samples : mapping of str to str
        The sample photos to choose from, and what each shows. Without any, there is no list.

    Attributes
    ----------
    showing_sample : bool
        Whether the list changes because of the photo on the screen, and not because of a person.
    """

    def __init__(self, method: str, folder: str, samples: Mapping[str, str]) -> None:
        super().__init__(keys=(*KEYS, *MORE_KEYS), boxes=True, brushes=True)
        self.save = make_button(
            "Save", "download", f"Download mask and clicks, and write them to {folder}/"
        )
        self.downloads = Downloads()
        self.restore = make_button("Restore", "history", "Bring back the clicks saved on disk")
        usable = [
            (f"{KINDS.get(info.kind, info.kind)}: {info.name}", info.name)
            for info in methods()
            if info.available
        ]
        self.method = make_dropdown("Method", usable, "The method that makes the mask", "auto")
        self.about = w.HTML(layout={"flex": "1 1 18em"}).add_class("tutorial-about")
        self.choose_method(method)
        self.objects = ObjectList()
        self.upload = w.FileUpload(
            accept="image/*", description="Open a photo", tooltip="Load a photo of your own"
        )
        self.upload.layout.width = "auto"
        self.upload.add_class("tutorial-upload")
        choices = [("a photo of your own", None), *((text, name) for name, text in samples.items())]
        self.sample = make_dropdown("Photo", choices, "A sample photo to click on", "auto")
        self.sample.layout.display = "" if samples else "none"
        self.showing_sample = False

    @property
    def before_photo(self) -> w.Widget:
        """The control that Shift+Tab goes to from the photo."""
        return self.method

    def arrange(self, photo: w.Widget) -> list[w.Widget]:
        """Return the rows of the widget from top to bottom, with the photo."""
        rows = super().arrange(photo)
        method = w.HBox([self.method, self.about], layout=ROW)
        files = w.HBox([self.sample, self.upload, self.save, self.restore], layout=ROW)
        return [rows[0], method, *rows[1:], self.objects.widget, files, self.downloads.widget]

    def show_sample(self, name: str | None) -> None:
        """Show in the list which sample photo is on the screen; None: another photo."""
        self.showing_sample = True
        if name in [value for _, value in self.sample.options]:
            self.sample.value = name
        self.showing_sample = False

    def choose_method(self, name: str) -> None:
        """Choose a method in the list. One that was registered later is added to it."""
        if name not in [value for _, value in self.method.options]:
            self.method.options = (*self.method.options, (name, name))
        self.method.value = name
        self.about.value = status_html(_about(name))

    def show_session(
        self, session: Session, viewport: Viewport, loading: str = "", note: str = ""
    ) -> None:
        """Show the state of a session.

        Parameters
        ----------
        session : Session
            Photo, method, clicks and answer.
        viewport : Viewport
            The visible part of the photo.
        loading : str
            Name of a method that is being loaded.
        note : str
            A sentence to show instead of the hint.
        """
        self.show_editing(session, viewport)
        self.objects.show(session)
        offered = session.saved() is not None and not session.clicks.actions
        self.restore.layout.display = "" if offered else "none"
        busy = bool(loading) or (session.stale and bool(session.clicks.actions))
        text = describe_session(session, loading)
        if self.tool.draws_box:
            self.show_status(text, busy, hint=box_step(session.method))
        elif self.tool.paints is not None:
            self.show_status(text, busy, hint=BRUSH_STEP if self.tool.paints else ERASER_STEP)
        elif note:
            self.show_status(f"{text} {note}".strip(), busy)
        else:
            self.show_status(text, busy, hint=next_step(session))


def _about(method: str) -> str:
    found = [f"{info.summary} {info.source}." for info in methods() if info.name == method]
    return found[0] if found else ""
