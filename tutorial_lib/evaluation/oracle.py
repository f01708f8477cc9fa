"""An oracle: a user of Latent Diversity who knows the answer and prefers the best candidate.

With M candidates three selectors are worth measuring, and they answer different questions:

- the *oracle* shows the best candidate: what does f propose? It knows the answer and can only gain
  from one more candidate, so networks of different M must not be compared by it;
- a *fixed* candidate is always shown: how good is f without any selection?
- *g* selects: what does a user get?
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.data.layouts.dataset import Example
from tutorial_lib.deep.latent_diversity.cache import LatentDiversityPrepared
from tutorial_lib.deep.latent_diversity.segmenter import LatentDiversity
from tutorial_lib.images import ImageLike
from tutorial_lib.metrics import THRESHOLDS, clicks_and_curve, clicks_to_reach, iou
from tutorial_lib.segmenter import Segmentation, Segmenter
from tutorial_lib.users.simulation import Trajectory, simulate

MIN_CLICKS = 5  # clicks on every object at least, so that curves are exact up to there


@dataclass(frozen=True, eq=False)
class OraclePrepared:
    """A prepared photo, and what the oracle has preferred on it.

    Parameters
    ----------
    prepared : LatentDiversityPrepared
        What Latent Diversity keeps of the photo.
    preferred : dict of Clicks to Clicks
        The same clicks with the oracle's preferences.
    """

    prepared: LatentDiversityPrepared
    preferred: dict[Clicks, Clicks] = field(default_factory=dict)


class Oracle:
    """Lets Latent Diversity answer, and after each click prefers the best candidate.

    Parameters
    ----------
    method : LatentDiversity
        What proposes the candidates.
    example : Example
        The object, with its known mask.

    Attributes
    ----------
    judged : list of np.ndarray
        IoU of every candidate, ``(M,) float64``, after each click so far.
    """

    def __init__(self, method: LatentDiversity, example: Example) -> None:
        self.method, self.example = method, example
        self.judged: list[np.ndarray] = []

    def prepare(self, image: ImageLike) -> OraclePrepared:
        """Compute everything that depends on the photo alone.

        Parameters
        ----------
        image : image
            Anything :func:`tutorial_lib.images.as_rgb` takes.

        Returns
        -------
        OraclePrepared
            For :meth:`segment`.
        """
        return OraclePrepared(self.method.prepare(image))

    def segment(self, prepared: OraclePrepared, clicks: Clicks) -> Segmentation:
        """Answer these clicks, and show the best candidate after each of them.

        Parameters
        ----------
        prepared : OraclePrepared
            What :meth:`prepare` returned.
        clicks : Clicks
            The clicks so far, all inside the photo.

        Returns
        -------
        Segmentation
            The method's answer, with the best candidate shown.
        """
        return self.method.segment(prepared.prepared, self._with_preferences(prepared, clicks))

    def _with_preferences(self, prepared: OraclePrepared, clicks: Clicks) -> Clicks:
        """Return the clicks with the best candidate preferred after each one."""
        if not len(clicks):
            return clicks
        if clicks not in prepared.preferred:
            before = self._with_preferences(prepared, clicks[: len(clicks) - 1])
            asked = before.add(clicks[-1])
            answer = self.method.segment(prepared.prepared, asked)
            truth, ignore = self.example.truth, self.example.ignore
            ious = [iou(candidate >= 0.5, truth, ignore) for candidate in answer.candidates]
            self.judged.append(np.array(ious))
            prepared.preferred[clicks] = asked.prefer(int(np.argmax(ious)))
        return prepared.preferred[clicks]


def best_fixed_candidate(oracles: Sequence[Oracle]) -> int:
    """Return the candidate, from 0, with the highest mean IoU over all that oracles judged.

    Raises
    ------
    ValueError
        If the oracles have judged nothing yet.
    """
    judged = [ious for oracle in oracles for ious in oracle.judged]
    if not judged:
        raise ValueError("No candidate can be the best before anything was answered.")
    return int(np.mean(judged, axis=0).argmax())


@lru_cache(maxsize=16)
def _built(options: str) -> LatentDiversity:
    """Build a method once per process: networks take a while to load."""
    return LatentDiversity(**json.loads(options))


def simulate_with_options(
    options: str, example: Example, max_clicks: int, robot: str = "center", oracle: bool = False
) -> Trajectory:
    """Build Latent Diversity, once per process, and let a robot use it on one object.

    Parameters
    ----------
    options : str
        Options of Latent Diversity, as JSON.
    example, max_clicks, robot
        As for :func:`simulate_on`.
    oracle : bool
        Whether an :class:`Oracle` selects.

    Returns
    -------
    Trajectory
        What happened.
    """
    method = _built(options)
    return simulate_on(example, Oracle(method, example) if oracle else method, max_clicks, robot)


def simulate_on(
    example: Example, segmenter: Segmenter, max_clicks: int, robot: str = "center"
) -> Trajectory:
    """Let a robot use a method on one object, until clicks no longer change the figures.

    The robot stops when the highest of the thresholds is reached, but not before the fifth click.

    Parameters
    ----------
    example : Example
        The object.
    segmenter : Segmenter
        The method.
    max_clicks : int
        Number of clicks at most.
    robot : str
        A name in :data:`tutorial_lib.users.robots.ROBOTS`.

    Returns
    -------
    Trajectory
        What happened.
    """
    return simulate(
        segmenter,
        example.image,
        example.truth,
        example.ignore,
        robot,
        max_clicks,
        target_iou=max(THRESHOLDS) / 100,
        min_clicks=MIN_CLICKS,
    )


def summarise_curves(curves: Sequence[Sequence[float]], max_clicks: int) -> dict[str, Any]:
    """Summarise what a method reached on many objects, ready for a result file.

    Parameters
    ----------
    curves : sequence of sequence of float
        IoUs of each object after click 1, 2, ..., from :func:`simulate_on`.
    max_clicks : int
        Number of clicks at most.

    Returns
    -------
    dict
        ``noc`` at every threshold, to three decimals, ``counts`` with the clicks of each object,
        and ``miou`` after each of the first five clicks, to four decimals. Later clicks are not
        made on objects that are right already.
    """
    figures = clicks_and_curve(curves, max_clicks, digits=3)
    counts = {
        str(percent): [clicks_to_reach(curve, percent / 100, max_clicks) for curve in curves]
        for percent in THRESHOLDS
    }
    return figures | {"miou": figures["miou"][:MIN_CLICKS], "counts": counts}
