"""The controls around the photo, and the line that says what happened."""

from __future__ import annotations

import html
from collections.abc import Sequence

import ipywidgets as w

from tutorial_lib import render
from tutorial_lib.clicks import Clicks
from tutorial_lib.history import ClickHistory
from tutorial_lib.segmenter import methods
from tutorial_lib.session import Session
from tutorial_lib.widgets.viewport import Viewport

INVITATION = "Left-click the object, right-click the background."
ROW = {"flex_flow": "row wrap", "align_items": "center"}


class Toolbar:
    """The controls that every widget to click on has; it shows state and holds none.

    Parameters
    ----------
    views : sequence of str
        What can be laid over the photo.
    """

    def __init__(self, views: Sequence[str] = render.VIEWS) -> None:
        self.side = w.ToggleButtons(
            options=[("+ Object", True), ("− Background", False)],
            tooltips=["A plain click or tap marks the object", "It marks the background"],
            style={"button_width": "10em"},
        )
        self.undo = button("Undo", "undo", "Take back the latest change (key Z)")
        self.redo = button("Redo", "repeat", "Bring it back (key Y)")
        self.clear = button("Clear", "trash", "Forget all clicks (key C); undo brings them back")
        self.view = _choice("View", views, "What is laid over the photo", "14em")
        # A choice, not a slider: ipywidgets gives its sliders no name a screen reader could tell.
        shares = [(f"{percent} %", percent / 100) for percent in (0, 25, 50, 75, 100)]
        self.opacity = _choice("Opacity", shares, "Opacity of the tint", "12em")
        self.opacity.value = 0.5
        self.zoom_out = button("Zoom out", "search-minus", "Show more (key -)")
        self.zoom_in = button("Zoom in", "search-plus", "Enlarge around the latest click (key +)")
        self.pan = {
            (0, -1): button("Left", "arrow-left", "Move the view left"),
            (-1, 0): button("Up", "arrow-up", "Move the view up"),
            (1, 0): button("Down", "arrow-down", "Move the view down"),
            (0, 1): button("Right", "arrow-right", "Move the view right"),
        }
        self._pan_box = w.HBox(list(self.pan.values()))
        self.status = w.HTML()

    @property
    def before_photo(self) -> w.Widget:
        """The control that Shift+Tab goes to from the photo: the last one above that is on."""
        enabled = [b for b in (self.clear, self.redo, self.undo) if not b.disabled]
        return enabled[0] if enabled else self.opacity

    def arrange(self, photo: w.Widget) -> list[w.Widget]:
        """Return the rows of the widget, top to bottom, around the photo or photos."""
        editing = [self.side, self.undo, self.redo, self.clear]
        looking = [self.view, self.opacity, self.zoom_out, self.zoom_in, self._pan_box]
        return [
            w.HBox(editing, layout=ROW),
            w.Box([photo], layout={"overflow": "auto"}),
            self.status,
            w.HBox(looking, layout=ROW),
        ]

    def show_editing(self, history: ClickHistory, viewport: Viewport) -> None:
        """Switch on the buttons that can do something now, and the others off."""
        self.undo.disabled = not history.can_undo
        self.redo.disabled = not history.can_redo
        self.clear.disabled = not len(history.clicks)
        self.zoom_out.disabled = viewport.factor == 1
        self.zoom_in.disabled = not viewport.can_zoom_in
        self._pan_box.layout.display = "none" if viewport.factor == 1 else "flex"

    def tell(self, text: str, busy: bool = False, failed: bool = False) -> None:
        """Say something in the status line, which screen readers read out."""
        self.status.value = line(text, busy, failed, attributes='role="status" aria-live="polite"')


class Panel(Toolbar):
    """Every control of a ClickCanvas.

    Parameters
    ----------
    method : str
        The method chosen at first.
    folder : str
        Where the Save button writes, for its tooltip.
    """

    def __init__(self, method: str, folder: str) -> None:
        super().__init__()
        self.save = button("Save", "download", f"Write mask and clicks to {folder}/")
        self.restore = button("Restore", "history", "Bring back the clicks kept on disk")
        usable = [info.name for info in methods() if info.available]
        self.method = _choice("Method", usable, "How clicks become a mask", "15em")
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
        """Return the rows of the widget, top to bottom, around the photo."""
        rows = super().arrange(photo)
        rows[0].children += (self.method,)
        return [*rows, w.HBox([self.upload, self.save, self.restore], layout=ROW)]

    def choose_method(self, name: str) -> None:
        """Show a method as chosen, also one registered after the widget was made."""
        if name not in self.method.options:
            self.method.options = (*self.method.options, name)
        self.method.value = name

    def show(self, session: Session, viewport: Viewport) -> None:
        """Show where the session stands: what can be done, and what happened."""
        self.show_editing(session, viewport)
        offered = session.saved() is not None and not len(session.clicks)
        self.restore.layout.display = "" if offered else "none"
        self.tell(describe(session), busy=session.stale and bool(len(session.clicks)))


