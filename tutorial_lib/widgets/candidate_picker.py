"""See every candidate of a method beside the photo, and overrule its choice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tutorial_lib import render
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.images import ImageLike
from tutorial_lib.metrics import disagreement
from tutorial_lib.segmenter import Segmentation, Segmenter
from tutorial_lib.session import Session
from tutorial_lib.widgets.answering import Answering
from tutorial_lib.widgets.clickable import HELP
from tutorial_lib.widgets.painting import paint
from tutorial_lib.widgets.panel import describe
from tutorial_lib.widgets.pick_panel import PickPanel
from tutorial_lib.widgets.thumbnails import Thumbnails
from tutorial_lib.widgets.viewport import check_length

PICKING = " Digits choose a candidate, M leaves the choice to the method, D shows disagreement."


class CandidatePicker(Answering):
    """Click on a photo, see all candidates of a method, and choose another one than it does.

    The method's choice has a blue frame and a star. A click on a thumbnail prefers that candidate:
    it gets a purple frame and a person, the photo shows it, and the next click goes on from there.
    A second click on it leaves the choice to the method again. :meth:`click` and :meth:`choose` do
    from code what the mouse does.

    Parameters
    ----------
    image : image
        Anything :func:`tutorial_lib.images.as_rgb` takes.
    method : str or Segmenter
        A registered method that proposes candidates, or such a segmenter built already.
    clicks : Clicks or iterable of Click, optional
        Clicks to begin with; undo takes them back one by one.
    truth : np.ndarray, optional
        ``(H, W) bool``: the known mask; the status line then tells the IoU.
    name : str
        Names the files that ``session.export`` writes.
    width : int
        Largest width and height of the photo on the page, in CSS pixels.
    thumbnail : int
        Largest width of a candidate, in CSS pixels; it is at most three quarters of that high.
    columns : int
        Candidates a row.
    **options
        The registered method's own settings.

    Raises
    ------
    TypeError
        If ``clicks`` or ``method`` is something else.
    ValueError
        If image, method, option, clicks or known mask do not fit, or the method answers the clicks
        to begin with without candidates.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018: there a network g
    chooses among M candidates; here a human may do so as well.

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
        thumbnail: int = 200,
        columns: int = 2,
        **options: Any,
    ) -> None:
        check_length("width", width)
        check_length("width of a thumbnail", thumbnail)
        check_length("number of columns", columns)
        session = Session(image, method, truth=truth, name=name, **options)
        for click in Clicks(clicks or ()):
            session.add(click)
        self.thumbnails = Thumbnails(session.image, thumbnail, columns, self._safely(self._press))
        super().__init__(session, PickPanel(self.thumbnails), width, HELP + PICKING)
        self.add_class("tutorial-candidate-picker")
        if len(self.clicks):
            self._changed(wait=True)

    def _listen(self) -> None:
        super()._listen()
        self.panel.differ.observe(self._safely(lambda _: self._show_answer()), "value")
        self._on_press(self.panel.give_back, lambda: self.choose(None, wait=False))

    # -- what is known -------------------------------------------------------------------------

    @property
    def segmentation(self) -> Segmentation | None:
        """The answer to the present clicks; None before it is there."""
        return None if self._waiting or not len(self.clicks) else self.session.result

    @property
    def choice(self) -> int | None:
        """The candidate a human prefers after the present clicks, or None."""
        return self.session.clicks.preferred

    # -- what a person does --------------------------------------------------------------------

    def choose(self, candidate: int | None, wait: bool = True) -> None:
        """Prefer a candidate: it is shown, and the next click goes on from it.

        Parameters
        ----------
        candidate : int or None
            Its number, from 0; None leaves the choice to the method again.
        wait : bool
            True returns when it is shown; False lets that come later.

        Raises
        ------
        TypeError
            If it is no whole number.
        ValueError
            If there is no such candidate, the method has none, or its answer to the latest click
            is still to come; nothing changes then.
        """
        if wait:
            self._work.join()
        elif self._waiting:
            raise ValueError("The candidates for the latest click are still on their way.")
        self.session.choose(candidate)
        self._changed(wait)

    def _press(self, candidate: int) -> None:
        """Prefer a candidate, or no longer."""
        self.choose(None if candidate == self.choice else candidate, wait=False)

    def _on_key(self, key: str, shift: bool, ctrl: bool, meta: bool) -> None:
        plain = not (ctrl or meta)
        if plain and key.isdecimal() and int(key) < len(self.thumbnails.all):
            self._press(int(key))
        elif plain and key.lower() == "m":
            self.choose(None, wait=False)
        elif plain and key.lower() == "d":
            self.panel.differ.value = not self.panel.differ.value
        else:
            super()._on_key(key, shift, ctrl, meta)

    # -- asking the method ---------------------------------------------------------------------

    def _catch_up(self, session: Session) -> None:
        super()._catch_up(session)
        if len(session.clicks) and session.result.candidates is None:
            raise ValueError(
                f"The method {session.method} gives a single mask and no candidates to pick from; "
                "latent-diversity proposes several."
            )

    # -- drawing -------------------------------------------------------------------------------

    def _show_answer(self) -> None:
        if self._waiting:
            return
        panel, answer = self.panel, self.segmentation
        self.thumbnails.show(answer, self.choice, panel.view.value, panel.opacity.value)
        if answer is not None and answer.candidates is not None and panel.differ.value:
            share = self.viewport.cut(disagreement(answer.candidates))
            mask = self.viewport.cut(answer.mask)
            self._layers.show_over(render.disagreement_layer(share, mask, panel.opacity.value))
        else:
            super()._show_answer()

    def _show_state(self) -> None:
        self.panel.show(self.session, self.viewport, self._shown(), self._waiting)

    def _shown(self) -> str:
        """Say which candidate is shown, and who chose it."""
        answer = self.segmentation
        if answer is None or answer.selected is None:
            return describe(self.session)
        who = self.session.method if self.choice is None else "you"
        return f"{describe(self.session)} Candidate {answer.selected} is shown: chosen by {who}."

    # -- without a browser ---------------------------------------------------------------------

    @property
    def picture(self) -> np.ndarray:
        """All candidates as one ``(H, W, 3) uint8`` picture; the photo while there are none."""
        return self._paint()[0]

    def _paint(self) -> tuple[np.ndarray, bytes]:
        answer, view = self.segmentation, self.panel.view.value
        if answer is None or answer.candidates is None:
            return paint(self.session.picture(view, self.panel.opacity.value))
        from tutorial_lib.plots import draw_candidates

        differ = self.panel.differ.value
        return paint(draw_candidates(self.session.image, answer, self.clicks, differ, view))

    def _summary(self) -> str:
        return f"CandidatePicker({self.session.name}, {self.session.method})"

    def _still(self) -> bytes:
        return self._paint()[1]
