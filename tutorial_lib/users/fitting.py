"""Fit the simulated user ``human`` to clicks of people.

Every click of a person is compared with the errors that the person saw:
:func:`observe`. Of each click only a few numbers are kept, so a class can have thousands of clicks.
:func:`fit_human` then gives the parameters under which these clicks are most likely. Each has its
own maximum:

- ``concentration`` decides where in an error a click falls. Its log-likelihood is concave, so there
  is one maximum. There, the mean of log depth over the clicks is its mean under the model.
- ``elsewhere`` is the share of clicks on another error than the deepest, where there are several.
- ``outside`` is the share of clicks that miss an error by at most ``reach``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
from scipy.optimize import brentq

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.users.human_clicks import HABITS, ErrorRegions, HumanClicks
from tutorial_lib.users.robots import robot_label

Place = Literal["deepest", "elsewhere", "outside", "unexplained"]
MIN_CLICKS = 10  # fewer clicks on errors than this say nothing
MAX_CONCENTRATION = 100.0  # as exact as the robot ``center``, for any error of a photo's size


@dataclass(frozen=True, eq=False)
class ObservedClick:
    """What one click of a person says about the model.

    Parameters
    ----------
    place : str
        ``"deepest"`` or ``"elsewhere"``: on the error with the deepest pixel, or on another one.
        ``"outside"``: beside an error that needs this label. ``"unexplained"``: far from all such
        errors.
    regions : int
        Number of errors that the person saw.
    log_depth : float
        Log of the depth at the click, relative to the deepest pixel of its error, at most 0; 0 if
        the click is on no error.
    levels, counts : np.ndarray
        ``(n,)``: the values of log depth that occur in this error, and how many pixels have each.
    """

    place: Place
    regions: int
    log_depth: float
    levels: np.ndarray
    counts: np.ndarray


def observe(
    mask: np.ndarray,
    truth: np.ndarray,
    ignore: np.ndarray | None,
    clicks: Clicks,
    click: Click,
    reach: float = HABITS.reach,
) -> ObservedClick:
    """Compare one click of a person with the errors that the person saw.

    Parameters
    ----------
    mask, truth : np.ndarray
        ``(H, W) bool``: the answer that the person saw, and the known mask.
    ignore : np.ndarray or None
        ``(H, W) bool``: pixels that are no errors.
    clicks : Clicks
        The clicks before this one.
    click : Click
        The person's click.
    reach : float
        How far outside an error a click still belongs to it, as in
        :class:`~tutorial_lib.users.human_clicks.HumanClicks`.

    Returns
    -------
    ObservedClick
        What the click says.
    """
    errors = ErrorRegions.of(mask, truth, ignore, clicks)
    count = int((errors.volumes() > 0).sum())
    region = int(errors.labels[click.row, click.col])
    deep = errors.depths[click.row, click.col]
    nothing = np.zeros(0)
    if region and deep > 0 and truth[click.row, click.col] == click.positive:
        depths, counts = np.unique(errors.depths.flat[errors.pixels(region)], return_counts=True)
        place: Place = "deepest" if region == errors.deepest() else "elsewhere"
        log_depth = float(np.log(deep / depths[-1]))
        return ObservedClick(place, count, log_depth, np.log(depths / depths[-1]), counts)
    near = _is_beside(errors, truth, click, reach)
    return ObservedClick("outside" if near else "unexplained", count, 0.0, nothing, nothing)


def _is_beside(errors: ErrorRegions, truth: np.ndarray, click: Click, reach: float) -> bool:
    """Whether a click is beside an error that needs its label."""
    needing = [
        region
        for region in np.flatnonzero(errors.volumes())
        if truth.flat[errors.pixels(region)[0]] == click.positive
    ]
    return any(errors.around(region, reach)[click.row, click.col] for region in needing)


@dataclass(frozen=True)
class HumanFit:
    """What people's clicks say about the parameters of the robot ``human``.

    Parameters
    ----------
    habits : HumanClicks
        The most likely parameters. ``reach`` is not fitted.
    intervals : dict of str to (float, float)
        95 % interval of each fitted parameter, as if all clicks were independent.
    clicks : int
        Number of clicks that the model can explain.
    unexplained : int
        Number of other clicks, far from all errors that need their label. They are left out.
    """

    habits: HumanClicks
    intervals: dict[str, tuple[float, float]]
    clicks: int
    unexplained: int


def fit_human(observed: Iterable[ObservedClick], reach: float = HABITS.reach) -> HumanFit:
    """Find the parameters under which people's clicks are most likely.

    Parameters
    ----------
    observed : iterable of ObservedClick
        Clicks, from :func:`observe`.
    reach : float
        What they were observed with.

    Returns
    -------
    HumanFit
        Parameters and intervals. ``elsewhere`` keeps its default if nobody ever saw two errors.

    Raises
    ------
    ValueError
        If there are fewer than :data:`MIN_CLICKS` clicks on errors.
    """
    everything = list(observed)
    explained = [one for one in everything if one.place != "unexplained"]
    inside = [one for one in explained if one.place != "outside"]
    if len(inside) < MIN_CLICKS:
        raise ValueError(
            f"A fit needs at least {MIN_CLICKS} clicks on errors, but there are {len(inside)}; "
            "collect more logs, or check that the known masks belong to them."
        )
    concentration, between = _concentration(inside)
    several = [one.place == "elsewhere" for one in inside if one.regions > 1]
    missed = [one.place == "outside" for one in explained]
    habits = replace(
        HABITS, concentration=concentration, outside=float(np.mean(missed)), reach=reach
    )
    intervals = {"concentration": between, "outside": share_interval(sum(missed), len(missed))}
    if several:
        habits = replace(habits, elsewhere=float(np.mean(several)))
        intervals["elsewhere"] = share_interval(sum(several), len(several))
    return HumanFit(habits, intervals, len(explained), len(everything) - len(explained))


def _concentration(inside: list[ObservedClick]) -> tuple[float, tuple[float, float]]:
    """Return the most likely exponent, and its 95 % interval from the curvature there."""

    def moments(exponent: float) -> tuple[float, float]:
        """Return how far observed log depths lie above the expected ones, and their variance."""
        excess = variance = 0.0
        for one in inside:
            weights = one.counts * np.exp(exponent * one.levels)
            weights /= weights.sum()
            mean = weights @ one.levels
            excess += one.log_depth - mean
            variance += weights @ (one.levels - mean) ** 2
        return excess, variance

    low, high = 0.0, MAX_CONCENTRATION
    if moments(low)[0] <= 0:
        best = low
    elif moments(high)[0] >= 0:
        best = high
    else:
        best = float(brentq(lambda exponent: moments(exponent)[0], low, high, xtol=1e-4))
    variance = moments(best)[1]
    error = 1.96 / np.sqrt(variance) if variance > 0 else high
    return best, (float(max(low, best - error)), float(min(high, best + error)))


def share_interval(hits: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Return the interval of a share by Wilson's formula, which also holds near 0 and 1.

    Parameters
    ----------
    hits, trials : int
        How often something happened, and how often it could have.
    z : float
        Quantile of the normal distribution; 1.96 gives 95 %.

    Returns
    -------
    low, high : float
        The ends of the interval.

    References
    ----------
    Wilson, Probable inference, the law of succession, and statistical inference, JASA 22, 1927.
    """
    share = hits / trials
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))


def fit_lines(observed: Iterable[ObservedClick]) -> Iterable[str]:
    """Fit the robot to people's clicks, and report the result line by line.

    Parameters
    ----------
    observed : iterable of ObservedClick
        As for :func:`fit_human`.

    Yields
    ------
    str
        A table of parameters, a count of clicks, and the robot as ``evaluate`` takes it.
    """
    found = fit_human(observed)
    yield f"{'parameter':<15}{'default':>8}{'fitted':>8}   95 % interval"
    for name, default in asdict(HABITS).items():
        between = found.intervals.get(name)
        words = "not fitted" if between is None else f"{between[0]:.3f} to {between[1]:.3f}"
        yield f"{name:<15}{default:>8.3f}{getattr(found.habits, name):>8.3f}   {words}"
    yield f"{found.clicks} clicks; {found.unexplained} others were far from any error."
    yield f'Use it: evaluate --robot "{robot_label(found.habits)}"'
