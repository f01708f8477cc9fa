"""Random clicks for training networks: the strategies of Xu et al. (DOS, section 3.2).

This user never sees an answer. It clicks at random on the object, and outside it by one of three
strategies. All functions are pure. A ``seed`` is an integer or a ``numpy.random.Generator``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np

from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.users.region_depth import depth

Seed: TypeAlias = "int | np.random.Generator"
STRATEGIES = (1, 2, 3)


@dataclass(frozen=True)
class Sampling:
    """The settings of the random clicks: numbers, and distances in pixels.

    All numbers are from the paper (section 4.1), except the last two: the paper gives no values for
    d_step and d_margin. These are the values of FocusCut's released code for positive clicks (Lin
    et al., CVPR 2022). One of each is drawn for every set of clicks.

    Parameters
    ----------
    distance : int
        d: background clicks lie closer to the object than this, in pixels.
    positives : int
        Npos: positive clicks at most; at least one is made.
    background : int
        Nneg1: clicks of strategy 1 at most.
    per_object : int
        Nneg2: clicks of strategy 2 on each other object at most.
    around : int
        Nneg3: clicks of strategy 3, exactly.
    pairs : int
        Npairs: training pairs of one object.
    steps : tuple of int
        Possible values of d_step: the least distance between clicks of a set, in pixels.
    margins : tuple of int
        Possible values of d_margin: the least distance to the boundary, in pixels. ``margins`` and
        ``steps`` can also be one number.

    Raises
    ------
    ValueError
        If a number is too small for its meaning.
    """

    distance: int = 40
    positives: int = 5
    background: int = 10
    per_object: int = 5
    around: int = 10
    pairs: int = 15
    steps: tuple[int, ...] = (7, 10, 20)
    margins: tuple[int, ...] = (5, 10, 15, 20)

    def __post_init__(self) -> None:
        for field in fields(self):
            value, several = getattr(self, field.name), isinstance(field.default, tuple)
            if several:
                value = tuple(np.atleast_1d(value).tolist())
                object.__setattr__(self, field.name, value)
            least = {"distance": 2, "positives": 1}.get(field.name, 0)
            if min(value, default=-1) < least if several else value < least:
                must = "holds numbers that are" if several else "is"
                raise ValueError(
                    f"The setting {field.name} {must} at least {least}, not {value!r}."
                )


PAPER = Sampling()


def surroundings(
    truth: np.ndarray, distance: float = PAPER.distance, ignore: np.ndarray | None = None
) -> np.ndarray:
    """Return the background near an object, the paper's set G^c.

    ``G = { p : p in O or f(p | O) >= d }``, with f the distance to the nearest pixel of O

    Parameters
    ----------
    truth : np.ndarray
        ``(H, W) bool``: the object O.
    distance : float
        d, in pixels.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that belong to neither.

    Returns
    -------
    np.ndarray
        ``(H, W) bool``; empty where the object fills the image.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.2.
    """
    truth, ignore = _checked(truth, ignore)
    return ~truth & ~ignore & (depth(~truth, border=False) < distance)


def positive_clicks(
    truth: np.ndarray,
    seed: Seed = 0,
    *,
    ignore: np.ndarray | None = None,
    sampling: Sampling = PAPER,
) -> Clicks:
    """Click the object at random, 1 to Npos times.

    The distance between clicks is at least d_step, and the distance to the object's boundary at
    least d_margin; the image border is no boundary. If the object is too thin for the margin, its
    deepest pixels are clicked, so even an object of one pixel gets a click. A small object gets
    fewer clicks.

    Parameters
    ----------
    truth : np.ndarray
        ``(H, W) bool``: the object.
    seed : int or np.random.Generator
        Seed, or generator, of all random draws.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that are never clicked.
    sampling : Sampling
        Npos, d_step and d_margin.

    Returns
    -------
    Clicks
        At least one, all positive.

    Raises
    ------
    ValueError
        If a mask has another shape, or the object has no pixel to click.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.2.
    """
    truth, ignore = _checked(truth, ignore)
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, sampling.positives, endpoint=True))
    inside = depth(truth, border=False)
    return _clicks(_scatter(truth & ~ignore, inside, count, rng, sampling), True)


def clicks_near(
    truth: np.ndarray,
    seed: Seed = 0,
    *,
    ignore: np.ndarray | None = None,
    sampling: Sampling = PAPER,
) -> Clicks:
    """Click the background near the object at random, 0 to Nneg1 times: strategy 1.

    The clicks lie in :func:`surroundings`, at least d_margin from the object and d_step from each
    other. If all background is nearer than the margin, its farthest pixels are clicked. Without
    background there are no clicks.

    Parameters
    ----------
    truth, seed, ignore
        As for :func:`positive_clicks`.
    sampling : Sampling
        d, Nneg1, d_step and d_margin.

    Returns
    -------
    Clicks
        All negative; may be empty.

    Raises
    ------
    ValueError
        If a mask has another shape, or the object has no pixel to click.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.2.
    """
    truth, ignore = _checked(truth, ignore)
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, sampling.background, endpoint=True))
    outside = depth(~truth, border=False)
    ring = ~truth & ~ignore & (outside < sampling.distance)
    return _clicks(_scatter(ring, outside, count, rng, sampling), False)


def clicks_on_others(
    truth: np.ndarray,
    others: Iterable[np.ndarray],
    seed: Seed = 0,
    *,
    ignore: np.ndarray | None = None,
    sampling: Sampling = PAPER,
) -> Clicks:
    """Click every other object of the photo at random, 0 to Nneg2 times each: strategy 2.

    Another object can contain this one, as a house contains its door. Only its pixels outside this
    object are clicked, with the margin to the boundary between the two. Without other objects there
    are no clicks.

    Parameters
    ----------
    truth, seed, ignore
        As for :func:`positive_clicks`.
    others : iterable of np.ndarray
        ``(H, W) bool`` each: the negative objects.
    sampling : Sampling
        Nneg2, d_step and d_margin.

    Returns
    -------
    Clicks
        All negative; may be empty.

    Raises
    ------
    ValueError
        If a mask has another shape, or the object has no pixel to click.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.2.
    """
    truth, ignore = _checked(truth, ignore)
    rng = np.random.default_rng(seed)
    points = [np.empty((0, 2), dtype=np.int64)]
    for other in others:
        region = _same_shape("Another object's mask", other, truth) & ~truth
        count = int(rng.integers(0, sampling.per_object, endpoint=True))
        inside = depth(region, border=False)
        points.append(_scatter(region & ~ignore, inside, count, rng, sampling))
    return _clicks(np.concatenate(points), False)


def clicks_around(
    truth: np.ndarray,
    seed: Seed = 0,
    *,
    ignore: np.ndarray | None = None,
    sampling: Sampling = PAPER,
) -> Clicks:
    """Click Nneg3 times so that the clicks surround the object: strategy 3.

    The first click is random in :func:`surroundings`, each further one is the pixel there that is
    farthest from all earlier clicks S0 and from G:

    ``p_next = argmax over p in G^c of f(p | S0 and G together)``    (Eq. 2)

    Around a smooth object nearly all pixels halfway between object and d are maxima, until the
    clicks are closer to each other than to G. The paper does not mention ties. Here the pixel
    farthest from S0 wins, of all pixels within one pixel of the maximum. So the clicks surround the
    object evenly.

    Parameters
    ----------
    truth, seed, ignore
        As for :func:`positive_clicks`.
    sampling : Sampling
        d and Nneg3.

    Returns
    -------
    Clicks
        All negative; fewer than Nneg3 only where there are fewer pixels to click.

    Raises
    ------
    ValueError
        If a mask has another shape, or the object has no pixel to click.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.2, Eq. 2.
    """
    truth, ignore = _checked(truth, ignore)
    rng = np.random.default_rng(seed)
    near = ~truth & (depth(~truth, border=False) < sampling.distance)
    rows, cols = np.nonzero(near & ~ignore)
    count = min(sampling.around, len(rows))
    to_g = np.rint(depth(near, border=False)[rows, cols] ** 2)
    to_clicks = np.full(len(rows), np.inf, dtype=np.float32)
    chosen: list[int] = []
    while len(chosen) < count:
        place = _farthest(to_g, to_clicks) if chosen else int(rng.integers(len(rows)))
        chosen.append(place)
        squared = (rows - rows[place]) ** 2 + (cols - cols[place]) ** 2
        np.minimum(to_clicks, squared, out=to_clicks)
    return _clicks(np.stack([rows[chosen], cols[chosen]], axis=1), False)


def sample_clicks(
    truth: np.ndarray,
    others: Iterable[np.ndarray] = (),
    seed: Seed = 0,
    *,
    strategy: int | None = None,
    ignore: np.ndarray | None = None,
    sampling: Sampling = PAPER,
) -> Clicks:
    """Simulate the clicks of one user on one object: positive ones, then those of a strategy.

    Parameters
    ----------
    truth, seed, ignore
        As for :func:`positive_clicks`.
    others : iterable of np.ndarray
        ``(H, W) bool`` each: the photo's other objects, for strategy 2. If there are none,
        strategy 2 gives positive clicks only, which a network has to handle too (section 3.1).
    strategy : {1, 2, 3}, optional
        Which strategy the negative clicks follow; if not given, each with equal probability.
    sampling : Sampling
        All numbers.

    Returns
    -------
    Clicks
        At least one positive click.

    Raises
    ------
    ValueError
        If there is no such strategy, a mask has another shape or the object no pixel to click.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.2.
    """
    if strategy is not None and strategy not in STRATEGIES:
        raise ValueError(f"The strategies are 1, 2 and 3; there is no {strategy!r}.")
    rng = np.random.default_rng(seed)
    chosen = strategy or int(rng.choice(STRATEGIES))
    options = {"ignore": ignore, "sampling": sampling}
    clicks = positive_clicks(truth, rng, **options)
    if chosen == 1:
        negatives = clicks_near(truth, rng, **options)
    elif chosen == 2:
        negatives = clicks_on_others(truth, others, rng, **options)
    else:
        negatives = clicks_around(truth, rng, **options)
    return Clicks([*clicks, *negatives])


def training_pairs(
    image: np.ndarray,
    truth: np.ndarray,
    others: Sequence[np.ndarray] = (),
    seed: Seed = 0,
    *,
    ignore: np.ndarray | None = None,
    sampling: Sampling = PAPER,
) -> Iterator[tuple[np.ndarray, Clicks]]:
    """Yield the Npairs training pairs of one object: the image, and a user's clicks.

    Parameters
    ----------
    image : np.ndarray
        ``(H, W, 3) uint8``.
    truth, others, seed, ignore, sampling
        As for :func:`sample_clicks`.

    Yields
    ------
    image : np.ndarray
        The same array each time, not a copy.
    clicks : Clicks
        Other clicks each time; the label of every pair is ``truth``.

    Raises
    ------
    ValueError
        If a mask has another shape, or the object has no pixel to click.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 3.2.
    """
    _same_shape("The object's mask", truth, np.asarray(image)[..., 0])
    rng = np.random.default_rng(seed)
    for _ in range(sampling.pairs):
        yield image, sample_clicks(truth, others, rng, ignore=ignore, sampling=sampling)


def _checked(truth: np.ndarray, ignore: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return both masks as bool, or raise an error."""
    truth = np.asarray(truth)
    if truth.ndim != 2:
        raise ValueError(f"An object's mask has shape (H, W), not {truth.shape}.")
    truth = truth.astype(bool)
    if ignore is None:
        ignore = np.zeros_like(truth)
    ignore = _same_shape("The mask of ignored pixels", ignore, truth)
    if not (truth & ~ignore).any():
        raise ValueError("The object has no pixel to click: its mask is empty or all ignored.")
    return truth, ignore


