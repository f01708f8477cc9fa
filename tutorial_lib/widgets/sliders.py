"""A picture with sliders, and pictures that play one after the other.

Both widgets contain a plain image, so readers without a running kernel, such as on GitHub, see a
picture too. Both can be controlled from code, so every interactive cell can be followed by a
scripted one.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ipywidgets as ipw
import numpy as np
from ipyevents import Event
from traitlets import link

from tutorial_lib.widgets.controls import (
    Control,
    assign,
    default_of,
    make_control,
    nearest,
    short,
)
from tutorial_lib.widgets.gestures import arrow_keys
from tutorial_lib.widgets.pointing import PhotoBox, photo_boxes, place_in_photo
from tutorial_lib.widgets.rasterise import Picture, close_figures, open_figures, rasterise

TEXT = "color: var(--jp-ui-font-color1, currentColor); line-height: 1.4"
POINT = "Click the photo to set row and column. Then the arrow keys move them."
ALERT = "color: var(--jp-error-color1, #d54000); line-height: 1.4; font-weight: 600"


class Explorer(ipw.VBox):
    """A picture with controls above it. It is drawn again when a control changes.

    Parameters
    ----------
    draw : callable
        ``draw(**values)`` returns the picture: an array ``(H, W, 3) uint8``, or a matplotlib
        Figure (or Axes), which is then closed. If it raises an exception, the widget shows the
        message and the last picture.
    point : tuple of str, optional
        Two of the sliders, for a row and a column in per cent of the height and the width of a
        photo. A click on any photo of the picture sets both, and then the arrow keys move them.
    **controls
        For each argument of ``draw``: a slider as ``(low, high, step)``, a dropdown as a list of
        options, or an ipywidgets control. A control starts at the argument's default in ``draw``.
        Without a default, a slider starts in the middle, and a dropdown at its first option.

    Attributes
    ----------
    controls : dict of str to ipywidgets.ValueWidget
        The controls, by the name of their argument.
    error : str
        Why there is no picture of the present values; empty if there is one.

    Raises
    ------
    TypeError
        If a control is none of these.
    ValueError
        If there is no control, a slider's range is empty, or ``point`` names no two sliders.

    Examples
    --------
    >>> grey = lambda level: np.full((20, 30, 3), level, dtype=np.uint8)
    >>> explorer = Explorer(grey, level=(0, 250, 50))
    >>> explorer.set(level=200).image[0, 0, 0]
    np.uint8(200)
    """

    def __init__(
        self,
        draw: Callable[..., Picture],
        /,
        point: tuple[str, str] | None = None,
        **controls: Control,
    ) -> None:
        if not controls:
            raise ValueError("An Explorer needs at least one control, such as strength=(0, 8, 1).")
        self.controls = {
            name: make_control(name, control, default_of(draw, name))
            for name, control in controls.items()
        }
        self._draw, self._paused = draw, False
        self._picture, self._image, self.error = b"", None, ""
        self._photos: list[PhotoBox] = []
        self._shown = ipw.Image(
            format="png", layout=ipw.Layout(max_width="100%", align_self="flex-start")
        )
        self._alert = ipw.HTML(layout=ipw.Layout(display="none"))
        super().__init__([*self.controls.values(), self._alert, self._shown])
        self.add_class("tutorial-explorer")
        if point is not None:
            self._take_clicks(point)
        for control in self.controls.values():
            control.observe(self._changed, "value")
        self._refresh()

    @property
    def values(self) -> dict[str, Any]:
        """The present values of the controls, by name."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def picture(self) -> bytes:
        """The picture as the contents of a PNG file; empty if none could be drawn yet."""
        return self._picture

    @property
    def image(self) -> np.ndarray:
        """The picture, ``(H, W, 3) uint8``.

        Raises
        ------
        ValueError
            If none could be drawn yet. The message says why.
        """
        if self._image is None:
            raise ValueError(self.error)
        return self._image

    def set(self, **values: Any) -> Explorer:
        """Set controls from code. The picture is drawn once.

        Parameters
        ----------
        **values
            New values, by the name of their control. The others stay.

        Returns
        -------
        Explorer
            This widget, for ``explorer.set(level=3).image``.

        Raises
        ------
        ValueError
            If there is no such control, or it does not accept the value. Nothing changes then.
        """
        unknown = [name for name in values if name not in self.controls]
        if unknown:
            raise ValueError(
                f"There is no control {', '.join(unknown)}; there is: {', '.join(self.controls)}."
            )
        before, self._paused = self.values, True
        try:
            for name, value in values.items():
                assign(name, self.controls[name], value)
        except ValueError:
            for name, value in before.items():
                self.controls[name].value = value
            raise
        finally:
            self._paused = False
        self._refresh()
        return self

    def _take_clicks(self, point: tuple[str, str]) -> None:
        """Let clicks on the picture, and arrow keys on it, set two sliders."""
        sliders = [self.controls.get(name) for name in point]
        if len(sliders) != 2 or not all(hasattr(slider, "min") for slider in sliders):
            raise ValueError(f"point names two sliders, of a row and a column, not {point!r}.")
        for slider, side in zip(sliders, ("row", "column"), strict=True):
            slider.add_class(f"tutorial-pointed-{side}")
        self._shown.add_class("tutorial-pointed")
        self._clicks = Event(source=self._shown, watched_events=["click"])
        self._clicks.on_dom_event(lambda event: self._go_to(point, event))
        hint = ipw.HTML(f'<div style="{TEXT}">{POINT}</div>')
        self.children = [*self.controls.values(), hint, self._alert, self._shown, arrow_keys()]

    def _go_to(self, point: tuple[str, str], event: Mapping[str, Any]) -> None:
        """Set the two sliders to where the picture was clicked."""
        height, width = self.image.shape[:2]
        x = event["relativeX"] / event["boundingRectWidth"] * width
        y = event["relativeY"] / event["boundingRectHeight"] * height
        if place := place_in_photo(self._photos, x, y):
            parts = zip(point, place, strict=True)
            self.set(**{name: nearest(self.controls[name], 100 * part) for name, part in parts})

    def _changed(self, _change: Any) -> None:
        if not self._paused:
            self._refresh()

    def _refresh(self) -> None:
        figures = open_figures()
        try:
            drawn = self._draw(**self.values)
            self._image, self._picture = rasterise(drawn)
            self._photos = photo_boxes(drawn, *self._image.shape[:2])
            self.error = ""
        except Exception as error:  # in a callback of a widget it would be lost
            close_figures(open_figures() - figures)
            text = str(error).strip() or type(error).__name__
            self.error = f"This picture could not be drawn: {text}"
        self._shown.value = self._picture
        self._alert.value = f'<div role="alert" style="{ALERT}">{html.escape(self.error)}</div>'
        self._alert.layout.display = None if self.error else "none"
        self._shown.layout.display = None if self._picture else "none"

    def __repr__(self) -> str:
        values = (f"{name}={short(value)}" for name, value in self.values.items())
        return f"Explorer({', '.join(values)})" + (f" {self.error}" if self.error else "")

    def _fallback(self) -> bytes:
        """Return the PNG for readers without a running kernel."""
        return self._picture

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle["text/plain"] = repr(self)
        if picture := self._fallback():
            bundle["image/png"] = base64.b64encode(picture).decode("ascii")
        return bundle


