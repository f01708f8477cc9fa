"""GuidanceCanvas: see the maps that a network reads instead of clicks. No method is asked."""

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
from tutorial_lib.widgets.gestures import HELP
from tutorial_lib.widgets.guidance_panel import GuidancePanel
from tutorial_lib.widgets.pane import framed
from tutorial_lib.widgets.photo_layers import MARK
from tutorial_lib.widgets.photo_view import PhotoView
from tutorial_lib.widgets.photo_widget import PhotoWidget
from tutorial_lib.widgets.rasterise import rasterise
from tutorial_lib.widgets.status import INVITATION, count_clicks

ENCODINGS = ("distance", "Gaussian", "disc", "pixel")
TRUNCATIONS = (guidance.TRUNCATION, 128.0, 64.0, 32.0, 16.0)
DISC_RADIUS = 5  # pixels
CANVASES = ("photo", "object clicks", "background clicks")


class GuidanceCanvas(PhotoWidget):
    """Click on a photo and see the two maps that encode the clicks.

    Photo and maps stand side by side. A click on any of them counts. The maps are grey: 0 is
    black, and the largest value, the truncation or 1, is light. At less than full opacity the photo
    shines through.

    Parameters
    ----------
    image : image
        Anything :func:`tutorial_lib.images.as_rgb` takes.
    clicks : Clicks or iterable of Click, optional
        Clicks to start with. Undo takes them back one by one.
    truncation : float
        The largest distance in the maps, in pixels.
    width : int
        The longer side of each picture on the page, in CSS pixels.

    Raises
    ------
    TypeError
        If ``clicks`` has another type.
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

    _key: tuple[str, Clicks, float] | None = None  # what the present maps were computed from

    def __init__(
        self,
        image: ImageLike,
        clicks: Clicks | Iterable[Click] | None = None,
        *,
        truncation: float = guidance.TRUNCATION,
        width: int = 320,
    ) -> None:
        self.image = as_rgb(image)
        history = ClickHistory(self.image.shape)
        for click in Clicks(clicks or ()):
            history.add(click)
        labels = [f"{name}. {HELP}" for name in CANVASES]
        # A mark would hide what its click became, so only the photo shows marks.
        view = PhotoView(self.image, width, labels, marks=[True, False, False])
        panel = GuidancePanel(ENCODINGS, TRUNCATIONS)
        panel.choose_truncation(_checked_truncation(truncation))
        panes = [framed(*named) for named in zip(CANVASES, view.canvases, strict=True)]
        shelf = w.Box(panes, layout={"flex_flow": "row wrap", "width": "100%"})
        super().__init__(
            view, [history], panel, shelf,
            show=self._show_maps, paint=self._painted, preview=self._draw_maps,
        )  # fmt: skip
        self.add_class("tutorial-guidance")
        panel.on_change(panel.truncation, lambda _change: self.show_answer())

    @property
    def truncation(self) -> float:
        """The largest distance in the maps, in pixels."""
        return self.panel.truncation.value

    @property
    def maps(self) -> np.ndarray:
        """The encoded clicks, ``(2, H, W) float32``: object clicks, background clicks.

        Distances are in pixels, at most the truncation. Gaussians, discs and pixels are 0 to 1.
        """
        return self._maps_of(self.clicks)

    def _maps_of(self, clicks: Clicks) -> np.ndarray:
        key = self.panel.view.value, clicks, self.truncation
        if key != self._key:
            start = time.perf_counter()
            self._maps, self._key = _encode(*key, self.image.shape), key
            self._milliseconds = 1000 * (time.perf_counter() - start)
        return self._maps

    def truncate(self, pixels: float) -> None:
        """Choose another truncation.

        Parameters
        ----------
        pixels : float
            The largest distance in the maps.

        Raises
        ------
        ValueError
            If it is not a number above 0. Nothing changes then.
        """
        self.panel.choose_truncation(_checked_truncation(pixels))

    # -- drawing -------------------------------------------------------------------------------

    def _show_maps(self) -> None:
        self._draw_maps(self.clicks)
        self.panel.show_editing(self._histories[0], self.viewport)
        self.panel.truncation.disabled = self.panel.view.value != "distance"
        text = f"{count_clicks(self.clicks)}; both maps took {self._milliseconds:.0f} ms."
        if len(self.clicks):
            self.panel.show_status(text)
        else:
            self.panel.show_status("", hint=INVITATION)

    def _draw_maps(self, clicks: Clicks) -> None:
        for canvas, share in zip(self.photo_view.canvases[1:], self._shares(clicks), strict=True):
            canvas.show_over(self._layer(self.viewport.cut(share)))

    def _shares(self, clicks: Clicks) -> np.ndarray:
        """Return the maps divided by the largest value they can take, ``(2, H, W) float32``."""
        largest = self.truncation if self.panel.view.value == "distance" else 1.0
        return self._maps_of(clicks) / np.float32(largest)

    def _layer(self, share: np.ndarray) -> np.ndarray:
        """Paint a map as a layer over the photo, ``(H, W, 4) uint8``."""
        alpha = np.uint8(round(255 * self.panel.opacity.value))
        return np.dstack([render.grey_colours(share), np.full(share.shape, alpha)])

    def _painted(self) -> np.ndarray:
        """Paint photo and maps side by side, ``(H, W, 3) uint8``."""
        from tutorial_lib.plots import grid

        radius = max(MARK, max(self.image.shape[:2]) // 46)  # the photo is shown a third as wide
        marked = render.draw_clicks(self.image, self.clicks, radius)
        maps = [render.blend(self.image, self._layer(share)) for share in self._shares(self.clicks)]
        return rasterise(grid(list(zip(CANVASES, [marked, *maps], strict=True))))[0]

    def __repr__(self) -> str:
        return f"GuidanceCanvas({self.panel.view.value}, {count_clicks(self.clicks)})"


def _encode(view: str, clicks: Clicks, truncation: float, shape: tuple[int, ...]) -> np.ndarray:
    """Encode clicks as maps in one of the ways of :data:`ENCODINGS`: ``(2, H, W) float32``."""
    if view == "distance":
        return guidance.distance_maps(clicks, shape, truncation)
    if view == "Gaussian":
        return guidance.click_gaussians(clicks, shape)
    return guidance.click_masks(clicks, shape, DISC_RADIUS if view == "disc" else 0)


def _checked_truncation(truncation: float) -> float:
    if not (isinstance(truncation, Real) and isfinite(truncation) and truncation > 0):
        raise ValueError(f"A truncation is a number of pixels above 0, not {truncation!r}.")
    return float(truncation)
