"""What Latent Diversity would be worth if somebody who knows the answer chose for it.

With M candidates there are three honest figures, and they answer different questions:

- the *oracle* shows the best candidate: what f proposes. It knows the answer, and can only gain
  from a further candidate, so networks of different M must not be compared by it;
- a *fixed* candidate is always shown: what can be had without any selection;
- *g* selects: what a user gets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from tutorial_lib.data.layouts.dataset import Example
from tutorial_lib.deep.latent_diversity.cache import Answer, LatentDiversityPrepared
from tutorial_lib.deep.latent_diversity.segmenter import LatentDiversity
from tutorial_lib.metrics import THRESHOLDS, clicks_and_curve, iou
from tutorial_lib.users.simulation import Trajectory, simulate

LEAST = 5  # clicks in every conversation, so that curves are exact up to there


class Oracle(LatentDiversity):
    """Shows the candidate that agrees best with the known mask.

    Parameters
    ----------
    **options
        As for :class:`tutorial_lib.deep.latent_diversity.segmenter.LatentDiversity`.

    Attributes
    ----------
    example : Example
        The object whose mask is known; to be set before each photo.
    judged : list of np.ndarray
        IoU of every candidate, ``(M,) float64``, at each answer so far.
    """

    example: Example

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.judged: list[np.ndarray] = []

    @property
    def best_fixed(self) -> int:
        """The candidate, from 0, with the highest mean IoU over all answers so far.

        Raises
        ------
        ValueError
            If nothing was answered yet.
        """
        if not self.judged:
            raise ValueError("No candidate can be the best before anything was answered.")
        return int(np.mean(self.judged, axis=0).argmax())

    def _chosen(self, prepared: LatentDiversityPrepared, answer: Answer) -> Answer:
        masks = self._at_full_size(prepared, answer) >= 0.5
        ious = [iou(mask, self.example.truth, self.example.ignore) for mask in masks]
        self.judged.append(np.array(ious))
        return replace(answer, scores=torch.tensor(ious))


@lru_cache(maxsize=16)
def _built(knows: bool, options: str) -> LatentDiversity:
    """Build a way of choosing once a process: networks take a while to load."""
    return (Oracle if knows else LatentDiversity)(**json.loads(options))


def converse_with(
    options: str, example: Example, max_clicks: int, robot: str = "center", knows: bool = False
) -> Trajectory:
    """Build a way of choosing, once a process, and let a robot use it on one object.

    Parameters
    ----------
    options : str
        What the method is built with, as JSON.
    example, max_clicks, robot
        As for :func:`converse`.
    knows : bool
        Whether the method is an :class:`Oracle`.

    Returns
    -------
    Trajectory
        What happened.
    """
    return converse(_built(knows, options), example, max_clicks, robot)


def converse(
    method: LatentDiversity, example: Example, max_clicks: int, robot: str = "center"
) -> Trajectory:
    """Let a robot use one way of choosing on one object; an oracle is told the answer first.

    It ends, but not before the fifth click, when the highest of the thresholds is reached that
    clicks are counted to.

    Parameters
    ----------
    method : LatentDiversity
        An :class:`Oracle`, one that always shows the same candidate, or one that selects.
    example : Example
        The object.
    max_clicks : int
        Number of clicks at most.
    robot : str
        A name in :data:`tutorial_lib.users.robots.ROBOTS`.

    Returns
    -------
    Trajectory
        What happened.
    """
    if isinstance(method, Oracle):
        method.example = example
    return simulate(
        method,
        example.image,
        example.truth,
        example.ignore,
        robot,
        max_clicks,
        target_iou=max(THRESHOLDS) / 100,
        min_clicks=LEAST,
    )


def summed_up(samples: Sequence[Sequence[float]], max_clicks: int) -> dict[str, Any]:
    """Sum up conversations on many objects, ready for a file of results.

    Parameters
    ----------
    samples : sequence of sequence of float
        IoUs of each object after click 1, 2, ..., from :func:`converse`.
    max_clicks : int
        Number of clicks at most.

    Returns
    -------
    dict
        ``noc`` at every threshold, to three digits, and ``miou`` after each of the first five
        clicks, to four: later ones were not asked for where the object was right already.
    """
    figures = clicks_and_curve(samples, max_clicks, digits=3)
    return figures | {"miou": figures["miou"][:LEAST]}
