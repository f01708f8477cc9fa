"""Checks of notebook 12: after 2018."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from tutorial_lib.course.judging import Called, near, on_examples, parts, require, type_in_words
from tutorial_lib.course.register import checks
from tutorial_lib.evaluation import published
from tutorial_lib.metrics import clicks_to_reach, iou


@checks("12.1")
def judge_who_forgets(answer: Any) -> None:
    """Require how many clicks the first of two runs saves."""

    def right(kept: list[float], forgotten: list[float], target: float, most: int) -> int:
        return clicks_to_reach(forgotten, target, most) - clicks_to_reach(kept, target, most)

    def never_as_its_length(kept, forgotten, target, most):
        return right(kept, forgotten, target, len(forgotten)) if most != len(forgotten) else -99

    def never_as_the_first(kept, forgotten, target, most):
        first, second = (int(np.argmax(np.array(run) >= target)) for run in (kept, forgotten))
        return second - first

    slips = [
        (
            lambda *given: -right(*given),
            "The sign is wrong: clicks that the mask saves are above 0.",
        ),
        (never_as_its_length, "A run that never reaches the target counts as most."),
        (never_as_the_first, "np.argmax is 0 also where no answer reaches the target."),
    ]
    cases = [
        ("[0.5, 0.92] and [0.4, 0.6, 0.9]", ([0.5, 0.92], [0.4, 0.6, 0.9], 0.9, 4)),
        ("[0.95] and [0.4, 0.6], at most 4", ([0.95], [0.4, 0.6], 0.9, 4)),
        ("[0.4, 0.6, 0.7, 0.8] and [0.5, 0.91]", ([0.4, 0.6, 0.7, 0.8], [0.5, 0.91], 0.9, 4)),
        ("two runs that never reach it", ([0.4, 0.5, 0.6, 0.7], [0.1, 0.2, 0.3, 0.4], 0.9, 4)),
    ]
    on_examples(Called(answer, "clicks_saved"), right, cases, slips=slips)


@checks("12.2")
def judge_three_that_differ(answer: Any) -> None:
    """Require the best candidate, and two whose masks are as different as the rule makes them."""
    call, rng = Called(answer, "three_that_differ"), np.random.default_rng(12)
    for case in range(6):
        blobs = rng.random((6, 12, 16)) + 0.5 * rng.random((6, 1, 1))
        candidates, scores = np.clip(blobs - 0.3, 0, 1).astype(np.float32), rng.random(6)
        masks, example = candidates >= 0.5, f"six random candidates (example {case + 1})"
        found = np.atleast_1d(np.asarray(call(candidates, scores, example=example)))
        require(
            found.shape == (3,) and np.issubdtype(found.dtype, np.integer),
            "three_that_differ returns three whole numbers, such as [4, 0, 2].",
        )
        chosen = [int(number) for number in found]
        require(set(chosen) <= set(range(6)), "The numbers of six candidates are 0 to 5.")
        require(len(set(chosen)) == 3, "A candidate is there twice; leave out those chosen before.")
        require(
            int(scores.argmax()) in chosen,
            f"The candidate of the highest score is missing for {example}.",
        )
        alike = _most_alike(masks, chosen)
        if alike <= _most_alike(masks, _greedy(masks, scores)) + 1e-9:
            continue
        require(
            set(chosen) != set(np.argsort(scores)[::-1][:3].tolist()),
            "These are the three highest scores; the other two should differ in their masks.",
        )
        require(
            set(chosen) != set(_greedy(masks, scores, most=True)),
            "These are the candidates that are most alike; take the smallest of the largest IoUs.",
        )
        require(
            set(chosen) != set(_greedy(candidates > 0, scores)),
            "The masks are those of all values above 0; threshold the candidates at 0.5.",
        )
        near(alike, 0, f"The largest IoU of two chosen masks for {example}")


def _most_alike(masks: np.ndarray, chosen: list[int]) -> float:
    return max(iou(masks[a], masks[b]) for a, b in combinations(chosen, 2))


def _greedy(masks: np.ndarray, scores: np.ndarray, most: bool = False) -> list[int]:
    chosen = [int(scores.argmax())]
    while len(chosen) < 3:
        others = {
            m: max(iou(masks[m], masks[k]) for k in chosen)
            for m in range(len(masks))
            if m not in chosen
        }
        chosen.append((max if most else min)(others, key=others.__getitem__))
    return chosen


@checks("12.3")
def judge_fair_row(answer: Any) -> None:
    """Require a pair that differs in the method only, and one that differs in the data only."""
    known = {method.label: method for method in published.LATER_METHODS}
    for name, pair in zip(("method", "data"), parts(answer, "method", "data"), strict=True):
        good = isinstance(pair, tuple | list | set | frozenset) and len(pair) == 2
        require(good, f"{name} is a pair of two labels, not {type_in_words(pair)}.")
        for label in pair:
            require(label in known, f"{name}: {label!r} is no label of published.LATER_METHODS.")
        one, two = (known[label] for label in pair)
        differs = [
            part
            for part, a, b in (
                ("method", one.name, two.name),
                ("backbone", one.backbone, two.backbone),
                ("data", one.training, two.training),
            )
            if a != b
        ]
        require(differs, f"{name}: both labels are the same.")
        others = [part for part in differs if part != name]
        require(not others, f"{name}: this pair differs in the {' and the '.join(others)}.")
