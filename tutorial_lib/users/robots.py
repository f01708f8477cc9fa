"""Simulated users: the next click of a user who knows the answer.

Two robots are those of the two papers. The third clicks as people do
(:mod:`~tutorial_lib.users.human_clicks`). All are pure functions: the same masks, clicks and seed
give the same click. They see the known mask, but neither the photo nor the method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import numpy as np

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.options import label, options_of
from tutorial_lib.users.human_clicks import HumanClicks, human
from tutorial_lib.users.region_depth import depth, without_clicked

Robot = Callable[..., Click | None]
NO_CLICKS = Clicks()


def center(
    mask: np.ndarray,
    truth: np.ndarray,
    ignore: np.ndarray | None = None,
    clicks: Clicks = NO_CLICKS,
    seed: int = 0,
) -> Click | None:
    """Click the deepest pixel of all errors, as the robot of Deep Object Selection does.

    Missed object and false object are separate regions, even where they touch. The deepest
    mislabelled pixel is clicked: the one farthest from the boundary of its region. Ties go to the
    uppermost pixel, then to the leftmost.

    Parameters
    ----------
    mask, truth : np.ndarray
        ``(H, W) bool``: the current answer, and the known mask.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that are neither errors nor clicked.
    clicks : Clicks
        The clicks so far; their pixels are not clicked again.
    seed : int
        Not used: this robot is deterministic.

    Returns
    -------
    Click or None
        None if there is no error left to click.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.5.
    """
    counted = np.ones_like(truth, dtype=bool) if ignore is None else ~ignore
    depths = depth(truth & ~mask & counted) + depth(mask & ~truth & counted)  # disjoint regions
    return _click_at(np.argmax(without_clicked(depths, clicks)), depths, truth)


def geodesic(
    mask: np.ndarray,
    truth: np.ndarray,
    ignore: np.ndarray | None = None,
    clicks: Clicks = NO_CLICKS,
    seed: int = 0,
) -> Click | None:
    """Draw a mislabelled pixel at random, as the robot of Latent Diversity does.

    ``P(p; O') = d(p, boundary of O') / sum over q in O' of d(q, boundary of O')``

    A deeper pixel is more likely. O' is the set of mislabelled pixels; for the first click it is
    the object, so that the first click is positive. The function
    :func:`~tutorial_lib.users.region_depth.depth` gives d and explains why it needs no search along
    paths.

    Parameters
    ----------
    mask, truth : np.ndarray
        ``(H, W) bool``: the current answer, and the known mask.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that are neither errors nor clicked.
    clicks : Clicks
        The clicks so far; their pixels are not clicked again.
    seed : int
        Seed of the draw. The number of clicks is part of it, so one seed serves a whole sequence.

    Returns
    -------
    Click or None
        None if there is no error left to click.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, Eq. 8.
    """
    region = (mask != truth) if len(clicks) else truth.copy()
    if ignore is not None:
        region &= ~ignore
    weights = without_clicked(depth(region), clicks)
    below = np.cumsum(weights)
    drawn = np.random.default_rng([seed, len(clicks)]).random() * below[-1]
    last = np.flatnonzero(weights)[-1:].sum()  # rounding can carry the draw past the end
    return _click_at(min(np.searchsorted(below, drawn, side="right"), last), weights, truth)


def _click_at(index: np.intp, depths: np.ndarray, truth: np.ndarray) -> Click | None:
    row, col = np.unravel_index(index, depths.shape)
    return Click(row, col, bool(truth[row, col])) if depths[row, col] > 0 else None


ROBOTS: dict[str, Robot] = {"center": center, "geodesic": geodesic, "human": human}
_HABITS = options_of(HumanClicks, "The robot 'human'", "The option {} of the robot 'human'")


def robot_named(robot: str | Robot) -> Robot:
    """Return the robot of a name; a function is returned as it is.

    Parameters
    ----------
    robot : str or callable
        A name in :data:`ROBOTS`, or a robot of your own. Options can follow the name ``human``:
        parameters of :class:`~tutorial_lib.users.human_clicks.HumanClicks`, as in
        ``"human concentration=1.5 outside=0"``.

    Returns
    -------
    callable
        The robot.

    Raises
    ------
    ValueError
        If there is no robot of that name, or an option is wrong; the message lists the robots or
        names the option.

    Examples
    --------
    >>> robot_named("human outside=0").keywords["habits"].outside
    0.0
    """
    if not isinstance(robot, str):
        return robot
    name, *texts = robot.split() or [robot]
    if name not in ROBOTS:
        *others, last = ROBOTS
        raise ValueError(f"The robots are {', '.join(others)} and {last}; there is no {name!r}.")
    if not texts:
        return ROBOTS[name]
    if name != "human":
        raise ValueError(f"The robot {name!r} has no options; only 'human' has some.")
    return partial(human, habits=HumanClicks(**_HABITS.read(texts)))


def robot_label(habits: HumanClicks) -> str:
    """Return the robot ``human`` with all its options as one text.

    Parameters
    ----------
    habits : HumanClicks
        How the person clicks.

    Returns
    -------
    str
        What :func:`robot_named` reads, to three decimals.

    Examples
    --------
    >>> robot_label(HumanClicks(concentration=1.5))
    'human concentration=1.5 elsewhere=0.1 outside=0.02 reach=0.2'
    """
    return label("human", {name: round(value, 3) for name, value in asdict(habits).items()})
