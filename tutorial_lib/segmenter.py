"""The interface of every method: ``prepare`` once for each image, ``segment`` after each click."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.images import ImageLike


class MethodError(RuntimeError):
    """A method failed on an object. The message names the method, the object and the reason."""


class _OnDemand:
    """The field ``candidates``. It may hold a function, which is called at the first read."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, answer: Segmentation | None, owner: type | None = None) -> Any:
        if answer is None:
            return None  # dataclass reads the field's default from the class
        value = vars(answer)[self._name]
        if callable(value):
            value = vars(answer)[self._name] = answer._checked(value())
        return value

    def __set__(self, answer: Segmentation, value: Any) -> None:
        vars(answer)[self._name] = value


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The answer of a method.

    Parameters
    ----------
    probability : np.ndarray
        ``(H, W) float32`` in [0, 1]: the probability of each pixel to belong to the object.
    mask : np.ndarray, optional
        ``(H, W) bool``. The default is ``probability >= 0.5``.
    candidates : np.ndarray or callable, optional
        ``(M, H, W) float32`` in [0, 1]: probabilities of the M segmentations that the method
        selected from. A function without arguments may be given instead. It is called once, at
        the first read, so that unused candidates cost no time.
    scores : np.ndarray, optional
        ``(M,) float32``: the score of each candidate; higher is better.
    selected : int, optional
        Index of the candidate that the answer shows, from 0. The default is the candidate with the
        highest score. None without candidates.

    Raises
    ------
    ValueError
        If the shapes do not match, a probability lies outside [0, 1], or ``selected`` is not the
        index of a candidate.

    Examples
    --------
    >>> import numpy as np
    >>> answer = Segmentation(np.array([[0.2, 0.9]]))
    >>> answer.mask
    array([[False,  True]])
    """

    probability: np.ndarray
    mask: np.ndarray | None = None
    candidates: np.ndarray | Callable[[], np.ndarray] | None = _OnDemand()
    scores: np.ndarray | None = None
    selected: int | None = None

    def __post_init__(self) -> None:
        probability = np.asarray(self.probability, dtype=np.float32)
        mask = probability >= 0.5 if self.mask is None else np.asarray(self.mask, dtype=bool)
        object.__setattr__(self, "probability", probability)
        object.__setattr__(self, "mask", mask)
        if probability.ndim != 2 or mask.shape != probability.shape:
            raise ValueError(
                f"Probability {probability.shape} and mask {mask.shape} must both be (H, W)."
            )
        if probability.size and not (probability.min() >= 0 and probability.max() <= 1):
            raise ValueError("Probabilities lie in [0, 1] and are never NaN.")
        given = vars(self)["candidates"]
        if (given is None) != (self.scores is None):
            raise ValueError("Candidates come with one score each: give both or neither.")
        if given is not None:
            object.__setattr__(self, "scores", np.asarray(self.scores, dtype=np.float32))
            if not callable(given):
                object.__setattr__(self, "candidates", self._checked(given))
            self._check_selected()
        elif self.selected is not None:
            raise ValueError("Without candidates, selected must be None.")

    def preferring(self, candidate: int | None) -> Segmentation:
        """Return this answer with another candidate selected.

        Parameters
        ----------
        candidate : int or None
            Index of the preferred candidate, from 0. None changes nothing.

        Returns
        -------
        Segmentation
            The answer with this candidate as its probability and mask. An answer without
            candidates is returned unchanged.

        Raises
        ------
        IndexError
            If there is no such candidate.
        """
        if candidate is None or self.scores is None or candidate == self.selected:
            return self
        return replace(self, probability=self.candidates[candidate], mask=None, selected=candidate)

    def touched_up(self, clicks: Clicks) -> Segmentation:
        """Return this answer with the touch-ups of a user painted on mask and probability.

        Parameters
        ----------
        clicks : Clicks
            What the user said, see :meth:`Clicks.paint_touch_ups`.

        Returns
        -------
        Segmentation
            The answer; this one if there are no touch-ups. Its candidates are not painted on.
        """
        if not clicks.touch_ups:
            return self
        mask, probability = clicks.paint_touch_ups(np.stack([self.mask, self.probability]))
        return replace(self, mask=mask, probability=probability)

    def _checked(self, candidates: Any) -> np.ndarray:
        candidates, scores = np.asarray(candidates, dtype=np.float32), self.scores
        if candidates.shape != (scores.size, *self.probability.shape) or scores.ndim != 1:
            raise ValueError(
                f"{scores.size} scores and a {self.probability.shape} mask need candidates of "
                f"shape {(scores.size, *self.probability.shape)}, not {candidates.shape}."
            )
        if candidates.size and not (candidates.min() >= 0 and candidates.max() <= 1):
            raise ValueError("Candidates are probabilities: they lie in [0, 1] and are never NaN.")
        return candidates

    def _check_selected(self) -> None:
        count = self.scores.size
        if self.selected is None and count:
            object.__setattr__(self, "selected", int(self.scores.argmax()))
        elif self.selected is not None and not 0 <= self.selected < count:
            raise ValueError(f"Of {count} candidates, number {self.selected} cannot be selected.")


class Prepared(Protocol):
    """What a method computes once for each image. Only ``shape`` is public."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image, in pixels."""


@runtime_checkable
class Segmenter(Protocol):
    """A method: a pure function of image and clicks, in two steps.

    A method that proposes candidates shows the candidate ``clicks.preferred``. It may also use
    ``clicks.preferences`` to find the candidate that each click corrected.
    """

    def prepare(self, image: ImageLike) -> Prepared:
        """Compute everything that depends on the image alone.

        This may be slow. The caller keeps the value for all clicks on the image.

        Parameters
        ----------
        image : image
            Anything that :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        Prepared
            The first argument of :meth:`segment`.
        """

    def segment(self, prepared: Any, clicks: Clicks) -> Segmentation:
        """Answer these clicks. The same clicks always get the same answer.

        Parameters
        ----------
        prepared : Prepared
            The value of :meth:`prepare`.
        clicks : Clicks
            All clicks and preferences so far, in pixels of the image.

        Returns
        -------
        Segmentation
            The answer, with the height and width of the image.

        Raises
        ------
        ValueError
            If a click lies outside the image.
        """


@runtime_checkable
class LooksAhead(Segmenter, Protocol):
    """A method that can compute something in advance while the user looks at its answer."""

    def look_ahead(self, prepared: Any, clicks: Clicks) -> None:
        """Compute in advance what the next click probably needs. No answer changes.

        Parameters
        ----------
        prepared : Prepared
            The value of :meth:`Segmenter.prepare`.
        clicks : Clicks
            The clicks that were answered last.
        """
