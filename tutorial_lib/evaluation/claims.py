"""Whether a claim of a paper holds here: a paired difference, its interval, and a verdict in words.

"The first method needs fewer clicks than the second" is a claim. Both methods are measured on the
same objects, so the difference is taken object by object. The claim *holds* if the interval of the
mean difference lies below zero, it *does not hold* if the interval lies above zero, and it is
*undecided* if the interval contains zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tutorial_lib.evaluation.results import MethodResults
from tutorial_lib.metrics import bootstrap_interval, clicks_to_reach

HOLDS, UNDECIDED, FAILS, MISSING = "holds", "undecided", "does not hold", "not measured yet"


@dataclass(frozen=True)
class Difference:
    """A mean paired difference, first minus second. Fewer clicks and a smaller error are better.

    Parameters
    ----------
    mean : float
        The mean over the objects.
    low, high : float
        The ends of its 95 % bootstrap interval.
    objects : int
        The number of objects that both methods were measured on.

    Examples
    --------
    >>> apart = Difference(-2.57, -3.53, -1.68, 47)
    >>> apart.verdict, str(apart), apart.contains(-3.08)
    ('holds', '-2.57 [-3.53, -1.68], n = 47', True)
    """

    mean: float
    low: float
    high: float
    objects: int

    @property
    def verdict(self) -> str:
        """What becomes of the claim that the first is better than the second."""
        if self.low <= 0 <= self.high:
            return UNDECIDED
        return HOLDS if self.high < 0 else FAILS

    def contains(self, value: float) -> bool:
        """Return whether a difference, such as a paper's, lies in the interval.

        Parameters
        ----------
        value : float
            The difference.

        Returns
        -------
        bool
            True at its ends, too.
        """
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.mean:+.2f} [{self.low:+.2f}, {self.high:+.2f}], n = {self.objects}"


def paired(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Return the mean difference of two rows of numbers, one number per object in each.

    Parameters
    ----------
    first, second : sequence of float
        ``(n,)`` numbers for the same objects in the same order.

    Returns
    -------
    Difference
        First minus second.

    Raises
    ------
    ValueError
        If there are no numbers, or not equally many.

    Examples
    --------
    >>> paired([3, 2, 4], [5, 4, 5]).verdict
    'holds'
    """
    if len(first) != len(second) or not len(first):
        raise ValueError(
            f"A paired difference needs equally many numbers, one or more, not {len(first)} and "
            f"{len(second)}."
        )
    apart = np.subtract(first, second)
    return Difference(float(apart.mean()), *bootstrap_interval(apart), len(apart))


def clicks_by_object(method: MethodResults, threshold: int) -> dict[str, int]:
    """Return the clicks that each object took, by its id.

    Parameters
    ----------
    method : MethodResults
        What one method reached.
    threshold : int
        The IoU to reach in per cent.

    Returns
    -------
    dict of str to int
        20 for an object that never reached it.
    """
    return {
        key: clicks_to_reach(sample.iou, threshold / 100) for key, sample in method.samples.items()
    }


def errors_by_object(method: MethodResults, click: int) -> dict[str, float]:
    """Return the Jaccard error of each object after a number of clicks, by its id.

    Parameters
    ----------
    method : MethodResults
        What one method reached.
    click : int
        The number of clicks, at least 1.

    Returns
    -------
    dict of str to float
        1 - IoU. An object that needed fewer clicks keeps its last error.
    """
    return {key: 1 - sample.iou[:click][-1] for key, sample in method.samples.items()}


def mean_with_interval(values: Iterable[float]) -> tuple[float, float, float]:
    """Return a mean and the ends of its 95 % bootstrap interval.

    Parameters
    ----------
    values : iterable of float
        One number per object.

    Returns
    -------
    mean, low, high : float
        The mean and its interval.
    """
    values = list(values)
    return float(np.mean(values)), *bootstrap_interval(values)


def fewer_clicks(
    methods: Mapping[str, MethodResults], first: str, second: str, threshold: int = 85
) -> Difference | None:
    """Test the claim that a method needs fewer clicks than another one.

    Parameters
    ----------
    methods : mapping of str to MethodResults
        What was measured on one benchmark with one robot.
    first, second : str
        Two methods.
    threshold : int
        The IoU to reach in per cent.

    Returns
    -------
    Difference or None
        In clicks, over the objects that both were measured on. None if one was not measured.
    """
    return _apart(methods, first, second, lambda method: clicks_by_object(method, threshold))


def smaller_error(
    methods: Mapping[str, MethodResults], first: str, second: str, click: int = 1
) -> Difference | None:
    """Test the claim that a method's error is smaller than another one's after some clicks.

    Parameters
    ----------
    methods : mapping of str to MethodResults
        What was measured on one benchmark with one robot.
    first, second : str
        Two methods.
    click : int
        The number of clicks.

    Returns
    -------
    Difference or None
        In Jaccard error, over the objects that both were measured on. None if one was not measured.
    """
    return _apart(methods, first, second, lambda method: errors_by_object(method, click))


def _apart(methods, first, second, values_of) -> Difference | None:
    if first not in methods or second not in methods:
        return None
    one, other = values_of(methods[first]), values_of(methods[second])
    both = [key for key in one if key in other]
    return paired([one[key] for key in both], [other[key] for key in both]) if both else None


def in_words(found: Mapping[str, Difference | None], preposition: str = "on") -> str:
    """Say where a claim holds, where it is undecided, and where it does not hold.

    Parameters
    ----------
    found : mapping of str to Difference or None
        The difference at each place, such as a benchmark. None if it was not measured.
    preposition : str
        What stands before the names: ``"on"`` before benchmarks, ``"for"`` before components.

    Returns
    -------
    str
        A part for each verdict that occurs: ``"holds on A and B; undecided on C"``.

    Examples
    --------
    >>> clear, unclear = Difference(-2, -3, -1, 9), Difference(-2, -4, 1, 9)
    >>> in_words({"DAVIS": clear, "GrabCut": unclear, "COCO": clear, "Berkeley": None})
    'holds on DAVIS and COCO; undecided on GrabCut; not measured yet on Berkeley'
    """
    verdicts = {name: MISSING if one is None else one.verdict for name, one in found.items()}
    parts = []
    for word in (HOLDS, UNDECIDED, FAILS, MISSING):
        if names := [name for name, verdict in verdicts.items() if verdict == word]:
            listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[:-1] else names)
            parts.append(f"{word} {preposition} {listed}")
    return "; ".join(parts)
