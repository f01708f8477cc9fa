"""Metrics: IoU of masks, disagreement of candidates, number of clicks (NoC), and curves."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

THRESHOLDS = (85, 90)  # percent IoU, as both papers report


def iou(mask: np.ndarray, truth: np.ndarray, ignore: np.ndarray | None = None) -> float:
    """Return the intersection over union (IoU) of two masks.

    Parameters
    ----------
    mask, truth : np.ndarray
        ``(H, W) bool``.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that do not count, such as the unlabelled band of GrabCut masks.

    Returns
    -------
    float
        Between 0 and 1. The IoU of two empty masks is 1.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> iou(np.array([[True, True]]), np.array([[True, False]]))
    0.5
    """
    if mask.shape != truth.shape:
        raise ValueError(f"The mask has shape {mask.shape}, the known mask {truth.shape}.")
    mask, truth = mask.astype(bool), truth.astype(bool)
    counted = np.ones_like(truth) if ignore is None else ~ignore.astype(bool)
    union = ((mask | truth) & counted).sum()
    return float((mask & truth & counted).sum() / union) if union else 1.0


def disagreement(candidates: np.ndarray) -> np.ndarray:
    """Return the disagreement of candidates at each pixel: four times their variance.

    ``4 * mean((p - mean(p)) ** 2)`` over the candidates. The value is 0 where all candidates have
    the same probability. It is 1 where half of them are 0 and the other half are 1. For binary
    masks, it is ``4 * q * (1 - q)``, where q is the share of candidates that label the pixel as
    object.

    Parameters
    ----------
    candidates : np.ndarray
        ``(M, H, W)`` probabilities in [0, 1], or bool.

    Returns
    -------
    np.ndarray
        ``(H, W) float32`` in [0, 1].

    Raises
    ------
    ValueError
        If there is no candidate, or the array does not have three dimensions.
    """
    if candidates.ndim != 3 or not len(candidates):
        raise ValueError(f"Candidates are (M, H, W) with M at least 1, not {candidates.shape}.")
    variance = candidates.astype(np.float32, copy=False).var(axis=0)
    return np.clip(4 * variance, 0, 1)


def clicks_to_reach(ious: Sequence[float], threshold: float, maximum: int = 20) -> int:
    """Count the clicks until the IoU first reaches a threshold: the NoC of one object.

    Parameters
    ----------
    ious : sequence of float
        The IoU after click 1, 2, ... Entries beyond ``maximum`` do not count.
    threshold : float
        The IoU to reach, such as 0.85.
    maximum : int
        The result if the threshold is never reached.

    Returns
    -------
    int
        Between 1 and ``maximum``.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 4.1.

    Examples
    --------
    >>> clicks_to_reach([0.5, 0.86, 0.8, 0.95], 0.85), clicks_to_reach([0.5], 0.85)
    (2, 20)
    """
    reached = (count for count, value in enumerate(ious[:maximum], 1) if value >= threshold)
    return next(reached, maximum)


def noc(samples: Iterable[Sequence[float]], threshold: float, maximum: int = 20) -> float:
    """Return NoC@threshold: the mean number of clicks to reach a threshold, over many objects.

    Parameters
    ----------
    samples : iterable of sequence of float
        One sequence of IoUs per object, as for :func:`clicks_to_reach`.
    threshold : float
        The IoU to reach, such as 0.85.
    maximum : int
        The number of clicks for an object that never reaches the threshold.

    Returns
    -------
    float
        Between 1 and ``maximum``.

    Raises
    ------
    ValueError
        If there is no sample.
    """
    counts = [clicks_to_reach(ious, threshold, maximum) for ious in samples]
    if not counts:
        raise ValueError("A mean over samples needs at least one sample.")
    return float(np.mean(counts))


def mean_iou_curve(samples: Iterable[Sequence[float]], maximum: int = 20) -> np.ndarray:
    """Return the mean IoU after each click, over many objects (DOS, Figure 4).

    Parameters
    ----------
    samples : iterable of sequence of float
        The IoUs of each object after click 1, 2, ... An object may have fewer clicks, because
        nothing was left to correct. It then keeps its last IoU.
    maximum : int
        The length of the curve, in clicks.

    Returns
    -------
    np.ndarray
        ``(maximum,) float64`` in [0, 1].

    Raises
    ------
    ValueError
        If there is no sample, or if a sample has no click.
    """
    rows = [list(ious[:maximum]) for ious in samples]
    if not (rows and all(rows)):
        raise ValueError("A mean curve needs at least one sample, and one click in each.")
    return np.mean([row + row[-1:] * (maximum - len(row)) for row in rows], axis=0)


@dataclass(frozen=True)
class ClicksToError:
    """How many clicks a Jaccard error took, over many objects or trials.

    Parameters
    ----------
    error : float
        The Jaccard error to reach, ``1 - IoU``, between 0 and 1.
    clicks : float
        Mean number of clicks. A sample that never reaches the error counts as the maximum.
    low, high : float
        95 % bootstrap interval of that mean, over samples. With groups it is over these: see
        :func:`interval_over_people`.
    samples : int
        Number of samples.
    never : int
        Number of samples that never reach the error.
    """

    error: float
    clicks: float
    low: float
    high: float
    samples: int
    never: int


def clicks_to_errors(
    samples: Iterable[Sequence[float]],
    errors: Iterable[float],
    maximum: int = 20,
    groups: Sequence[Hashable] | None = None,
) -> list[ClicksToError]:
    """Return the mean number of clicks that each Jaccard error takes, over many objects.

    This is how Figure 6 of Latent Diversity averages: it fixes the error and averages the clicks.
    :func:`mean_iou_curve` fixes the number of clicks and averages the IoU. The two curves differ.

    Parameters
    ----------
    samples : iterable of sequence of float
        The IoUs of each object or trial after click 1, 2, ...
    errors : iterable of float
        The errors to reach, between 0 and 1. If people stopped at an IoU of 0.85, ask for no error
        below 0.15: nobody tried to reach it.
    maximum : int
        The number of clicks that counts for a sample that never reaches an error.
    groups : sequence, optional
        The group of each sample, such as the person who clicked. Samples of a group are alike. The
        mean is then the mean of the groups' means, and the interval is over groups.

    Returns
    -------
    list of ClicksToError
        One for each error, in the given order.

    Raises
    ------
    ValueError
        If there is no sample, or if an error lies outside [0, 1].

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, Figure 6.

    Examples
    --------
    >>> found = clicks_to_errors([[0.6, 0.9], [0.5, 0.7]], [0.4, 0.15], maximum=20)
    >>> [(one.error, one.clicks, one.never) for one in found]
    [(0.4, 1.5, 0), (0.15, 11.0, 1)]
    """
    rows = [list(ious[:maximum]) for ious in samples]
    if not rows:
        raise ValueError("A mean over samples needs at least one sample.")
    found = []
    for error in errors:
        if not 0 <= error <= 1:
            raise ValueError(f"A Jaccard error lies between 0 and 1, not {error}.")
        target = round(1 - error, 9)  # 1 - 0.15 and its kind, without the last binary digit
        counts = [float(clicks_to_reach(ious, target, maximum)) for ious in rows]
        if groups is not None:
            counts = list(group_means(counts, groups).values())
        interval = bootstrap_interval if groups is None else interval_over_people
        low, high = interval(counts)
        never = sum(all(value < target for value in ious) for ious in rows)
        found.append(
            ClicksToError(float(error), float(np.mean(counts)), low, high, len(rows), never)
        )
    return found


def group_means(values: Sequence[float], groups: Sequence[Hashable]) -> dict[Hashable, float]:
    """Return the mean value of each group, such as the mean number of clicks of each person.

    Parameters
    ----------
    values : sequence of float
        ``(n,)`` values.
    groups : sequence
        The group of each value.

    Returns
    -------
    dict
        The mean by group, in the order of first appearance.

    Raises
    ------
    ValueError
        If there are not as many groups as values.
    """
    members: dict[Hashable, list[float]] = {}
    for value, group in zip(values, groups, strict=True):
        members.setdefault(group, []).append(value)
    return {group: float(np.mean(each)) for group, each in members.items()}


def clicks_and_curve(
    samples: Sequence[Sequence[float]], maximum: int = 20, digits: int | None = None
) -> dict[str, Any]:
    """Return NoC and the mean curve of a method, ready for a result file.

    Parameters
    ----------
    samples : sequence of sequence of float
        The IoUs of each object after click 1, 2, ...
    maximum : int
        The number of clicks for an object that never reaches a threshold, and the length of the
        curve.
    digits : int, optional
        The number of decimals of NoC. The curve has one more. By default, nothing is rounded.

    Returns
    -------
    dict
        ``noc`` at :data:`THRESHOLDS`, and ``miou`` after each click.

    Raises
    ------
    ValueError
        If there is no sample, or if a sample has no click.
    """
    counts = {str(percent): noc(samples, percent / 100, maximum) for percent in THRESHOLDS}
    curve = [float(value) for value in mean_iou_curve(samples, maximum)]
    if digits is not None:
        counts = {percent: round(count, digits) for percent, count in counts.items()}
        curve = [round(value, digits + 1) for value in curve]
    return {"noc": counts, "miou": curve}


def area_under_curve(curve: Sequence[float] | np.ndarray) -> float:
    """Return the area under a curve of IoU over clicks, divided by the curve's width.

    ``AuC = 1 / (n - 1) * sum over k of (curve[k] + curve[k + 1]) / 2``

    Parameters
    ----------
    curve : sequence of float
        ``(n,)`` values, one per click, from :func:`mean_iou_curve`.

    Returns
    -------
    float
        Between 0 and 1. A single value is returned as it is.

    Raises
    ------
    ValueError
        If the curve is empty.
    """
    values = np.asarray(curve, dtype=np.float64)
    if not values.size:
        raise ValueError("An empty curve has no area.")
    return float(((values[1:] + values[:-1]) / 2).mean() if values.size > 1 else values[0])


def bootstrap_interval(
    values: Sequence[float] | np.ndarray,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Return a confidence interval of a mean, by the percentile bootstrap.

    Parameters
    ----------
    values : sequence of float
        ``(n,)`` values, one per sample, such as its NoC.
    confidence : float
        The share of the resampled means that lie in the interval, between 0 and 1.
    resamples : int
        The number of resamples. Each one draws n values with replacement.
    seed : int
        The seed of the random draws.

    Returns
    -------
    low, high : float
        The ends of the interval.

    Raises
    ------
    ValueError
        If there is no value or no resample, or if the confidence lies outside (0, 1).

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    values = np.asarray(values, dtype=np.float64)
    if not (values.size and resamples > 0):
        raise ValueError("An interval needs at least one value and one resample.")
    if not 0 < confidence < 1:
        raise ValueError(f"A confidence lies between 0 and 1, not {confidence}.")
    drawn = np.random.default_rng(seed).integers(0, values.size, (resamples, values.size))
    tail = (1 - confidence) / 2
    low, high = np.quantile(values[drawn].mean(axis=1), [tail, 1 - tail])
    return float(low), float(high)


def interval_over_people(
    values: Sequence[float] | np.ndarray, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return a 95 % confidence interval of a mean over few people.

    The percentile bootstrap is too narrow for few values: with eight, about one in seven intervals
    misses the true mean. The expanded percentile interval corrects this. It takes quantiles
    further out, so that the interval is as wide as that of Student's t.

    Parameters
    ----------
    values : sequence of float
        ``(n,)`` values, one per person.
    resamples : int
        The number of resamples.
    seed : int
        The seed of the random draws.

    Returns
    -------
    low, high : float
        The ends of the interval. Of a single person nothing is known, and both are NaN.

    Raises
    ------
    ValueError
        If there is no value or no resample.

    References
    ----------
    Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 2015,
    section 4.2.
    """
    from scipy.stats import norm, t

    count = len(values)
    if count == 1:
        return float("nan"), float("nan")
    width = t.ppf(0.975, max(count - 1, 1)) * np.sqrt(count / max(count - 1, 1))
    confidence = min(1 - 2 * norm.sf(width), 1 - 1e-9)  # two people: from the least to the most
    return bootstrap_interval(values, float(confidence), resamples, seed)
