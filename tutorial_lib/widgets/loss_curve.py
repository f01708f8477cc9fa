"""A loss curve that moves while a network trains."""

from __future__ import annotations

import base64
import io
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as ipw
from IPython import get_ipython
from IPython.display import display

from tutorial_lib.plots.training import draw_loss, running_mean

if TYPE_CHECKING:
    from tutorial_lib.training.task import TrainingStep

MAX_SHARE = 0.1  # of the time for drawing
SIZE = (7.2, 2.9)  # inches


class LossCurve(ipw.VBox):
    """A live picture of the loss for the training loop: ``train(..., on_step=LossCurve())``.

    It appears below the cell at the first step and is drawn again twice a second. When the cell is
    done, a plain picture stays for readers without a running kernel. If the number of a step is
    not larger than the last one, a new curve begins.

    Parameters
    ----------
    interval : float
        Seconds between two drawings, or more if drawing is slow: it takes at most a tenth of the
        time.
    stage_name : str
        The name of a stage. ``{}`` stands for its number.
    clock : callable
        Returns the time in seconds, which never decreases.

    Attributes
    ----------
    history : list of dict
        ``step``, ``loss``, ``lr`` and ``stage`` of each step, for
        :func:`tutorial_lib.plots.draw_loss`.

    Examples
    --------
    >>> from tutorial_lib.training.task import TrainingStep
    >>> curve = LossCurve()
    >>> curve(TrainingStep(1, 1.69, 1e-3, 0.01, 0.5, 32, 40.0))
    >>> curve.caption
    'step 1 of 2 · loss 1.69 · 1 s left'
    """

    def __init__(
        self,
        interval: float = 0.5,
        stage_name: str = "FCN-{}s",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.history: list[dict[str, Any]] = []
        self._interval, self._stage_name, self._clock = interval, stage_name, clock
        self._next, self._latest, self._handle = -math.inf, None, None
        self._shown = ipw.Image(
            format="png",
            layout=ipw.Layout(max_width="100%", align_self="flex-start", display="none"),
        )
        super().__init__([self._shown])
        self.add_class("tutorial-loss-curve")

    def __call__(self, step: TrainingStep) -> None:
        """Add a step, and draw the curve if it is time.

        Parameters
        ----------
        step : TrainingStep
            The report of the training loop.
        """
        if self.history and step.step <= self.history[-1]["step"]:
            self.history.clear()
            self._next = -math.inf
        self._latest = step
        self.history.append(
            {"step": step.step, "loss": step.loss, "lr": step.lr, "stage": step.stage}
        )
        if self._clock() >= self._next or step.progress >= 1:
            self._draw()
        if self._handle is None:
            self._appear()

    @property
    def picture(self) -> bytes:
        """The latest drawing as the contents of a PNG file; empty before the first step."""
        return self._shown.value

    @property
    def caption(self) -> str:
        """The title of the curve: step, loss, time left; empty before the first step."""
        step = self._latest
        if step is None:
            return ""
        loss = running_mean(line["loss"] for line in self.history)[-1]
        seconds = 60 * step.minutes
        if step.progress >= 1:
            return f"{step.step} steps in {_duration(seconds)} · loss {loss:.2f}"
        left = _duration(seconds * (1 - step.progress) / step.progress) if step.progress else "?"
        return f"step {step.step} of {self._steps()} · loss {loss:.2f} · {left} left"

    def _steps(self) -> int:
        """Estimate the number of steps of the whole run."""
        step = self._latest
        return round(step.step / step.progress) if step.progress else step.step

    def _draw(self) -> None:
        from matplotlib.figure import Figure  # not pyplot, which would show it again

        began = self._clock()
        figure = Figure(SIZE, dpi=80)
        figure.subplots_adjust(left=0.09, right=0.91, bottom=0.18, top=0.89)
        draw_loss(self.history, self.caption, self._steps(), self._stage_name, ax=figure.subplots())
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=figure.dpi)
        self._shown.value = stream.getvalue()
        self._shown.layout.display = None
        now = self._clock()
        self._next = now + max(self._interval, (now - began) / MAX_SHARE)

    def _appear(self) -> None:
        """Show the widget below the running cell, if there is one."""
        if (shell := get_ipython()) is not None:
            self._handle = display(self, display_id=True)
            shell.events.register("post_run_cell", self._settle)

    def _settle(self, _result: Any = None) -> None:
        """Store the last state as a plain picture in the output: the cell is done."""
        get_ipython().events.unregister("post_run_cell", self._settle)
        handle, self._handle = self._handle, None
        self._draw()
        handle.update(self)

    def __repr__(self) -> str:
        # Always the same, so that the stored output of a notebook stays valid.
        return "LossCurve()"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = super()._repr_mimebundle_(**kwargs)
        bundle["text/plain"] = repr(self)
        if self.picture:
            bundle["image/png"] = base64.b64encode(self.picture).decode("ascii")
        return bundle


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 99.5 else f"{seconds / 60:.0f} min"