def _same_shape(what: str, mask: np.ndarray, truth: np.ndarray) -> np.ndarray:
    mask = np.asarray(mask)
    if mask.shape != truth.shape:
        raise ValueError(f"{what} must have shape {truth.shape}, not {mask.shape}.")
    return mask.astype(bool)


def _scatter(
    region: np.ndarray,
    depths: np.ndarray,
    count: int,
    rng: np.random.Generator,
    sampling: Sampling,
) -> np.ndarray:
    """Draw up to ``count`` pixels of a region, spaced and deep enough: ``(n, 2) int64``."""
    step, margin = int(rng.choice(sampling.steps)), int(rng.choice(sampling.margins))
    deepest = depths.max(where=region, initial=0)
    free = np.argwhere(region & (depths >= min(margin, deepest)))
    chosen = np.empty((0, 2), dtype=np.int64)
    while len(chosen) < count and len(free):
        point = free[rng.integers(len(free))]
        chosen = np.concatenate([chosen, point[None]])
        squared = ((free - point) ** 2).sum(axis=1)
        free = free[squared >= max(1, step) ** 2]  # never the same pixel twice
    return chosen


def _farthest(to_g: np.ndarray, to_clicks: np.ndarray) -> int:
    """Return, of all pixels within one pixel of Eq. 2's maximum, the farthest from the clicks."""
    nearest = np.minimum(to_g, to_clicks)
    close = np.sqrt(nearest) >= np.sqrt(nearest.max()) - 1
    close &= to_clicks > 0
    return int(np.argmax(np.where(close, to_clicks, -1)))


def _clicks(points: np.ndarray, positive: bool) -> Clicks:
    return Clicks(Click(int(row), int(col), positive) for row, col in points)
