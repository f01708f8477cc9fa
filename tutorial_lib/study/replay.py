"""Look at a trial again, click after click."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tutorial_lib import render
from tutorial_lib.metrics import iou
from tutorial_lib.registry import get_segmenter
from tutorial_lib.study.plan import StudyObject, StudyPlan
from tutorial_lib.study.trials import HandedIn, replayed_masks, states_after_clicks


def replay_task(
    plan: StudyPlan,
    handed_in: HandedIn,
    objects: Mapping[str, StudyObject],
    person: str,
    number: int,
) -> list[tuple[str, np.ndarray]]:
    """Return what a person saw in a task, click after click.

    Parameters
    ----------
    plan : StudyPlan
        The plan of the study.
    handed_in : HandedIn
        From :func:`~tutorial_lib.study.trials.read_handed_in`.
    objects : mapping of str to StudyObject
        From :func:`~tutorial_lib.study.plan.read_objects`.
    person : str
        A name of the plan.
    number : int
        Number of the task in the plan, from 1. Practice is counted.

    Returns
    -------
    list of (str, np.ndarray)
        Titles and pictures, ``(H, W, 3) uint8``, for :func:`tutorial_lib.plots.grid`. The first one
        is the goal.

    Raises
    ------
    ValueError
        If the person handed in nothing of this task, or the clicks belong to another photo.
    """
    log = handed_in.tasks.get(person, {}).get(number)
    if log is None or not log.count:
        raise ValueError(f"There is no click of {person!r} in task {number}.")
    thing = objects[log.object]
    if log.photo != thing.photo.sha256:
        raise ValueError(f"Task {number} of {person} was done on another photo of {log.object}.")
    method, photo = plan.method_of(person, log.letter), thing.photo.pixels
    segmenter = get_segmenter(method)
    masks = replayed_masks(segmenter, segmenter.prepare(photo), log)
    empty = states_after_clicks(log)[0].undo()
    panels = [(f"{log.object}, the goal", render.composite(photo, empty, thing.truth))]
    for count, (clicks, mask) in enumerate(zip(states_after_clicks(log), masks, strict=True), 1):
        value = iou(mask, thing.truth, thing.ignore)
        title = f"{method}, click {count}: IoU {value:.3f}"
        panels.append((title, render.composite(photo, clicks, mask)))
    return panels
