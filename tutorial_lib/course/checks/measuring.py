"""Checks of notebook 04: robots, intervals, counts."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from tutorial_lib import metrics, render
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.course.judging import Called, WrongAnswer, near, parts, require, type_in_words
from tutorial_lib.course.register import checks
from tutorial_lib.data.samples import load_sample, sample_names
from tutorial_lib.evaluation.results import MethodResults, read_results
from tutorial_lib.paths import bundled
from tutorial_lib.users import robots


@cache
def grabcut_results(robot: str = "center") -> dict[str, MethodResults]:
    """Return the committed results of the classical methods on GrabCut."""
    return read_results(bundled("assets") / "results" / f"grabcut_{robot}.json").methods


@checks("04.1")
def judge_shaky_hand(answer: Any) -> None:
    """Require a robot that misses the middle by up to r pixels and says what it hit."""
    make = Called(answer, "shaky")
    truth = np.zeros((40, 60), bool)
    truth[8:30, 10:50] = True
    mask, tries, moved, background = np.zeros_like(truth), 40, 0, 0
    for r in (0, 6):
        robot = Called(make(r, example=f"r = {r}"), f"shaky({r})")
        clicks, example = Clicks(), f"a box of 22 x 40 pixels, r = {r}"
        middle = robots.center(mask, truth)
        for seed in range(tries):
            click = robot(mask, truth, None, clicks, seed, example=example)
            require(
                isinstance(click, Click), f"The robot returns a Click, not {type_in_words(click)}."
            )
            off = max(abs(click.row - middle.row), abs(click.col - middle.col))
            require(off <= r, f"The robot clicks {off} pixels beside the middle for {example}.")
            hit = truth[click.row, click.col]
            require(
                click.positive == hit,
                "The robot labels a click by what it meant to hit; use the truth at the place "
                "that it really hits.",
            )
            moved += off > 0
    require(
        moved > tries / 4, "The robot always clicks into the middle, whatever r and the seed are."
    )
    thin = np.zeros_like(truth)
    thin[20, 5:55] = True
    robot = Called(make(6, example="r = 6"), "shaky(6)")
    for seed in range(tries):
        click = robot(np.zeros_like(thin), thin, None, Clicks(), seed, example="a thin line")
        require(0 <= click.row < 40 and 0 <= click.col < 60, "The robot clicks outside the photo.")
        require(
            click.positive == thin[click.row, click.col],
            "The robot labels a click by what it meant to hit; use the truth at the place "
            "that it really hits.",
        )
        background += not click.positive
    require(
        background,
        "Beside a thin line a shaky hand hits the background, but this robot never does.",
    )
    small = np.ones((9, 9), bool)
    middle = robots.center(~small, small)
    places = [(middle.row + r, middle.col + c) for r in (-1, 0, 1) for c in (-1, 0, 1) if r or c]
    taken = Clicks(Click(row, col) for row, col in places)
    robot = Called(make(1, example="r = 1"), "shaky(1)")
    for seed in range(8):
        click = robot(~small, small, None, taken, seed, example="clicks all around the middle")
        fresh = (click.row, click.col) not in places
        require(fresh, "The robot clicks a pixel twice; a pixel is never clicked twice.")


@cache
def _decided(apart: bool) -> frozenset[frozenset[str]]:
    """Pairs whose difference is decided; those whose own intervals overlap, or the others."""
    counts = {
        name: np.array([metrics.clicks_to_reach(s.iou, 0.90) for s in found.samples.values()])
        for name, found in grabcut_results().items()
    }
    own = {name: metrics.bootstrap_interval(values) for name, values in counts.items()}
    found = set()
    for a, b in combinations(counts, 2):
        low, high = metrics.bootstrap_interval(counts[a] - counts[b])
        overlap = max(own[a][0], own[b][0]) <= min(own[a][1], own[b][1])
        if not low <= 0 <= high and overlap != apart:
            found.add(frozenset((a, b)))
    return frozenset(found)


@checks("04.2")
def judge_same_photos(answer: Any) -> None:
    """Require the pairs that only the paired difference separates."""
    good = isinstance(answer, Iterable) and not isinstance(answer, str)
    require(good, f"The answer is a list of pairs of names, not {type_in_words(answer)}.")
    names, found = set(grabcut_results()), set()
    for pair in answer:
        good = not isinstance(pair, str) and isinstance(pair, Iterable)
        pair = frozenset(pair) if good else frozenset()
        require(len(pair) == 2, "Each entry of the answer is a pair of two different names.")
        require(pair <= names, f"{sorted(pair - names)[:1]} is no method of the file.")
        found.add(pair)
    right = _decided(apart=False)
    for pair in sorted(found - right, key=sorted):
        both = " and ".join(sorted(pair))
        require(
            pair not in _decided(apart=True),
            f"{both}: their own intervals do not overlap, so they are apart without pairing.",
        )
        raise WrongAnswer(f"{both}: the interval of their difference holds 0.")
    require(len(found) == len(right), f"All {len(found)} pairs are right, but some are missing.")


@checks("04.3")
def judge_twenty(answer: Any) -> None:
    """Require the share of unreached photos and the ranking if these count 40."""
    never, ranking = parts(answer, "never", "ranking")
    results = grabcut_results()
    share, as_40 = {}, {}
    for name, found in results.items():
        runs = [sample.iou for sample in found.samples.values()]
        missed = np.array([max(run[:20]) < 0.90 for run in runs])
        counts = np.array([metrics.clicks_to_reach(run, 0.90) for run in runs])
        share[name], as_40[name] = missed.mean(), np.where(missed, 40, counts).mean()
    require(
        hasattr(never, "keys") and set(never) == set(results),
        "never is a dict with one entry for each method of the file.",
    )
    for name, value in never.items():
        slips = [
            (100 * share[name], "never holds shares between 0 and 1, not per cent."),
            (len(runs) * share[name], "never holds shares of the photos, not their number."),
            (1 - share[name], "never holds the photos that are not reached; these are the others."),
        ]
        near(value, share[name], f"never[{name!r}]", 0.006, slips)
    good = isinstance(ranking, list | tuple) and sorted(map(str, ranking)) == sorted(results)
    require(good, "ranking is a list of all methods, the one with the fewest clicks first.")
    right = sorted(as_40, key=lambda name: as_40[name])
    require(
        list(ranking) != right[::-1], "ranking begins with the most clicks; begin with the fewest."
    )
    by_20 = sorted(
        results,
        key=lambda name: np.mean(
            [metrics.clicks_to_reach(s.iou, 0.90) for s in results[name].samples.values()]
        ),
    )
    require(
        list(ranking) != by_20 or right == by_20,
        "ranking is the order when an unreached photo counts 20.",
    )
    for place, (given, wanted) in enumerate(zip(ranking, right, strict=True), start=1):
        require(given == wanted, f"ranking is wrong from place {place} on, where it has {given}.")


@cache
def _out_of_reach(side: int | None) -> frozenset[str]:
    from scipy.ndimage import binary_dilation

    found = set()
    for name in sample_names():
        for reading, mask in load_sample(name).masks.items():
            truth = mask if side is None else render.fit(255 * mask.astype(np.uint8), side) >= 128
            if metrics.iou(binary_dilation(truth, np.ones((3, 3))), truth) < 0.90:
                found.add(f"{name}: {reading}")
    return frozenset(found)


@checks("04.4")
def judge_one_pixel(answer: Any) -> None:
    """Require the objects that one pixel puts out of reach at 160 pixels."""
    good = isinstance(answer, Iterable) and not isinstance(answer, str)
    require(
        good, f"The answer is a list of names such as 'coffee: cup', not {type_in_words(answer)}."
    )
    known = {f"{name}: {reading}" for name in sample_names() for reading in load_sample(name).masks}
    found = {
        ": ".join(map(str, entry)) if isinstance(entry, tuple) else str(entry) for entry in answer
    }
    strange = sorted(found - known)
    require(
        not strange, f"{strange[:1]} is no object; write photo: reading, such as 'coffee: cup'."
    )
    right, full = _out_of_reach(160), _out_of_reach(None)
    require(
        found != full,
        "These are the objects at full size; shrink the masks to a longer side of 160.",
    )
    require(found != known - right, "These are the objects within reach; name the others.")
    extra = sorted(found - right)
    require(not extra, f"{extra[0] if extra else ''} is within reach: its IoU is 0.90 or more.")
    require(found == right, f"All {len(found)} are right, but some are missing.")
