"""The controls of a CandidatePicker: those around the photo, and the candidates beside it."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as w
import numpy as np

from tutorial_lib import render
from tutorial_lib.widgets.background import guard
from tutorial_lib.widgets.keys import KEYS
from tutorial_lib.widgets.panel import ROW, Panel, make_button
from tutorial_lib.widgets.photo_layers import PhotoLayers
from tutorial_lib.widgets.status import status_html
from tutorial_lib.widgets.thumbnails import Thumbnails

MIN_PHOTO_WIDTH, PHOTO_MARGIN = 440, 16  # CSS pixels: the controls around the photo; beside it
MIN_CANDIDATES_WIDTH = 290  # CSS pixels: the controls above the candidates
MORE_KEYS = (
    ("0 to 9", "prefer a candidate"),
    ("M", "leave the choice to the method"),
    ("D", "disagreement"),
)
HINT = "The candidates appear here after the first click."
HAND = "<style>.tutorial-candidate img { cursor: pointer }</style>"


class CandidatePanel(Panel):
    """The common controls, and those for the candidates.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    width : int
        Largest width of a candidate, in CSS pixels.
    columns : int
        Candidates in a row.
    pressed : callable
        ``pressed(number)`` is called when a person clicks on a candidate.
    """

    def __init__(
        self, photo: np.ndarray, width: int, columns: int, pressed: Callable[[int], None]
    ) -> None:
        super().__init__(keys=(*KEYS, *MORE_KEYS), boxes=True)
        self.thumbnails = Thumbnails(photo, width, columns, guard(pressed, self.report))
        for toggle in (self.before, self.presenter, self.help):
            toggle.add_class("tutorial-icon-only")  # the row is short
        for control, width in ((self.view, "12em"), (self.opacity, "11em")):  # beside the zoom
            control.layout.width, control.style.description_width = width, "initial"
        self.give_back = make_button(
            "Method's choice", "star", "Leave the choice to the method again (key M)"
        )
        self.differ = w.ToggleButton(description="Disagreement")  # an icon would break the row
        self.differ.tooltip = "Show where the candidates differ, instead of the mask (key D)"
        self.differ.layout.width = "auto"
        self._hint, self._legend = w.HTML(status_html(HINT)), w.HTML(_legend())
        self.differ.observe(lambda _change: self._show_legend(), "value")
        self._show_legend()

    def arrange(self, photo: PhotoLayers) -> list[w.Widget]:
        """Return photo and candidates, side by side where the page is wide enough."""
        rows = super().arrange(photo)
        rows[0].children = [each for each in rows[0].children if each is not self.delete]
        left = w.VBox(rows)
        widest = max(photo.width, MIN_PHOTO_WIDTH) + PHOTO_MARGIN
        left.layout.flex, left.layout.max_width = f"1 1 {MIN_PHOTO_WIDTH}px", f"{widest}px"
        controls = w.HBox([self.give_back, self.differ, self.delete], layout=ROW)
        hand = w.HTML(HAND, layout={"display": "none"})
        right = w.VBox([controls, self._hint, self.thumbnails.widget, self._legend, hand])
        right.layout.flex = f"0 0 {max(self.thumbnails.width, MIN_CANDIDATES_WIDTH)}px"
        return [w.HBox([left, right], layout={"flex_flow": "row wrap"})]

    def show_choice(self, preferred: int | None) -> None:
        """Show whether a candidate is preferred, and the hint if there is none yet."""
        self.give_back.disabled = preferred is None
        self._hint.layout.display = "none" if self.thumbnails.all else ""

    def _show_legend(self) -> None:
        self._legend.layout.display = "" if self.differ.value else "none"


def _legend() -> str:
    """Return the colour scale of the map of disagreement as HTML."""
    steps = render.disagreement_colours(np.linspace(0, 1, 9)[None])[0]
    colours = ", ".join(render.hex_colour(tuple(map(int, step))) for step in steps)
    bar = (
        f'<span style="display:inline-block;width:60px;height:12px;vertical-align:middle;'
        f'border:1px solid #888;background:linear-gradient(to right, {colours})"></span>'
    )
    ink = "color:var(--jp-ui-font-color1, inherit)"
    return f'<div style="{ink};margin-left:4px;white-space:nowrap">agree {bar} differ</div>'