class Frames(Explorer):
    """Pictures that play one after the other, with a play button, a slider and step buttons.

    Readers without a running kernel see the last picture.

    Parameters
    ----------
    frames : iterable of np.ndarray or Figure
        Arrays ``(H, W, 3) uint8`` or matplotlib Figures (or Axes), which are then closed. With a
        generator only one figure is open at a time.
    captions : sequence of str, optional
        A line of text above each frame.
    interval : int
        Milliseconds per frame while playing.

    Raises
    ------
    ValueError
        If there is no frame, or not one caption per frame.
    """

    def __init__(
        self,
        frames: Iterable[Picture],
        captions: Sequence[str] | None = None,
        interval: int = 1500,
    ) -> None:
        painted = [rasterise(frame) for frame in frames]
        if not painted:
            raise ValueError("There is nothing to play: Frames needs at least one picture.")
        if captions is not None and len(captions) != len(painted):
            raise ValueError(
                f"{len(painted)} frames need {len(painted)} captions, not {len(captions)}."
            )
        self._pngs = [png for _, png in painted]
        self._captions = list(captions) if captions is not None else None
        self._caption = ipw.HTML()
        last = len(painted) - 1
        slider = ipw.IntSlider(value=0, min=0, max=last, description="frame")
        super().__init__(lambda frame: painted[frame][0], frame=slider)
        self._play = ipw.Play(
            value=0, min=0, max=last, interval=interval, tooltip="Play the frames"
        )
        link((self._play, "value"), (slider, "value"))
        back = self._button("arrow-left", "One frame back", -1)
        forward = self._button("arrow-right", "One frame forward", 1)
        row = ipw.HBox([self._play, back, forward, slider], layout=ipw.Layout(flex_flow="row wrap"))
        self.children = [row, self._caption, self._alert, self._shown]

    def __len__(self) -> int:
        return len(self._pngs)

    @property
    def caption(self) -> str:
        """The caption of the present frame; empty without captions."""
        return self._captions[self.controls["frame"].value] if self._captions else ""

    def _button(self, icon: str, tooltip: str, step: int) -> ipw.Button:
        button = ipw.Button(icon=icon, tooltip=tooltip, layout=ipw.Layout(width="2.6em"))
        slider = self.controls["frame"]

        def move(_button: ipw.Button) -> None:
            slider.value = min(max(slider.value + step, slider.min), slider.max)

        button.on_click(move)
        return button

    def _refresh(self) -> None:
        super()._refresh()
        self._caption.value = f'<div role="status" style="{TEXT}">{html.escape(self.caption)}</div>'

    def __repr__(self) -> str:
        return f"Frames({len(self)} pictures)"

    def _fallback(self) -> bytes:
        return self._pngs[-1]
