"""The controls of a GuidanceCanvas."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w

from tutorial_lib.widgets.panel import Panel, make_dropdown


class GuidancePanel(Panel):
    """The common controls, and one for the truncation of distances.

    Parameters
    ----------
    encodings : sequence of str
        The ways to encode clicks as maps. The first one is chosen at first.
    truncations : sequence of float
        Truncations to choose from, in pixels.
    """

    def __init__(self, encodings: Sequence[str], truncations: Sequence[float]) -> None:
        super().__init__(encodings)
        self.view.tooltip = "How clicks are encoded"
        self.opacity.tooltip = "Opacity of the maps over the photo"
        self.opacity.value = 1.0
        named = [(f"{pixels:g} px", float(pixels)) for pixels in truncations]
        hint = "The largest distance in the maps"
        self.truncation = make_dropdown("Truncation", named, hint, "12em")

    def arrange(self, photo: w.Widget) -> list[w.Widget]:
        """Return the rows of the widget from top to bottom, with photo and maps."""
        rows = super().arrange(photo)
        view, *looking = rows[-1].children
        rows[-1].children = (view, self.truncation, *looking)
        return rows

    def choose_truncation(self, pixels: float) -> None:
        """Choose a truncation in the list. One that is missing there is added to it."""
        if pixels not in [value for _, value in self.truncation.options]:
            self.truncation.options = (*self.truncation.options, (f"{pixels:g} px", pixels))
        self.truncation.value = pixels
