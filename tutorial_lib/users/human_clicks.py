"""A simulated user who clicks as people do: near the middle of an error, but not exactly there.

The robots of the two papers are too exact (``center``) or too careless (``geodesic``). Antonov et
al. collected 475,544 clicks of people and found that people seldom click the middle of the largest
error. In their benchmark, methods need 6 to 29 % more clicks for such users than for the robot
``center``.

The model here has four parameters, :class:`HumanClicks`:

- ``concentration``: people prefer deep pixels. The click falls on pixel p of the chosen error with
  probability ``d(p) ** concentration / sum over q of d(q) ** concentration``, where d is the depth
  of a pixel in the error. With 0, all pixels are equally likely. With 1, it is the rule of Latent
  Diversity (Eq. 8). The larger the exponent, the closer the robot comes to ``center``. The spread
  grows with the size of the error, because only ratios of depths count.
- ``elsewhere``: sometimes people correct another error than the one with the deepest pixel.
- ``outside`` and ``reach``: sometimes people miss the error by a little. The click keeps the label
  that was meant. So it can be wrong.

References
----------
Antonov et al., RClicks: Realistic Click Simulation for Benchmarking Interactive Segmentation,
NeurIPS 2024.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.users.region_depth import depth, without_clicked

_NO_CLICKS = Clicks()
MIN_REACH = 2.0  # pixels: a person can miss even the smallest error by this much


@dataclass(frozen=True)
class HumanClicks:
    """How a person clicks.

    Parameters
    ----------
    concentration : float
        Exponent of the depth, at least 0. The default of 2 is fitted to published figures of
        people's clicks: see the notes.
    elsewhere : float
        Probability of another error than the one with the deepest pixel, if there are several.
    outside : float
        Probability of a click just outside the chosen error.
    reach : float
        How far outside the error such a click can be, as a share of the error's depth. At least
        :data:`MIN_REACH` pixels are always possible.

    Raises
    ------
    ValueError
        If a parameter is negative or not finite, or a probability is above 1.

    Notes
    -----
    Antonov et al. (Table 6 of the appendix) report how dense two distributions are where people
    clicked, on average: one that is uniform in the error, and one that is proportional to depth.
    The second is denser by the factor 1.91 on GrabCut, 1.78 on Berkeley, 1.86 on DAVIS and 1.42 on
    COCO. For first clicks on the masks of the same datasets, this model has the same factors at the
    exponents in ``assets/results/human_clicks.json``; their mean, rounded, is the default of
    ``concentration``. The paper gives no figure for the other three parameters. Their defaults
    are assumptions. All but ``reach`` can be fitted to clicks of your own:
    :func:`tutorial_lib.users.fitting.fit_human`.
    """

    concentration: float = 2.0
    elsewhere: float = 0.1
    outside: float = 0.02
    reach: float = 0.2

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"The parameter {field.name} is at least 0, not {value}.")
        for name in ("elsewhere", "outside"):
            if getattr(self, name) > 1:
                raise ValueError(f"The probability {name} is at most 1, not {getattr(self, name)}.")


HABITS = HumanClicks()


@dataclass(frozen=True, eq=False)
class ErrorRegions:
    """The errors that a person sees, as connected regions.

    Parameters
    ----------
    labels : np.ndarray
        ``(H, W) int32``: the number of each pixel's error, from 1; 0 where nothing is wrong.
    depths : np.ndarray
        ``(H, W) float64``: the depth of each pixel in its error, in pixels. 0 at earlier clicks
        and strokes.
    """

    labels: np.ndarray
    depths: np.ndarray

    @classmethod
    def of(
        cls, mask: np.ndarray, truth: np.ndarray, ignore: np.ndarray | None, clicks: Clicks
    ) -> ErrorRegions:
        """Find the errors of an answer. Before the first click, the object is the only error.

        Missed object and false object are separate regions, even where they touch.

        Parameters
        ----------
        mask, truth : np.ndarray
            ``(H, W) bool``: the current answer, and the known mask.
        ignore : np.ndarray or None
            ``(H, W) bool``: pixels that are no errors.
        clicks : Clicks
            The clicks so far.

        Returns
        -------
        ErrorRegions
            Regions and depths.
        """
        counted = np.ones_like(truth, dtype=bool) if ignore is None else ~ignore
        missed = truth & counted & ~mask if len(clicks) else truth & counted
        false = mask & counted & ~truth if len(clicks) else np.zeros_like(missed)
        count, labels = cv2.connectedComponents(missed.astype(np.uint8))
        more = cv2.connectedComponents(false.astype(np.uint8))[1]
        labels[false] = more[false] + count - 1
        return cls(labels, without_clicked(depth(missed) + depth(false), clicks))

    def volumes(self) -> np.ndarray:
        """Return the sum of depths of each region: ``(n + 1,) float64``; entry 0 is 0."""
        return np.bincount(self.labels.ravel(), self.depths.ravel())

    def deepest(self) -> int:
        """Return the number of the region with the deepest pixel; 0 if no pixel can be clicked."""
        return int(self.labels.flat[self.depths.argmax()]) if self.depths.any() else 0

    def pixels(self, region: int) -> np.ndarray:
        """Return the flat indices of a region's pixels that can be clicked."""
        return np.flatnonzero((self.labels == region) & (self.depths > 0))

    def around(self, region: int, reach: float) -> np.ndarray:
        """Return ``(H, W) bool``: the pixels outside a region, but within reach of it.

        Parameters
        ----------
        region : int
            Number of the region.
        reach : float
            As a share of the region's depth; :data:`MIN_REACH` pixels at least.
        """
        inside = self.labels == region
        distance = depth(~inside, border=False)
        return ~inside & (distance <= max(MIN_REACH, reach * self.depths[inside].max()))


