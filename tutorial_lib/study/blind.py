"""A method that gives itself away neither by its name nor by its speed."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.segmenter import Segmentation, Segmenter


class Blind:
    """A method without its name, whose answers never come earlier than a set time.

    A method that is slower than that stays slower. The answers are those of the method.

    Parameters
    ----------
    segmenter : Segmenter
        The method.
    seconds : float
        The shortest time from a click to its answer.

    Examples
    --------
    >>> from tutorial_lib import Session, get_segmenter
    >>> session = Session(np.zeros((40, 40, 3), np.uint8), Blind(get_segmenter("graph-cut"), 0.1))
    >>> session.method
    'Blind'
    """

    def __init__(self, segmenter: Segmenter, seconds: float) -> None:
        self._segmenter, self._seconds = segmenter, seconds

    def prepare(self, image: np.ndarray) -> Any:
        """Prepare a photo, ``(H, W, 3) uint8``, with the method."""
        return self._segmenter.prepare(image)

    def segment(self, prepared: Any, clicks: Clicks) -> Segmentation:
        """Answer clicks with the method, and wait until the time is over.

        Parameters
        ----------
        prepared : Prepared
            The value of :meth:`prepare`.
        clicks : Clicks
            The clicks.

        Returns
        -------
        Segmentation
            The method's answer.
        """
        end = time.monotonic() + self._seconds
        answer = self._segmenter.segment(prepared, clicks)
        time.sleep(max(0.0, end - time.monotonic()))
        return answer

    def __repr__(self) -> str:
        return "Blind()"
