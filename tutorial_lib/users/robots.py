"""The two papers' simulated users: where somebody who knows the answer would click next.

Both are pure functions: the same masks, clicks and seed always give the same next click. They see
the known mask, never the photo, and know nothing of the method they correct.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import distance_transform_edt

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.clock import timed
from tutorial_lib.images import ImageLike
from tutorial_lib.metrics import iou
from tutorial_lib.segmenter import Segmenter, check_answer, registered

Robot = Callable[..., Click | None]
NO_CLICKS = Clicks()


def depth(region: np.ndarray) -> np.ndarray:
    """Distance of every pixel of a region to the nearest pixel outside it.

    Beyond the image border everything is outside. This is also the *geodesic* distance, along
    paths that stay in the region, to the region's own boundary: the disc around p that reaches just
    to the nearest outside pixel lies wholly within the region, so the straight way there is free.

    Parameters
    ----------
    region : np.ndarray
        ``(H, W) bool``.

    Returns
    -------
    np.ndarray
        ``(H, W) float64`` in pixels, exact; 0 outside the region, at least 1 within.
    """
    if not region.any():
        return np.zeros(region.shape)
    return distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]


def center(
    mask: np.ndarray,
    truth: np.ndarray,
    ignore: np.ndarray | None = None,
    clicks: Clicks = NO_CLICKS,
    seed: int = 0,
) -> Click | None:
    """Click the middle of the deepest error, as Deep Object Selection's robot does.

    Missed object and false object are separate regions, even where they touch. Of all mislabelled
    pixels the one farthest from the boundary of its region wins; of equals the uppermost, and of
    those the leftmost.

    Parameters
    ----------
    mask, truth : np.ndarray
        ``(H, W) bool``: the current answer, and the known one.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that are neither errors nor clicked.
    clicks : Clicks
        The clicks so far; their pixels are not clicked again.
    seed : int
        Not used: nothing here is left to chance.

    Returns
    -------
    Click or None
        None when no error is left to click.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.5.
    """
    counted = np.ones_like(truth, dtype=bool) if ignore is None else ~ignore
    depths = depth(truth & ~mask & counted) + depth(mask & ~truth & counted)  # disjoint regions
    return _click_at(np.argmax(_without(depths, clicks)), depths, truth)


def geodesic(
    mask: np.ndarray,
    truth: np.ndarray,
    ignore: np.ndarray | None = None,
    clicks: Clicks = NO_CLICKS,
    seed: int = 0,
) -> Click | None:
    """Draw a mislabelled pixel, the deeper the likelier, as Latent Diversity's robot does.

    ``P(p; O') = d(p, boundary of O') / sum over q in O' of d(q, boundary of O')``

    O' is the set of mislabelled pixels; for the first click it is the object, so that the first
    click is positive. :func:`depth` explains why d needs no search along paths.

    Parameters
    ----------
    mask, truth : np.ndarray
        ``(H, W) bool``: the current answer, and the known one.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that are neither errors nor clicked.
    clicks : Clicks
        The clicks so far; their pixels are not clicked again.
    seed : int
        Seed of the draw; the number of clicks so far is added to it, so that one seed serves a
        whole sequence.

    Returns
    -------
    Click or None
        None when no error is left to click.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, Eq. 8.
    """
    region = (mask != truth) if len(clicks) else truth.copy()
    if ignore is not None:
        region &= ~ignore
    weights = _without(depth(region), clicks)
    below = np.cumsum(weights)
    drawn = np.random.default_rng([seed, len(clicks)]).random() * below[-1]
    last = np.flatnonzero(weights)[-1:].sum()  # where rounding carries the draw past the end
    return _click_at(min(np.searchsorted(below, drawn, side="right"), last), weights, truth)


def _without(depths: np.ndarray, clicks: Clicks) -> np.ndarray:
    """Set the depth of every pixel that was clicked already to 0, in place."""
    for click in clicks:
        depths[click.row, click.col] = 0
    return depths


def _click_at(index: np.intp, depths: np.ndarray, truth: np.ndarray) -> Click | None:
    row, col = np.unravel_index(index, depths.shape)
    return Click(row, col, bool(truth[row, col])) if depths[row, col] > 0 else None


ROBOTS: dict[str, Robot] = {"center": center, "geodesic": geodesic}


@dataclass(frozen=True)
class Trajectory:
    """What happened when a robot used a method on one object.

    Parameters
    ----------
    clicks : Clicks
        The robot's clicks.
    ious : tuple of float
        IoU after each of them.
    ms_prepare : float
        Milliseconds the photo's preparation took.
    ms_clicks : tuple of float
        Milliseconds each answer took.
    mask : np.ndarray
        ``(H, W) bool``: what was shown in the end.
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
    content: float = math.inf,
    least: int = 0,
) -> Trajectory:
    """Let a robot use a method until it has no clicks left or nothing is left to correct.

    A method that needs clicks of both kinds shows no more than the positive discs until it has
    them, so a robot that always corrects the largest error would click the object for ever. For
    such methods (``needs_negative`` in the registry), and for them alone, the robot therefore
    places the *second* click as if the answer were the whole image: on the background.

    Parameters
    ----------
    segmenter : Segmenter
        The method; one whose class is not registered counts as answering from the first click.
    image : image
        Anything :func:`tutorial_lib.images.as_rgb` takes.
    truth : np.ndarray
        ``(H, W) bool``, the known mask.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that neither count nor are clicked.
    robot : str or callable
        A name in :data:`ROBOTS`, or a function with the arguments of :func:`center`.
    max_clicks : int
        Number of clicks at most.
    seed : int
        Seed of the robot.
    content : float
        Stop as soon as this IoU is reached: what comes after it does not change a number of clicks.
    least : int
        But not before so many clicks are made.

    Returns
    -------
    Trajectory
        Clicks, IoU from the first click on, times, and the last mask.

    Raises
    ------
    ValueError
        If there is no robot of that name; the text lists those there are.
    MethodError
        If an answer does not have the shape of ``truth``; the text names the method.
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
        if ious[-1] >= content and len(clicks) >= least:
            break
    return Trajectory(clicks, tuple(ious), ms_prepare, tuple(times), mask)


def robot_named(robot: str | Robot) -> Robot:
    """Return the robot of a name; a function is returned as it is.

    Raises
    ------
    ValueError
        If there is no robot of that name; the text lists those there are.
    """
    if not isinstance(robot, str):
        return robot
    if robot not in ROBOTS:
        raise ValueError(f"The robots are {' and '.join(ROBOTS)}; there is no {robot!r}.")
    return ROBOTS[robot]
