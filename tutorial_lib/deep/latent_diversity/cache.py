"""The cache of Latent Diversity for one photo: encoded views and answers.

Every entry is a function of photo and clicks. A lost entry costs time but changes no answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeVar

import cv2
import numpy as np
from torch import Tensor
from torch.nn import functional as F

from tutorial_lib.clicks import Clicks
from tutorial_lib.deep.latent_diversity.zoom_in import View

MOST_VIEWS, MOST_ANSWERS = 6, 32  # some tens of megabytes

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class ViewFeatures:
    """The features of one view of a photo.

    Parameters
    ----------
    size : tuple of int
        Height and width of the encoder's input, in pixels.
    image : Tensor
        ``(B, 3, h, w)``: the encoder's first map, which is the image itself.
    features : tuple of Tensor
        ``(B, channels, h, w)`` for each grid of f: what depends on the photo alone.
    """

    size: tuple[int, int]
    image: Tensor
    features: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Patch:
    """A part of one candidate, in finer cells; see :meth:`LatentDiversity.segment`.

    Parameters
    ----------
    number : int
        Index of the candidate.
    view : View
        The part of the photo that f saw.
    inner : View
        The part of it that replaces the candidate. It leaves out a margin, where f saw little of
        what lies around.
    logits : Tensor
        ``(h, w) float32``: the part of the candidate on the grid of the view, on the CPU.
    """

    number: int
    view: View
    inner: View
    logits: Tensor

    def paste(self, photo: np.ndarray) -> None:
        """Replace a part of the candidate at the size of the photo.

        Parameters
        ----------
        photo : np.ndarray
            ``(H, W) float32`` in [0, 1]; changed in place.
        """
        fine = resized(self.logits, self.view.shape)
        top, left = self.inner.top - self.view.top, self.inner.left - self.view.left
        rows, cols = slice(top, top + self.inner.height), slice(left, left + self.inner.width)
        photo[self.inner.slices] = fine[rows, cols]


def resized(logits: Tensor, size: tuple[int, int]) -> np.ndarray:
    """Return a candidate at another size.

    Parameters
    ----------
    logits : Tensor
        ``(h, w) float32``.
    size : tuple of int
        Height and width, in pixels.

    Returns
    -------
    np.ndarray
        ``(height, width) float32`` in [0, 1].
    """
    full = F.interpolate(logits[None, None], size, mode="bilinear", align_corners=False)
    return full[0, 0].sigmoid_().numpy()


@dataclass(frozen=True, eq=False)
class Answer:
    """The candidates of f and the scores of g for some clicks.

    Parameters
    ----------
    view : View
        The part of the photo that f and g saw.
    logits : Tensor
        ``(M, h, w) float32``: the candidates on the grid of the view, on the CPU.
    scores : Tensor
        ``(M,) float32``: g's scores. By default the candidate with the highest score is selected.
    preferred : int, optional
        Index of the candidate that the user prefers. It is selected instead.
    evidence : float
        Logarithm of the probability that g gives to the candidates of this view together, up to a
        constant. It decides between views.
    patch : Patch, optional
        The part of a candidate that was corrected in finer cells.
    """

    view: View
    logits: Tensor
    scores: Tensor
    preferred: int | None = None
    evidence: float = 0.0
    patch: Patch | None = None

    @property
    def selected(self) -> int:
        """Index of the selected candidate."""
        return int(self.scores.argmax()) if self.preferred is None else self.preferred

    @property
    def shown(self) -> np.ndarray:
        """The selected candidate on the grid of the view, ``(h, w) float32`` in [0, 1].

        Without the patch, whose cells are finer.
        """
        return self.logits[self.selected].sigmoid().numpy()

    def on_photo(self, shape: tuple[int, int]) -> np.ndarray:
        """Return the selected candidate at the size of the photo.

        Parameters
        ----------
        shape : tuple of int
            Height and width of the photo, in pixels.

        Returns
        -------
        np.ndarray
            ``(H, W) float32`` in [0, 1]; 0 outside the view.
        """
        photo = np.zeros(shape, dtype=np.float32)
        photo[self.view.slices] = cv2.resize(self.shown, (self.view.width, self.view.height))
        if self.patch is not None and self.patch.number == self.selected:
            self.patch.paste(photo)
        return photo


@dataclass(frozen=True, eq=False)
class LatentDiversityPrepared:
    """A photo, with caches of encoded views and of answers.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    features : OrderedDict
        Features of each view at each size of the networks' input, the latest last.
    answers : OrderedDict
        Answers for clicks, the latest last. The keys have no preference after the last click.
    """

    photo: np.ndarray
    features: OrderedDict[tuple[View, int], ViewFeatures] = field(default_factory=OrderedDict)
    answers: OrderedDict[Clicks, Answer] = field(default_factory=OrderedDict)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the photo, in pixels."""
        return self.photo.shape[:2]

    @property
    def whole(self) -> View:
        """The view that covers the whole photo."""
        return View(0, 0, *self.shape)


def store(cache: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> None:
    """Store a value in a cache, and drop the oldest entries above ``most``."""
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > most:
        cache.popitem(last=False)
