"""The controls of one task of a study, and the goal beside the photo."""

from __future__ import annotations

import base64

import ipywidgets as w
import numpy as np

from tutorial_lib import render
from tutorial_lib.clicks import Clicks
from tutorial_lib.widgets.pane import PANE_GAP
from tutorial_lib.widgets.panel import ROW, Panel
from tutorial_lib.widgets.status import status_html

ALT = "The goal: what is to be selected is bright, with a contour around it"


class StudyPanel(Panel):
    """Undo, a toggle for the kind of click, zoom, and the goal.

    What a method answers with besides its mask would give it away, so only the mask can be shown.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8`` at the size of the canvas.
    goal : np.ndarray
        ``(H, W) bool``: the mask to reach.
    """

    moves_marks = False  # every click of a study counts as it was made

    def __init__(self, photo: np.ndarray, goal: np.ndarray) -> None:
        super().__init__(("mask", "contour"))
        png = base64.b64encode(render.encode_png(goal_picture(photo, goal), 6)).decode("ascii")
        self.goal = w.HTML(
            f'<img alt="{ALT}" src="data:image/png;base64,{png}" '
            f'style="display:block;max-width:100%;width:{photo.shape[1]}px">',
            layout={"margin": "0"},
        )

    def arrange(self, photo: w.Widget) -> list[w.Widget]:
        """Return the rows of the widget from top to bottom."""
        editing = [self.side, self.undo, self.view]
        looking = [self.opacity, self.zoom_out, self.zoom_in, self._pan_box, self.before]
        pictures = [_titled("Click here", photo), _titled("The goal", self.goal)]
        return [
            w.HBox(editing, layout=ROW),
            w.HBox(pictures, layout={**ROW, "align_items": "flex-start"}),
            self.status,
            w.HBox(looking, layout=ROW),
        ]

    @property
    def before_photo(self) -> w.Widget:
        """The control that Shift+Tab goes to from the photo."""
        return self.view


def goal_picture(photo: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Paint a photo dark where the goal is not, with a contour around the goal.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    goal : np.ndarray
        ``(H, W) bool``.

    Returns
    -------
    np.ndarray
        ``(H, W, 3) uint8``.
    """
    return render.composite(photo, Clicks(), goal, view="spotlight")


def _titled(title: str, content: w.Widget) -> w.VBox:
    heading = w.HTML(status_html(title, weight="600"), layout={"margin": "0"})
    return w.VBox([heading, content], layout={"margin": f"4px {PANE_GAP}px 4px 2px"})
