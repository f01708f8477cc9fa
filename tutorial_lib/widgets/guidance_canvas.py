"""Watch clicks become the images a network reads: no method is asked, so it answers at once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from math import isfinite
from numbers import Real

import ipywidgets as w
import numpy as np

from tutorial_lib import guidance, render
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.history import ClickHistory
from tutorial_lib.images import ImageLike, as_rgb
from tutorial_lib.widgets.clickable import HELP, Clickable
from tutorial_lib.widgets.layers import MARK, PhotoLayers
from tutorial_lib.widgets.painting import paint
from tutorial_lib.widgets.pane import framed
from tutorial_lib.widgets.panel import INVITATION, GuidePanel, count_clicks
from tutorial_lib.widgets.viewport import Viewport

VIEWS = ("distance", "Gaussian", "disc", "pixel")
TRUNCATIONS = (guidance.TRUNCATION, 128.0, 64.0, 32.0, 16.0)
RADIUS = 5  # of a disc, in pixels
NAMES = ("photo", "object clicks", "background clicks")


class GuidanceCanvas(Clickable):
    """Click on a photo and see the two maps that the clicks become.

    Photo and maps stand side by side, and a click on any of them counts. The maps are grey: 0 is
    black, and the largest value, the truncation or 1, light. With less than full opacity the photo
    shines through.

    Parameters
    ----------
    image : image
        Anything :func:`tutorial_lib.images.as_rgb` takes.
    clicks : Clicks or iterable of Click, optional
        Clicks to begin with; undo takes them back one by one.
    truncation : float
        Where distances are cut off, in pixels.
    width : int
        Largest width of each picture on the page, in CSS pixels.

    Raises
    ------
    TypeError
        If ``clicks`` holds something else.
    ValueError
        If the image cannot be read, a click lies outside it, or the truncation is not above 0.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.1.

    Examples
    --------
    >>> canvas = GuidanceCanvas(photo)                # doctest: +SKIP
    >>> canvas.click(120, 200)                        # doctest: +SKIP
    >>> canvas.maps[0, 120, 200]                      # doctest: +SKIP
    np.float32(0.0)
    """

    _asked: tuple[str, Clicks, float] | None = None

    def __init__(
        self,
        image: ImageLike,
        clicks: Clicks | Iterable[Click] | None = None,
        *,
        truncation: float = guidance.TRUNCATION,
        width: int = 320,
    ) -> None:
        self.image = as_rgb(image)
        self._history = ClickHistory(self.image.shape)
        for click in Clicks(clicks or ()):
            self._history.add(click)
        self.viewport = Viewport(self._history.shape, width)
        self.panel = GuidePanel(VIEWS, TRUNCATIONS)
        self.panel.choose_truncation(_checked(truncation))
        self._layers = [PhotoLayers(self.viewport, f"{name}. {HELP}") for name in NAMES]
        self._listen()
        panes = [framed(*named) for named in zip(NAMES, self._layers, strict=True)]
        shelf = w.Box(panes, layout={"flex_flow": "row wrap", "width": "100%"})
        super().__init__(self.panel.arrange(shelf))
        self.add_class("tutorial-click-canvas").add_class("tutorial-guidance")
        self.redraw()

    def _listen(self) -> None:
        super()._listen()
        for layers in self._layers:
            self._listen_to(layers, self.redraw)
        self.panel.truncation.observe(self._safely(lambda _: self._show_answer()), "value")

    # -- what is known -------------------------------------------------------------------------

    @property
    def clicks(self) -> Clicks:
        """The clicks so far."""
        return self._history.clicks

    @property
    def truncation(self) -> float:
        """Where distances are cut off, in pixels."""
        return self.panel.truncation.value

    @property
    def maps(self) -> np.ndarray:
        """What the clicks have become, ``(2, H, W) float32``: object clicks, background clicks.

        Distances are in pixels, at most the truncation; Gaussians, discs and pixels are 0 to 1.
        """
        asked = self.panel.view.value, self.clicks, self.truncation
        if asked != self._asked:
            start = time.perf_counter()
            self._maps, self._asked = _encoded(*asked, self.image.shape), asked
            self._milliseconds = 1000 * (time.perf_counter() - start)
        return self._maps

    # -- what a person does --------------------------------------------------------------------

    def click(self, row: int, col: int, positive: bool = True, wait: bool = True) -> None:
        """Click on the photo: the one way in for mouse, touch, keyboard and code.

        Parameters
        ----------
        row, col : int
            Pixel of the photo.
        positive : bool
            True on the object, False on the background.
        wait : bool
            Of no effect here: the maps are always there when this returns.

        Raises
        ------
        ValueError
            If the click lies outside the photo; nothing changes then.
        """
        self._history.add(Click(row, col, positive))
        self._changed()

    def undo(self, wait: bool = False) -> None:
        """Take back the latest change."""
        self._history.undo()
        self._changed()

    def redo(self, wait: bool = False) -> None:
        """Bring back what :meth:`undo` took back."""
        self._history.redo()
        self._changed()

    def clear(self, wait: bool = False) -> None:
        """Forget all clicks; :meth:`undo` brings them back."""
        self._history.clear()
        self._changed()

    def truncate(self, pixels: float) -> None:
        """Cut distances off elsewhere.

        Parameters
        ----------
        pixels : float
            The largest distance.

        Raises
        ------
        ValueError
            If it is not a number above 0; nothing changes then.
        """
        self.panel.choose_truncation(_checked(pixels))

    # -- drawing -------------------------------------------------------------------------------

    def _changed(self) -> None:
        self._show_marks()
        self._show_answer()

    def redraw(self) -> None:
        """Draw everything again, as after a page reload: a canvas keeps no pixels."""
        photo = self.viewport.cut(self.image)
        for layers in self._layers:
            layers.show_photo(photo)
        self._show_answer()
        self._show_marks()

    def _show_answer(self) -> None:
        for layers, share in zip(self._layers[1:], self._shares(), strict=True):
            layers.show_over(self._over(self.viewport.cut(share)))
        self._show_state()

    def _show_marks(self) -> None:
        """Mark the clicks on the photo alone: a mark would hide what its click became."""
        for layers, clicks in zip(self._layers, (self.clicks, Clicks(), Clicks()), strict=True):
            layers.show_marks(self.viewport, clicks, self._cursor)

    def _show_state(self) -> None:
        self.panel.show_editing(self._history, self.viewport)
        self.panel.truncation.disabled = self.panel.view.value != "distance"
        text = f"{count_clicks(self.clicks)}; both maps took {self._milliseconds:.0f} ms."
        self.panel.tell(text if len(self.clicks) else INVITATION)

    def _shares(self) -> np.ndarray:
        """Return the maps as shares of the largest value they can take, ``(2, H, W) float32``."""
        largest = self.truncation if self.panel.view.value == "distance" else 1.0
        return self.maps / np.float32(largest)

    def _over(self, share: np.ndarray) -> np.ndarray:
        """Paint a map as a layer over the photo, ``(H, W, 4) uint8``."""
        alpha = np.uint8(round(255 * self.panel.opacity.value))
        return np.dstack([render.grey_colours(share), np.full(share.shape, alpha)])

    # -- without a browser ---------------------------------------------------------------------

    @property
    def picture(self) -> np.ndarray:
        """Photo and maps side by side as one ``(H, W, 3) uint8`` picture, zoom left out."""
        return self._paint()[0]

    def _paint(self) -> tuple[np.ndarray, bytes]:
        from tutorial_lib.plots import grid

        radius = max(MARK, max(self.image.shape[:2]) // 46)  # the photo is shown a third as wide
        marked = render.draw_clicks(self.image, self.clicks, radius)
        maps = [render.blend(self.image, self._over(share)) for share in self._shares()]
        return paint(grid(list(zip(NAMES, [marked, *maps], strict=True))))

    def _summary(self) -> str:
        return f"GuidanceCanvas({self.panel.view.value}, {count_clicks(self.clicks)})"

    def _still(self) -> bytes:
        return self._paint()[1]


def _encoded(view: str, clicks: Clicks, truncation: float, shape: tuple[int, ...]) -> np.ndarray:
    """Turn clicks into images in one of the ways of :data:`VIEWS`: ``(2, H, W) float32``."""
    if view == "distance":
        return guidance.distance_maps(clicks, shape, truncation)
    if view == "Gaussian":
        return guidance.click_gaussians(clicks, shape)
    return guidance.click_masks(clicks, shape, RADIUS if view == "disc" else 0)


def _checked(truncation: float) -> float:
    if not (isinstance(truncation, Real) and isfinite(truncation) and truncation > 0):
        raise ValueError(f"A truncation is a number of pixels above 0, not {truncation!r}.")
    return float(truncation)
