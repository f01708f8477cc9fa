"""What the trials of a study say: means, differences and learning, with intervals over people.

Trials of one person are alike, so everything here is averaged person by person first, and intervals
come from drawing *people* with replacement. Methods are compared on the objects that a person did
with every method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from tutorial_lib.metrics import ClicksToError, clicks_to_errors, group_means, interval_over_people
from tutorial_lib.study.trials import Trial

ERRORS = tuple(np.round(np.arange(0.6, 0.149, -0.05), 2))  # nobody tries to get below 0.15
ENUMERATED = 12  # people at most for whom every assignment of signs is tried
DRAWS = 5_000


@dataclass(frozen=True)
class MethodSummary:
    """What a study found about one method.

    Parameters
    ----------
    trials, people : int
        Numbers of trials and of people.
    clicks : float
        Mean number of clicks to the target: the mean of the people's means.
    low, high : float
        95 % bootstrap interval of that mean, over people.
    seconds, seconds_low, seconds_high : float or None
        The same for the time to the target, or to the last click where it was never reached. None
        if no trial has a time.
    reached : float
        Share of trials that reached the target.
    """

    trials: int
    people: int
    clicks: float
    low: float
    high: float
    seconds: float | None
    seconds_low: float | None
    seconds_high: float | None
    reached: float


@dataclass(frozen=True)
class MethodDifference:
    """Two methods on the same objects, by the same people.

    Parameters
    ----------
    first, second : str
        The methods.
    clicks : float
        Mean number of clicks of the first method minus that of the second one.
    low, high : float
        95 % bootstrap interval of this difference, over people.
    p : float
        Probability of a difference at least as large, in either direction, if the two methods were
        the same for everybody.
    adjusted : float
        The same, for all pairs of methods together (Holm's correction).
    people : int
        Number of people.
    """

    first: str
    second: str
    clicks: float
    low: float
    high: float
    p: float
    adjusted: float
    people: int


@dataclass(frozen=True)
class Learning:
    """How people change during the study, apart from methods and objects.

    Parameters
    ----------
    per_ten : float
        Change of the number of clicks in ten tasks.
    low, high : float
        95 % bootstrap interval of this change, over people.
    by_number : dict of int to float
        Mean number of clicks at each place in the order of work, minus what method and object
        would lead to expect.
    by_seen : dict of int to float
        The same by how often a person has worked on the object.
    """

    per_ten: float
    low: float
    high: float
    by_number: dict[int, float]
    by_seen: dict[int, float]


def comparable(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials on objects that the person did with every method of the study.

    Parameters
    ----------
    trials : sequence of Trial
        From :func:`~tutorial_lib.study.trials.recompute`.

    Returns
    -------
    list of Trial
        Every method has the same people and the same objects in them. Somebody who left early
        still counts with the objects that were done until then.
    """
    methods = {trial.method for trial in trials}
    done: dict[tuple[str, str], set[str]] = {}
    for trial in trials:
        done.setdefault((trial.person, trial.object), set()).add(trial.method)
    return [trial for trial in trials if done[trial.person, trial.object] == methods]


def summarise_study(
    trials: Sequence[Trial], threshold: float = 0.85, maximum: int = 20
) -> dict[str, MethodSummary]:
    """Summarise a study, method by method.

    Parameters
    ----------
    trials : sequence of Trial
        From :func:`comparable`.
    threshold : float
        The IoU to reach.
    maximum : int
        Clicks that count for a trial that never reaches it.

    Returns
    -------
    dict of str to MethodSummary
        One for each method, sorted by the mean number of clicks.

    Raises
    ------
    ValueError
        If there is no trial.

    Examples
    --------
    >>> ada = Trial("Ada", "cup", "dos", 1, 1, ious=(0.5, 0.9))
    >>> ben = Trial("Ben", "cup", "dos", 1, 1, ious=(0.9,))
    >>> summarise_study([ada, ben])["dos"].clicks
    1.5
    """
    if not trials:
        raise ValueError(
            "A study needs at least one object that a person finished with every method."
        )
    found = {}
    for method in sorted({trial.method for trial in trials}):
        mine = [trial for trial in trials if trial.method == method]
        clicks = _over_people(mine, lambda trial: trial.count(threshold, maximum))
        timed = [trial for trial in mine if trial.seconds is not None]
        times = _over_people(timed, lambda trial: trial.time(threshold, maximum) or 0.0)
        seconds = (float(np.mean(times)), *interval_over_people(times)) if times else (None,) * 3
        found[method] = MethodSummary(
            len(mine), len(clicks), float(np.mean(clicks)), *interval_over_people(clicks), *seconds,
            float(np.mean([trial.reached(threshold, maximum) for trial in mine])),
        )  # fmt: skip
    return dict(sorted(found.items(), key=lambda row: row[1].clicks))


def _over_people(trials: Sequence[Trial], value: Callable[[Trial], float]) -> list[float]:
    people = [trial.person for trial in trials]
    return list(group_means([value(trial) for trial in trials], people).values())


def compare_methods(
    trials: Sequence[Trial], threshold: float = 0.85, maximum: int = 20
) -> list[MethodDifference]:
    """Compare every two methods, paired by person and object.

    Parameters
    ----------
    trials : sequence of Trial
        From :func:`comparable`.
    threshold, maximum : float, int
        As for :func:`summarise_study`.

    Returns
    -------
    list of MethodDifference
        One for each pair of methods. The test is :func:`sign_flip_test` on the differences of the
        people.

    References
    ----------
    Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    methods = sorted({trial.method for trial in trials})
    means = {
        method: group_means(
            [trial.count(threshold, maximum) for trial in trials if trial.method == method],
            [trial.person for trial in trials if trial.method == method],
        )
        for method in methods
    }
    found = []
    for first, second in combinations(methods, 2):
        both = [person for person in means[first] if person in means[second]]
        each = [means[first][person] - means[second][person] for person in both]
        low, high = interval_over_people(each)
        p = sign_flip_test(each)
        found.append(
            MethodDifference(first, second, float(np.mean(each)), low, high, p, p, len(each))
        )
    adjusted = _holm([row.p for row in found])
    return [replace(row, adjusted=p) for row, p in zip(found, adjusted, strict=True)]


def sign_flip_test(differences: Sequence[float], seed: int = 0) -> float:
    """Return the p-value of a mean difference, by the paired permutation test.

    If two methods are the same for everybody, a person's difference may as well have the other
    sign. The p-value is the share of all assignments of signs that lead to a mean at least as far
    from 0. Nothing is assumed about the distribution.

    Parameters
    ----------
    differences : sequence of float
        ``(n,)``: one for each person.
    seed : int
        Seed of the draws, for more than twelve people.

    Returns
    -------
    float
        Above 0 and at most 1. With n people it is at least ``2 / 2 ** n``: five people can never
        reach 0.05.

    Raises
    ------
    ValueError
        If there is no difference.

    Examples
    --------
    >>> sign_flip_test([1.0, 2.0, 1.5, 0.5, 1.0])
    0.0625
    """
    values = np.asarray(differences, dtype=np.float64)
    if not values.size:
        raise ValueError("A test needs the difference of at least one person.")
    if values.size <= ENUMERATED:
        bits = np.arange(2**values.size)[:, None] >> np.arange(values.size) & 1
        extra = 0
    else:
        bits = np.random.default_rng(seed).integers(0, 2, (DRAWS, values.size))
        extra = 1  # the signs that were found are one of the draws
    sums = np.abs((2 * bits - 1) @ values)
    as_far = np.count_nonzero(sums >= abs(values.sum()) - 1e-9)
    return float((as_far + extra) / (len(sums) + extra))


def _holm(values: Sequence[float]) -> list[float]:
    order = np.argsort(values, kind="stable")
    adjusted, worst = [0.0] * len(values), 0.0
    for place, index in enumerate(order):
        worst = max(worst, min(1.0, (len(values) - place) * values[index]))
        adjusted[index] = worst
    return adjusted


def learning_effect(
    trials: Sequence[Trial], threshold: float = 0.85, maximum: int = 20
) -> Learning:
    """Return how people change during the study.

    From each count of clicks the mean of its method and object is subtracted. What remains is
    compared with the place of the trial in the order of work.

    Parameters
    ----------
    trials : sequence of Trial
        From :func:`~tutorial_lib.study.trials.recompute`.
    threshold, maximum : float, int
        As for :func:`summarise_study`.

    Returns
    -------
    Learning
        The mean slope of the people, and means by place and by repetition. A person with fewer
        than two trials has no slope.

    Raises
    ------
    ValueError
        If nobody has two trials.
    """
    counts = np.array([trial.count(threshold, maximum) for trial in trials], dtype=np.float64)
    cells = [(trial.method, trial.object) for trial in trials]
    expected = group_means(list(counts), cells)
    left = list(counts - np.array([expected[cell] for cell in cells]))
    slopes = []
    for person in dict.fromkeys(trial.person for trial in trials):
        mine = [place for place, trial in enumerate(trials) if trial.person == person]
        if len(mine) > 1:
            numbers = [trials[place].number for place in mine]
            slopes.append(10 * np.polyfit(numbers, [left[place] for place in mine], 1)[0])
    if not slopes:
        raise ValueError("Learning needs a person with two finished trials or more.")
    by_number = group_means(left, [trial.number for trial in trials])
    by_seen = group_means(left, [trial.seen for trial in trials])
    return Learning(
        float(np.mean(slopes)), *interval_over_people(slopes),
        dict(sorted(by_number.items())), dict(sorted(by_seen.items())),
    )  # fmt: skip


def figure_6(
    trials: Sequence[Trial], errors: Sequence[float] = ERRORS, maximum: int = 20
) -> dict[str, list[ClicksToError]]:
    """Return the clicks that each Jaccard error takes, by method, with intervals over people.

    Parameters
    ----------
    trials : sequence of Trial
        From :func:`comparable`.
    errors : sequence of float
        The errors, ``1 - IoU``. People stop at the target, so ask for none below it.
    maximum : int
        Clicks that count for a trial that never reaches an error.

    Returns
    -------
    dict of str to list of ClicksToError
        For :func:`tutorial_lib.plots.draw_clicks_to_errors`.

    References
    ----------
    Li et al., Interactive Image Segmentation with Latent Diversity, CVPR 2018, Figure 6.
    """
    found = {}
    for method in sorted({trial.method for trial in trials}):
        mine = [trial for trial in trials if trial.method == method]
        people = [trial.person for trial in mine]
        found[method] = clicks_to_errors([trial.ious for trial in mine], errors, maximum, people)
    return found
