"""Let a robot use a method on one object, and record what happens."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from tutorial_lib.clicks import Clicks
from tutorial_lib.clock import timed
from tutorial_lib.images import ImageLike
from tutorial_lib.metrics import iou
from tutorial_lib.registry import check_answer, registered
from tutorial_lib.segmenter import Segmenter
from tutorial_lib.users.robots import Robot, robot_named


@dataclass(frozen=True)
class Trajectory:
    """The record of a robot that used a method on one object.

    Parameters
    ----------
    clicks : Clicks
        The robot's clicks.
    ious : tuple of float
        IoU after each of them.
    ms_prepare : float
        Milliseconds that the photo's preparation took.
    ms_clicks : tuple of float
        Milliseconds that each answer took.
    mask : np.ndarray
        ``(H, W) bool``: the last answer.
    """

    clicks: Clicks
    ious: tuple[float, ...]
    ms_prepare: float
    ms_clicks: tuple[float, ...]
    mask: np.ndarray = field(compare=False, repr=False)  # clicks and method decide it


def simulate(
    segmenter: Segmenter,
    image: ImageLike,
    truth: np.ndarray,
    ignore: np.ndarray | None = None,
    robot: str | Robot = "center",
    max_clicks: int = 20,
    seed: int = 0,
    target_iou: float = math.inf,
    min_clicks: int = 0,
) -> Trajectory:
    """Let a robot click until it has no clicks left or finds no error.

    A method that needs clicks of both kinds answers with the positive discs until it has them. A
    robot that corrects the largest error would then always click the object. So for these methods
    (``needs_negative`` in the registry) the robot makes its *second* click as if the answer were
    the whole image, which puts it on the background.

    Parameters
    ----------
    segmenter : Segmenter
        The method. A method that is not registered must answer from the first click.
    image : image
        Anything :func:`tutorial_lib.images.as_rgb` takes.
    truth : np.ndarray
        ``(H, W) bool``, the known mask.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that do not count and are not clicked.
    robot : str or callable
        What :func:`~tutorial_lib.users.robots.robot_named` takes: a name, or a function with the
        arguments of :func:`~tutorial_lib.users.robots.center`.
    max_clicks : int
        Largest number of clicks.
    seed : int
        Seed of the robot.
    target_iou : float
        Stop as soon as an answer reaches this IoU. By default the robot goes on.
    min_clicks : int
        Smallest number of clicks, even if the target is reached earlier.

    Returns
    -------
    Trajectory
        Clicks, IoU after each click, times, and the last mask.

    Raises
    ------
    ValueError
        If there is no robot of that name; the message lists the robots.
    MethodError
        If an answer does not have the shape of ``truth``; the message names the method.
    """
    truth = np.asarray(truth, dtype=bool)
    ignore = None if ignore is None else np.asarray(ignore, dtype=bool)
    place = robot_named(robot)
    info = registered(segmenter)
    both = info is not None and info.needs_negative
    prepared, ms_prepare = timed(lambda: segmenter.prepare(image))
    clicks, mask = Clicks(), np.zeros_like(truth, dtype=bool)
    ious, times = [], []
    while len(clicks) < max_clicks:
        shown = np.ones_like(mask) if both and len(clicks) == 1 else mask
        click = place(shown, truth, ignore, clicks, seed)
        if click is None:
            break
        clicks = clicks.add(click)
        answer, milliseconds = timed(lambda clicks=clicks: segmenter.segment(prepared, clicks))
        mask = check_answer(segmenter, truth.shape, answer).mask
        ious.append(iou(mask, truth, ignore))
        times.append(milliseconds)
        if ious[-1] >= target_iou and len(clicks) >= min_clicks:
            break
    return Trajectory(clicks, tuple(ious), ms_prepare, tuple(times), mask)
