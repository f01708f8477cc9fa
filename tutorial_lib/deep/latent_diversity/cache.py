"""What Latent Diversity keeps of a photo, so that nothing is computed twice.

Everything here can be computed again from the photo and the clicks; forgetting it costs only time.
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

KEPT_VIEWS, KEPT_ANSWERS = 4, 32  # some tens of megabytes

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Seen:
    """A view of a photo as f sees it.

    Parameters
    ----------
    size : tuple of int
        Height and width it is brought to, in pixels.
    image : Tensor
        ``(B, 3, h, w)``: the first of the encoder's maps.
    features : Tensor
        ``(B, 64, h, w)``: what depends on the photo alone.
    """

    size: tuple[int, int]
    image: Tensor
    features: Tensor


@dataclass(frozen=True, eq=False)
class Answer:
    """What f and g make of some clicks.

    Parameters
    ----------
    view : View
        What they looked at.
    logits : Tensor
        ``(M, h, w) float32`` on the cells of the view, on the CPU.
    scores : Tensor
        ``(M,) float32``; the highest is shown, if nothing else was chosen.
    chosen : int, optional
        The candidate that a human prefers.
    """

    view: View
    logits: Tensor
    scores: Tensor
    chosen: int | None = None

    @property
    def selected(self) -> int:
        """Number of the candidate that is shown."""
        return int(self.scores.argmax()) if self.chosen is None else self.chosen

    @property
    def shown(self) -> np.ndarray:
        """The selected candidate on the view's cells, ``(h, w) float32`` in [0, 1]."""
        return self.logits[self.selected].sigmoid().numpy()

    def on_photo(self, shape: tuple[int, int]) -> np.ndarray:
        """Return the selected candidate on a photo's pixels, ``(H, W)``; 0 outside the view."""
        photo = np.zeros(shape, dtype=np.float32)
        photo[self.view.slices] = cv2.resize(self.shown, (self.view.width, self.view.height))
        return photo


@dataclass(frozen=True, eq=False)
class LatentDiversityPrepared:
    """A photo, and what was found out about it so far.

    Parameters
    ----------
    photo : np.ndarray
        ``(H, W, 3) uint8``.
    seen : OrderedDict
        Views as f sees them, the latest last.
    answers : OrderedDict
        Answers by the clicks, without what was preferred after the last one; the latest last.
    """

    photo: np.ndarray
    seen: OrderedDict[View, Seen] = field(default_factory=OrderedDict)
    answers: OrderedDict[Clicks, Answer] = field(default_factory=OrderedDict)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the photo, in pixels."""
        return self.photo.shape[:2]

    @property
    def whole(self) -> View:
        """The view of all of it."""
        return View(0, 0, *self.shape)


def keep(kept: OrderedDict[Key, Value], key: Key, value: Value, most: int) -> None:
    """Remember something, and forget what was not asked for longest."""
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
