"""Checks of notebooks 10 and 11: reproducing the papers, and a user study."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from tutorial_lib import metrics
from tutorial_lib.course.judging import (
    Called,
    WrongAnswer,
    array,
    keyed,
    near,
    one_number,
    parts,
    require,
)
from tutorial_lib.course.register import checks
from tutorial_lib.evaluation import LI, XU, published
from tutorial_lib.evaluation.benchmarks import GRABCUT
from tutorial_lib.evaluation.results import MethodResults


@cache
def _grabcut(robot: str) -> dict[str, MethodResults]:
    return GRABCUT.read(robot)


@checks("10.1")
def judge_how_many_photos(answer: Any) -> None:
    """Require the number of photos that decide a difference."""
    call, rng = Called(answer, "photos_needed"), np.random.default_rng(2)
    for spread, wanted in ((2.0, 0.4), (2.0, 0.02), (5.0, 0.4)):
        apart = rng.normal(0, spread, 49)
        s = apart.std(ddof=1)
        example = f"49 differences with a spread of {s:.2f}, to decide {wanted}"
        found = one_number(call(apart, wanted, example=example), "photos_needed", low=0)
        rights = [(z * s / wanted) ** 2 for z in (1.96, 2.0, 2.8)]
        if any(abs(found - right) <= 0.04 * right + 1 for right in rights):
            continue
        right = rights[0]
        near(
            found,
            right,
            f"photos_needed for {example}",
            0.04 * right,
            [
                (
                    1.96 * s / wanted,
                    ("The standard error falls with the root of n, so square the ratio."),
                ),
                (
                    (s / wanted) ** 2,
                    ("A difference is decided at 95 % when it is about twice its standard error."),
                ),
                (
                    (1.96 / wanted) ** 2 * s,
                    ("The ratio contains the standard deviation, not the variance or its root."),
                ),
            ],
        )


@checks("10.2")
def judge_the_text(answer: Any) -> None:
    """Require four ratios and the two rows whose printed mean is wrong."""
    ratios, rows = parts(answer, "ratios", "rows")
    ours = "latent-diversity"

    def ratio(name: str, column: tuple[str, int]) -> float:
        return published.LI_TABLE_2.get(name, column) / published.LI_TABLE_2.get(ours, column)

    rights = [
        ratio("dos", ("grabcut", 85)) - 1,
        ratio("dos-no-graph-cut", ("grabcut", 85)) - 1,
        ratio("dos-no-graph-cut", ("mean", 85)) - 1,
        published.published_ms("dos") / published.published_ms(ours),
    ]
    names = ("DOS on GrabCut", "DOS without cut on GrabCut", "DOS without cut, mean", "the times")
    for found, right, name in zip(array(ratios, "ratios", (4,)), rights, names, strict=True):
        near(
            found,
            right,
            f"The ratio of {name}",
            0.01,
            [
                (
                    right + 1,
                    f"The ratio of {name}: 59 % higher means a ratio of 1.59, so take off 1.",
                ),
                (
                    100 * right,
                    f"The ratio of {name} is in per cent; give it as a number such as 0.59.",
                ),
                (1 / right, f"The ratio of {name} is upside down."),
            ],
        )
    wrong = set()
    for name in published.LI_TABLE_2.rows:
        for percent in (85, 90):
            four = [
                published.LI_TABLE_2.get(name, (d, percent))
                for d in ("davis", "grabcut", "sbd", "coco")
            ]
            if abs(np.mean(four) - published.LI_TABLE_2.get(name, ("mean", percent))) > 0.0101:
                wrong.add((name, percent))
    found = {(str(name), int(percent)) for name, percent in rows}
    for name, percent in sorted(found - wrong):
        raise WrongAnswer(f"The printed mean of {name} at {percent} % is right within rounding.")
    require(found == wrong, "The rows are right, but one is missing.")


@cache
def _compared(paper: str, percent: int, robot: str) -> tuple[int, int, int]:
    """Return the pairs in the same order, those in the other, and how many of these are decided."""
    results = _grabcut(robot)
    theirs = {n: published.published_noc("grabcut", percent, n).get(paper) for n in results}
    counts = {
        name: np.array(
            [
                metrics.clicks_to_reach(results[name].samples[i].iou, percent / 100)
                for i in sorted(results[name].samples)
            ]
        )
        for name, value in theirs.items()
        if value is not None
    }
    same, other, decided = 0, 0, 0
    for a, b in combinations(counts, 2):
        apart = counts[a] - counts[b]
        if apart.mean() * (theirs[a] - theirs[b]) > 0:
            same += 1
            continue
        low, high = metrics.bootstrap_interval(apart)
        other, decided = other + 1, decided + (not low <= 0 <= high)
    return same, other, decided


@checks("10.3")
def judge_two_rankings(answer: Any) -> None:
    """Require the pairs in the same order, in the other, and decided in the other."""
    cases = {
        "xu 90": (XU, 90, "center"),
        "li 85": (LI, 85, "geodesic"),
        "li 90": (LI, 90, "geodesic"),
    }
    for (name, case), found in zip(cases.items(), keyed(answer, list(cases)), strict=True):
        numbers = array(found, name, (3,))
        same, other, decided = _compared(*case)
        total = same + other
        require(
            int(numbers[:2].sum()) == total or numbers[:2].sum() != 2 * total,
            f"{name}: each pair is counted twice.",
        )
        near(
            numbers[:2].sum(),
            total,
            f"{name}: the number of pairs",
            0,
            [(other + decided, f"{name}: the first number is missing.")],
        )
        near(
            numbers[0],
            same,
            f"{name}: the pairs in the same order",
            0,
            [(other, f"{name}: the first two numbers are exchanged.")],
        )
        near(
            numbers[2],
            decided,
            f"{name}: the decided pairs",
            0,
            [(other - decided, f"{name}: these are the undecided pairs.")],
        )


@checks("10.4")
def judge_the_seed(answer: Any) -> None:
    """Require fixed and oracle IoU of two seeds."""
    rows = []
    for seed, found in zip((1, 2), keyed(answer, (1, 2)), strict=True):
        fixed, oracle = array(found, f"Seed {seed}", (2,))
        require(
            min(fixed, oracle) >= 0 and max(fixed, oracle) <= 1,
            f"Seed {seed}: an IoU is between 0 and 1.",
        )
        require(
            oracle >= fixed - 1e-6,
            f"Seed {seed}: the oracle chooses for each scene, so it cannot be below the "
            "best fixed candidate; are the two exchanged?",
        )
        require(
            oracle > 0.3,
            f"Seed {seed}: an oracle of {oracle:.2f} is low; was the network trained for 60 steps?",
        )
        rows.append((fixed, oracle))
    require(rows[0] != rows[1], "Both seeds give exactly the same figures; was the seed passed on?")


@checks("11.1")
def judge_order_and_people(answer: Any) -> None:
    """Require how often B is ahead in a fixed and in a random order."""
    first, random = parts(answer, "fixed order", "random order")
    first, random = one_number(first, "fixed order", 0), one_number(random, "random order", 0)
    require(
        max(first, random) <= 1, "The answer holds shares of studies between 0 and 1, not per cent."
    )
    require(
        not (first < 0.2),
        "fixed order: B comes second and profits from practice, so this is A's share.",
    )
    require(
        first > 0.8,
        "fixed order: practice helps B more than this; is every second time better by 15 %?",
    )
    require(
        0.35 < random < 0.65,
        "random order: the methods are equally good, so neither is ahead this often; "
        "is the order drawn for each photo?",
    )