class GuidePanel(Toolbar):
    """The controls of a GuidanceCanvas.

    Parameters
    ----------
    views : sequence of str
        The ways to turn clicks into images; the first one is shown to begin with.
    truncations : sequence of float
        Truncations to choose from, in pixels.
    """

    def __init__(self, views: Sequence[str], truncations: Sequence[float]) -> None:
        super().__init__(views)
        self.view.tooltip = "What image the clicks become"
        self.opacity.tooltip = "Opacity of the maps over the photo"
        self.opacity.value = 1.0
        named = [(f"{pixels:g} px", float(pixels)) for pixels in truncations]
        hint = "Distances are cut off here"
        self.truncation = _choice("Truncation", named, hint, "12em")

    def arrange(self, photo: w.Widget) -> list[w.Widget]:
        """Return the rows of the widget, top to bottom, around photo and maps."""
        rows = super().arrange(photo)
        view, *looking = rows[-1].children
        rows[-1].children = (view, self.truncation, *looking)
        return rows

    def choose_truncation(self, pixels: float) -> None:
        """Show a truncation as chosen, also one that is not in the list."""
        if pixels not in [value for _, value in self.truncation.options]:
            self.truncation.options = (*self.truncation.options, (f"{pixels:g} px", pixels))
        self.truncation.value = pixels


def line(
    text: str,
    busy: bool = False,
    failed: bool = False,
    weight: str = "normal",
    attributes: str = "",
) -> str:
    """Return a line of text as HTML.

    Parameters
    ----------
    text : str
        Plain text.
    busy : bool
        Whether something is at work: a wheel turns in front.
    failed : bool
        Whether the text tells an error, in the colour of errors.
    weight : str
        The weight of the font, as CSS names it.
    attributes : str
        Further attributes of the element.

    Returns
    -------
    str
        One element, in the colours of the page's theme.
    """
    mark = '<span class="fa fa-spinner fa-spin" aria-hidden="true"></span> ' if busy else ""
    ink = "var(--jp-error-color1, #c62828)" if failed else "var(--jp-ui-font-color1, inherit)"
    return (
        f'<div {attributes} data-busy="{str(busy).lower()}" '
        f'style="color:{ink};font-weight:{weight};line-height:1.5">{mark}{html.escape(text)}</div>'
    )


def describe(session: Session) -> str:
    """Say in one line which clicks there are and what became of them.

    Parameters
    ----------
    session : Session
        Any session.

    Returns
    -------
    str
        One line of plain text.
    """
    clicks = session.clicks
    if not len(clicks):
        kept = session.saved()
        earlier = f" Restore brings back {_count(len(kept), 'kept click')}." if kept else ""
        return f"{INVITATION}{earlier}"
    counts = count_clicks(clicks)
    if session.stale:
        return f"{counts}; {session.method} is working"
    text = f"{counts}; {session.method} took {session.history[-1].milliseconds:.0f} ms"
    if session.iou is not None:
        text += f"; IoU {session.iou:.3f}"
    if missing := missing_side(session):
        text += f". Now mark the {missing} too"
    return text + "."


def count_clicks(clicks: Clicks) -> str:
    """Say how many clicks there are of each kind, such as ``1 object click, 0 background clicks``.

    Parameters
    ----------
    clicks : Clicks
        Any clicks.

    Returns
    -------
    str
        Part of a sentence.
    """
    objects = _count(len(clicks.positives), "object click")
    return f"{objects}, {_count(len(clicks.negatives), 'background click')}"


def missing_side(session: Session) -> str:
    """Return the side a click is missing on before the method can answer.

    Parameters
    ----------
    session : Session
        One with a click at least.

    Returns
    -------
    str
        ``"background"``, ``"object"``, or nothing if the method has what it needs.
    """
    sides = {"object": session.clicks.positives, "background": session.clicks.negatives}
    missing = [side for side, points in sides.items() if not len(points)]
    return missing[0] if missing and session.needs_negative else ""


def button(text: str, icon: str, tooltip: str) -> w.Button:
    """Return a button as wide as its text.

    Parameters
    ----------
    text : str
        What stands on it.
    icon : str
        A name of Font Awesome's.
    tooltip : str
        What it does, in words.

    Returns
    -------
    ipywidgets.Button
        The button.
    """
    return w.Button(description=text, icon=icon, tooltip=tooltip, layout={"width": "auto"})


def _choice(name: str, options: object, tooltip: str, width: str) -> w.Dropdown:
    return w.Dropdown(options=options, description=name, tooltip=tooltip, layout={"width": width})


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
