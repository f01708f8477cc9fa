"""How good a mask is, how far candidates differ, and how many clicks a method takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

THRESHOLDS = (85, 90)  # percent IoU, as both papers report


def iou(mask: np.ndarray, truth: np.ndarray, ignore: np.ndarray | None = None) -> float:
    """Intersection over union of two masks.

    Parameters
    ----------
    mask, truth : np.ndarray
        ``(H, W) bool``.
    ignore : np.ndarray, optional
        ``(H, W) bool``: pixels that do not count, such as the undecided band of the GrabCut masks.

    Returns
    -------
    float
        Between 0 and 1; two empty masks agree, 1.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if mask.shape != truth.shape:
        raise ValueError(f"The mask has shape {mask.shape}, the known mask {truth.shape}.")
    mask, truth = mask.astype(bool), truth.astype(bool)
    counted = np.ones_like(truth) if ignore is None else ~ignore.astype(bool)
    union = ((mask | truth) & counted).sum()
    return float((mask & truth & counted).sum() / union) if union else 1.0


def disagreement(candidates: np.ndarray) -> np.ndarray:
    """How far candidates differ at each pixel: four times the variance of what they say.

    ``4 * mean((p - mean(p)) ** 2)`` over the candidates: 0 where all say the same, sure or not,
    and 1 where one half is sure of object and the other half of background. Of masks, whose p is 0
    or 1, it is ``4 * q * (1 - q)``, with q the share of candidates that say object.

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
        If there is no candidate, or the shape is another.
    """
    if candidates.ndim != 3 or not len(candidates):
        raise ValueError(f"Candidates are (M, H, W) with M at least 1, not {candidates.shape}.")
    variance = candidates.astype(np.float32, copy=False).var(axis=0)
    return np.clip(4 * variance, 0, 1)


def clicks_to_reach(ious: Sequence[float], threshold: float, maximum: int = 20) -> int:
    """Count the clicks until a threshold is reached for the first time: one object's NoC.

    Parameters
    ----------
    ious : sequence of float
        IoU after click 1, 2, ...; entries beyond ``maximum`` are not looked at.
    threshold : float
        The IoU to reach, such as 0.85.
    maximum : int
        The answer where the threshold is never reached.

    Returns
    -------
    int
        Between 1 and ``maximum``.

    References
    ----------
    Xu et al., Deep Interactive Object Selection, CVPR 2016, section 4.1.
    """
    reached = (count for count, value in enumerate(ious[:maximum], 1) if value >= threshold)
    return next(reached, maximum)


def noc(samples: Iterable[Sequence[float]], threshold: float, maximum: int = 20) -> float:
    """Mean number of clicks to reach a threshold, over many objects: NoC@threshold.

    Parameters
    ----------
    samples : iterable of sequence of float
        One sequence of IoUs an object, as for :func:`clicks_to_reach`.
    threshold : float
        The IoU to reach, such as 0.85.
    maximum : int
        What an object counts that never reaches it.

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
    """Mean IoU after each click, over many objects (DOS, Figure 4).

    Parameters
    ----------
    samples : iterable of sequence of float
        IoUs of each object after click 1, 2, ... An object that stopped early, because nothing was
        left to correct, keeps its last IoU.
    maximum : int
        Number of clicks the curve covers.

    Returns
    -------
    np.ndarray
        ``(maximum,) float64`` in [0, 1].

    Raises
    ------
    ValueError
        If there is no sample, or one without any click.
    """
    rows = [list(ious[:maximum]) for ious in samples]
    if not (rows and all(rows)):
        raise ValueError("A mean curve needs at least one sample, and one click in each.")
    return np.mean([row + row[-1:] * (maximum - len(row)) for row in rows], axis=0)


def clicks_and_curve(
    samples: Sequence[Sequence[float]], maximum: int = 20, digits: int | None = None
) -> dict[str, Any]:
    """Sum up what a method did on many objects, ready for a file of results.

    Parameters
    ----------
    samples : sequence of sequence of float
        IoUs of each object after click 1, 2, ...
    maximum : int
        What NoC counts where a threshold is never reached, and the length of the curve.
    digits : int, optional
        Decimals of NoC, and one more of the curve; exact by default.

    Returns
    -------
    dict
        ``noc`` at :data:`THRESHOLDS`, and ``miou`` after each click.

    Raises
    ------
    ValueError
        If there is no sample, or one without any click.
    """
    counts = {str(percent): noc(samples, percent / 100, maximum) for percent in THRESHOLDS}
    curve = [float(value) for value in mean_iou_curve(samples, maximum)]
    if digits is not None:
        counts = {percent: round(count, digits) for percent, count in counts.items()}
        curve = [round(value, digits + 1) for value in curve]
    return {"noc": counts, "miou": curve}


def area_under_curve(curve: Sequence[float] | np.ndarray) -> float:
    """Area under a curve of IoU over clicks, divided by its width: one number for all clicks.

    ``AuC = 1 / (n - 1) * sum over k of (curve[k] + curve[k + 1]) / 2``

    Parameters
    ----------
    curve : sequence of float
        ``(n,)`` values, one a click, from :func:`mean_iou_curve`.

    Returns
    -------
    float
        Between 0 and 1; the value itself if there is only one.

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
    """Range in which a mean lies when the samples are drawn again: the percentile bootstrap.

    Parameters
    ----------
    values : sequence of float
        ``(n,)`` one value a sample, such as its NoC.
    confidence : float
        Share of the resampled means that the interval holds, between 0 and 1.
    resamples : int
        How many times n values are drawn with replacement.
    seed : int
        Seed of the drawing.

    Returns
    -------
    low, high : float
        Ends of the interval.

    Raises
    ------
    ValueError
        If there is no value, no resample, or the confidence leaves (0, 1).

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
