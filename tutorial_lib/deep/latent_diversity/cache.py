"""What Latent Diversity computes for a photo and keeps, so that nothing is computed twice.

Photo and clicks decide everything in the cache. Losing an entry costs time and changes no answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeVar

import cv2
import numpy as np
from torch import Tensor

from tutorial_lib.clicks import Clicks
from tutorial_lib.deep.latent_diversity.zoom_in import View

MOST_VIEWS, MOST_ANSWERS = 4, 32  # some tens of megabytes

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class ViewFeatures:
    """A view of a photo, encoded for f.

    Parameters
    ----------
    size : tuple of int
        Height and width of the encoder's input, in pixels.
    image : Tensor
        ``(B, 3, h, w)``: the first of the encoder's maps, the image itself.
    features : Tensor
        ``(B, 64, h, w)``: the part of f's features that depends on the photo alone.
    """

    size: tuple[int, int]
    image: Tensor
    features: Tensor


@dataclass(frozen=True, eq=False)
class Answer:
    """What f proposes and g scores for some clicks.

    Parameters
    ----------
    view : View
        The part of the photo they looked at.
    logits : Tensor
        ``(M, h, w) float32`` on the view's grid, on the CPU.
    scores : Tensor
        ``(M,) float32``: g's scores; the candidate with the highest is shown by default.
    preferred : int, optional
        The candidate that a person prefers; it is shown instead.
    """

    view: View
    logits: Tensor
    scores: Tensor
    preferred: int | None = None

    @property
    def selected(self) -> int:
        """Number of the candidate that is shown."""
        return int(self.scores.argmax()) if self.preferred is None else self.preferred

    @property
    def shown(self) -> np.ndarray:
        """The selected candidate on the view's grid, ``(h, w) float32`` in [0, 1]."""
        return self.logits[self.selected].sigmoid().numpy()

    def on_photo(self, shape: tuple[int, int]) -> np.ndarray:
        """Return the selected candidate on a photo's pixels, ``(H, W)``; 0 outside the view."""
        photo = np.zeros(shape, dtype=np.float32)
        photo[self.view.slices] = cv2.resize(self.shown, (self.view.width, self.view.height))
        return photo


@dataclass(frozen=True, eq=False)
class LatentDiversityPrepared:
    """A photo, with caches of encoded views and of answers.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    features : OrderedDict
        Encoded views, the latest last.
    answers : OrderedDict
        Answers by clicks, without a preference after the last click; the latest last.
    """

    photo: np.ndarray
    features: OrderedDict[View, ViewFeatures] = field(default_factory=OrderedDict)
    answers: OrderedDict[Clicks, Answer] = field(default_factory=OrderedDict)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the photo, in pixels."""
        return self.photo.shape[:2]

    @property
    def whole(self) -> View:
        """The view of all of it."""
        return View(0, 0, *self.shape)


def store(cache: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> None:
    """Put a value into a cache, and drop the entries that were stored longest ago."""
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > most:
        cache.popitem(last=False)