def human(
    mask: np.ndarray,
    truth: np.ndarray,
    ignore: np.ndarray | None = None,
    clicks: Clicks = _NO_CLICKS,
    seed: int = 0,
    habits: HumanClicks = HABITS,
) -> Click | None:
    """Click near the middle of an error, as people do.

    The robot chooses an error, mostly the one with the deepest pixel. It draws a pixel of that
    error, where deep pixels are more likely. Seldom it misses the error by a little.

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
    habits : HumanClicks
        How this person clicks.

    Returns
    -------
    Click or None
        None if there is no error left to click. The label is the one that the chosen error needs,
        also if the click misses it.

    References
    ----------
    Antonov et al., RClicks, NeurIPS 2024, is where people's clicks were studied. The module says
    what this model takes from it.

    Examples
    --------
    >>> truth = np.zeros((40, 40), dtype=bool)
    >>> truth[5:35, 5:35] = True
    >>> exact = HumanClicks(concentration=1000, elsewhere=0, outside=0)
    >>> human(truth & False, truth, habits=exact).positive
    True
    """
    errors = ErrorRegions.of(mask, truth, ignore, clicks)
    region = errors.deepest()
    if not region:
        return None
    rng = np.random.default_rng([seed, len(clicks)])
    others = errors.volumes()
    others[region] = 0
    if rng.random() < habits.elsewhere and others.any():
        region = int(rng.choice(others.size, p=others / others.sum()))
    places = errors.pixels(region)
    positive = bool(truth.flat[places[0]])
    shares = errors.depths.flat[places]
    weights = (shares / shares.max()) ** habits.concentration
    if rng.random() < habits.outside:
        beside = _beside(errors.around(region, habits.reach), ignore, clicks)
        if beside.size:
            places, weights = beside, np.ones(beside.size)
    row, col = np.unravel_index(rng.choice(places, p=weights / weights.sum()), truth.shape)
    return Click(row, col, positive)


def _beside(around: np.ndarray, ignore: np.ndarray | None, clicks: Clicks) -> np.ndarray:
    """Return the flat indices of pixels beside an error that can be clicked."""
    if ignore is not None:
        around = around & ~ignore
    return np.flatnonzero(without_clicked(around, clicks))
