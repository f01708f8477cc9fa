"""The controls of a CandidatePicker: those around the photo, and the candidates beside it."""

from __future__ import annotations

import ipywidgets as w
import numpy as np

from tutorial_lib import render
from tutorial_lib.session import Session
from tutorial_lib.widgets.layers import PhotoLayers
from tutorial_lib.widgets.panel import ROW, Toolbar, button, line
from tutorial_lib.widgets.thumbnails import Thumbnails
from tutorial_lib.widgets.viewport import Viewport

LEAST_WIDTH, BETWEEN = 440, 16  # CSS pixels: of the controls around the photo; beside it
LEAST_BESIDE = 290  # CSS pixels: of the controls above the candidates
HINT = "The candidates appear here after the first click."
HAND = "<style>.tutorial-candidate img { cursor: pointer }</style>"


class PickPanel(Toolbar):
    """Every control of a CandidatePicker.

    Parameters
    ----------
    thumbnails : Thumbnails
        Where the candidates are shown.
    """

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.thumbnails = thumbnails
        for choice, width in ((self.view, "12em"), (self.opacity, "11em")):  # beside the zoom
            choice.layout.width, choice.style.description_width = width, "initial"
        self.give_back = button(
            "Method's choice", "star", "Leave the choice to the method again (key M)"
        )
        self.differ = w.ToggleButton(description="Disagreement", icon="adjust")
        self.differ.tooltip = "Where the candidates differ, in place of the mask (key D)"
        self.differ.layout.width = "auto"
        self._hint, self._legend = w.HTML(line(HINT)), w.HTML(legend())
        self.differ.observe(lambda _: self._show_legend(), "value")
        self._show_legend()

    def arrange(self, photo: PhotoLayers) -> list[w.Widget]:
        """Return photo and candidates, side by side where the page is wide enough."""
        left = w.VBox(super().arrange(photo))
        left.layout.width = f"{max(photo.width, LEAST_WIDTH) + BETWEEN}px"
        controls = w.HBox([self.give_back, self.differ], layout=ROW)
        hand = w.HTML(HAND, layout={"display": "none"})
        right = w.VBox([controls, self._hint, self.thumbnails.widget, self._legend, hand])
        right.layout.width = f"{max(self.thumbnails.width, LEAST_BESIDE)}px"
        return [w.HBox([left, right], layout={"flex_flow": "row wrap"})]

    def show(self, session: Session, viewport: Viewport, text: str, busy: bool) -> None:
        """Show where the session stands: what can be done, and what happened."""
        self.show_editing(session, viewport)
        self.give_back.disabled = session.clicks.preferred is None
        self._hint.layout.display = "none" if self.thumbnails.all else ""
        self.tell(text, busy)

    def _show_legend(self) -> None:
        self._legend.layout.display = "" if self.differ.value else "none"


def legend() -> str:
    """Return the scale of the map of disagreement as HTML, in the colours of the page's theme."""
    steps = render.disagreement_colours(np.linspace(0, 1, 9)[None])[0]
    colours = ", ".join(render.hex_colour(tuple(map(int, step))) for step in steps)
    bar = (
        f'<span style="display:inline-block;width:60px;height:12px;vertical-align:middle;'
        f'border:1px solid #888;background:linear-gradient(to right, {colours})"></span>'
    )
    ink = "color:var(--jp-ui-font-color1, inherit)"
    return f'<div style="{ink};margin-left:4px;white-space:nowrap">agree {bar} differ</div>'
