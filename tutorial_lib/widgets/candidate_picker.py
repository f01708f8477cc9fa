"""CandidatePicker: see all candidates of a method beside the photo, and overrule its choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from tutorial_lib import render
from tutorial_lib.clicks import Click, Clicks, Preference
from tutorial_lib.images import ImageLike
from tutorial_lib.metrics import disagreement
from tutorial_lib.segmenter import Segmentation, Segmenter
from tutorial_lib.session import Session
from tutorial_lib.widgets.answering import Answering
from tutorial_lib.widgets.candidate_panel import CandidatePanel
from tutorial_lib.widgets.gestures import HELP
from tutorial_lib.widgets.photo_view import PhotoView
from tutorial_lib.widgets.photo_widget import PhotoWidget
from tutorial_lib.widgets.rasterise import rasterise
from tutorial_lib.widgets.status import box_step, describe_session, next_step
from tutorial_lib.widgets.viewport import check_length

MORE_HELP = " Digits choose a candidate, M leaves the choice to the method, D shows disagreement."


class CandidatePicker(PhotoWidget):
    """Click on a photo, see all candidates of a method, and choose another one than it does.

    The method's choice has a blue frame and a star. A click on a thumbnail prefers that candidate:
    it gets a purple frame and a person's icon, the photo shows it, and the next click goes on from
    it. A second click on it leaves the choice to the method again. :meth:`click` and :meth:`choose`
    do from code what the mouse does.

    Parameters
    ----------
    image : image
        Anything :func:`tutorial_lib.images.as_rgb` takes.
    method : str or Segmenter
        A registered method that proposes candidates, or a segmenter object.
    clicks : Clicks or iterable of Click, optional
        Clicks to start with. Undo takes them back one by one.
    truth : np.ndarray, optional
        ``(H, W) bool``: the known mask. The status line then shows the IoU.
    name : str
        Names the files that ``session.export`` writes.
    width : int
        The longer side of the photo on the page, in CSS pixels.
    thumbnail : int
        Largest width of a candidate, in CSS pixels. Its height is at most three quarters of that.
    columns : int
        Candidates in a row.
    **options
        Options of the registered method.

    Raises
    ------
    TypeError
        If ``clicks`` or ``method`` has another type.
    ValueError
        If image, method, option, clicks or known mask do not fit, or if the method's answer to the
        first clicks has no candidates.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018. There a network g
    chooses among M candidates; here a person may do so as well.

    Examples
    --------
    >>> picker = CandidatePicker(photo)               # doctest: +SKIP
    >>> picker.click(120, 200)                        # doctest: +SKIP
    >>> picker.choose(3)                              # doctest: +SKIP
    >>> picker.click(20, 30, positive=False)          # doctest: +SKIP
    """

    def __init__(
        self,
        image: ImageLike,
        method: str | Segmenter = "latent-diversity",
        clicks: Clicks | Iterable[Click] | None = None,
        *,
        truth: np.ndarray | None = None,
        name: str = "photo",
        width: int = 512,
        thumbnail: int = 160,
        columns: int = 2,
        **options: Any,
    ) -> None:
        check_length("width", width)
        check_length("width of a thumbnail", thumbnail)
        check_length("number of columns", columns)
        self.session = session = Session(image, method, truth=truth, name=name, **options)
        for action in Clicks(clicks or ()).actions:
            if isinstance(action, Preference):
                session.choose(action.candidate)
            else:
                session.add(action)
        view = PhotoView(session.image, width, [HELP + MORE_HELP])
        panel = CandidatePanel(session.image, thumbnail, columns, self._press)
        self.thumbnails = panel.thumbnails
        self._answering = Answering(session, self._show_answer, panel.report, _check_candidates)
        super().__init__(
            view, [session], panel, view.canvases[0],
            show=self._show_answer, paint=self._painted, answer=self._answering.answer,
            keys=self._more_keys(panel),
        )  # fmt: skip
        self.add_class("tutorial-candidate-picker")
        panel.on_press(panel.give_back, lambda: self.choose(None, wait=False))
        panel.on_change(panel.differ, lambda _change: self.show_answer())
        if len(self.clicks):
            self._changed(wait=True)
        else:
            self._answering.prepare()

    def _more_keys(self, panel: CandidatePanel) -> dict[str, Callable[[], None]]:
        def toggle() -> None:
            panel.differ.value = not panel.differ.value

        digits = {str(number): partial(self._press_key, number) for number in range(10)}
        return {**digits, "m": lambda: self.choose(None, wait=False), "d": toggle}

    # -- what is known -------------------------------------------------------------------------

    @property
    def segmentation(self) -> Segmentation | None:
        """The answer to the present clicks; None before it is there."""
        return self.session.result if self.clicks.actions and not self.session.stale else None

    @property
    def choice(self) -> int | None:
        """The candidate that a person prefers after the present clicks, or None."""
        return self.clicks.preferred

    # -- what a person does --------------------------------------------------------------------

    def choose(self, candidate: int | None, wait: bool = True) -> None:
        """Prefer a candidate: the photo shows it, and the next click goes on from it.

        Parameters
        ----------
        candidate : int or None
            Its number, from 0. None leaves the choice to the method again.
        wait : bool
            True returns when the candidate is shown, False at once.

        Raises
        ------
        TypeError
            If the number is not an integer.
        ValueError
            If there is no such candidate, the method has none, or its answer to the latest click
            is not there yet. Nothing changes then.
        """
        if wait:
            self._answering.join()
        elif self._answering.waiting:
            raise ValueError("The candidates for the latest click are still on their way.")
        self.session.choose(candidate)
        self._changed(wait)

    def _press(self, candidate: int) -> None:
        """Prefer a candidate, or leave the choice to the method if it is preferred already."""
        self.choose(None if candidate == self.choice else candidate, wait=False)

    def _press_key(self, candidate: int) -> None:
        if candidate < len(self.thumbnails.all):
            self._press(candidate)

    # -- the answer ----------------------------------------------------------------------------

    def _show_answer(self) -> None:
        waiting, panel = self._answering.waiting, self.panel
        if not waiting:  # otherwise the old answer stays until the new one is there
            self._draw(self.segmentation)
        panel.show_editing(self.session, self.viewport)
        panel.show_choice(self.choice)
        box = panel.tool.draws_box
        hint = box_step(self.session.method) if box else next_step(self.session)
        panel.show_status(self._describe(), busy=waiting, hint=hint)

    def _draw(self, answer: Segmentation | None) -> None:
        canvas, differ = self.photo_view.canvases[0], self.panel.differ.value
        view, opacity = self.panel.view.value, self.panel.opacity.value
        colour = self.session.colour
        self.thumbnails.show(answer, self.choice, view, opacity, colour)
        if differ and answer is not None and answer.candidates is not None:
            share = self.viewport.cut(disagreement(answer.candidates))
            mask = self.viewport.cut(answer.mask)
            canvas.show_over(render.disagreement_layer(share, mask, opacity))
        else:
            canvas.show_answer(self.viewport, answer, view, opacity, colour)

    def _describe(self) -> str:
        """Say which candidate is shown, and who chose it."""
        answer, text = self.segmentation, describe_session(self.session)
        if answer is None or answer.selected is None:
            return text
        who = self.session.method if self.choice is None else "you"
        return f"{text} Candidate {answer.selected} is shown: chosen by {who}."

    def _painted(self) -> np.ndarray:
        """Paint photo and candidates side by side, or the photo alone while there are none."""
        answer, view = self.segmentation, self.panel.view.value
        if answer is None or answer.candidates is None:
            return self.session.picture(view, self.panel.opacity.value)
        from tutorial_lib.plots import draw_candidates

        differ = self.panel.differ.value
        figure = draw_candidates(self.session.image, answer, self.clicks, differ, view)
        return rasterise(figure)[0]

    def __repr__(self) -> str:
        return f"CandidatePicker({self.session.name}, {self.session.method})"


def _check_candidates(session: Session) -> None:
    if len(session.clicks) and session.result.candidates is None:
        raise ValueError(
            f"The method {session.method} gives a single mask and no candidates to choose from; "
            "latent-diversity proposes several."
        )
