"""A picture with sliders, and pictures that play one after the other.

Both widgets contain a plain image, so readers without a running kernel, such as on GitHub, see a
picture too. Both can be controlled from code, so every interactive cell can be followed by a
scripted one.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets as ipw
import numpy as np
from traitlets import link

from tutorial_lib.widgets.controls import Control, assign, default_of, make_control, short
from tutorial_lib.widgets.rasterise import Picture, close_figures, open_figures, rasterise

TEXT = "color: var(--jp-ui-font-color1, currentColor); line-height: 1.4"
ALERT = "color: var(--jp-error-color1, #d54000); line-height: 1.4; font-weight: 600"


class Explorer(ipw.VBox):
    """A picture with controls above it. It is drawn again when a control changes.

    Parameters
    ----------
    draw : callable
        ``draw(**values)`` returns the picture: an array ``(H, W, 3) uint8``, or a matplotlib
        Figure (or Axes), which is then closed. If it raises an exception, the widget shows the
        message and the last picture.
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
        If there is no control, or a slider's range is empty.

    Examples
    --------
    >>> grey = lambda level: np.full((20, 30, 3), level, dtype=np.uint8)
    >>> explorer = Explorer(grey, level=(0, 250, 50))
    >>> explorer.set(level=200).image[0, 0, 0]
    np.uint8(200)
    """

    def __init__(self, draw: Callable[..., Picture], /, **controls: Control) -> None:
        if not controls:
            raise ValueError("An Explorer needs at least one control, such as strength=(0, 8, 1).")
        self.controls = {
            name: make_control(name, control, default_of(draw, name))
            for name, control in controls.items()
        }
        self._draw, self._paused = draw, False
        self._picture, self._image, self.error = b"", None, ""
        self._shown = ipw.Image(
            format="png", layout=ipw.Layout(max_width="100%", align_self="flex-start")
        )
        self._alert = ipw.HTML(layout=ipw.Layout(display="none"))
        super().__init__([*self.controls.values(), self._alert, self._shown])
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

    def _changed(self, _change: Any) -> None:
        if not self._paused:
            self._refresh()

    def _refresh(self) -> None:
        figures = open_figures()
        try:
            self._image, self._picture = rasterise(self._draw(**self.values))
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
