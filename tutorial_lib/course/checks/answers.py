"""Checks of notebooks 08, 09 and 09b: one click, many answers; Latent Diversity."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from tutorial_lib.course.judging import (
    Called,
    array,
    keyed,
    near,
    on_examples,
    one_number,
    parts,
    plain,
    require,
    type_in_words,
)
from tutorial_lib.course.register import checks
from tutorial_lib.data.toy_world import toy_scene
from tutorial_lib.metrics import iou

MEANINGS = ("door", "front", "house")


@cache
def _table() -> np.ndarray:
    scene = toy_scene(2**31 + 4, (48, 64), "house")
    return np.array([[iou(scene.mask(a), scene.mask(b)) for b in MEANINGS] for a in MEANINGS])


@checks("08.1")
def judge_odds(answer: Any) -> None:
    """Require the threshold, and odds that make house and door the best answer."""
    p, house, door = parts(answer, "p", "house", "door")
    near(
        p,
        0.5,
        "p",
        0.01,
        [(1, "At p = 1 nobody means the ring; where does the thresholded mask change?")],
    )
    for name, given in (("house", house), ("door", door)):
        weights = array(given, f"The odds for the {name}", (3,)).astype(float)
        require(
            (weights >= 0).all() and weights.sum() > 0,
            f"The odds for the {name} are three shares, none below 0.",
        )
        means = _table() @ weights / weights.sum()
        best = MEANINGS[int(means.argmax())]
        require(
            best == name,
            f"With the odds {list(given)} the best answer is the {best}, not the {name}.",
        )


@checks("08.2")
def judge_the_dead(answer: Any) -> None:
    """Require the number of meanings found for each share."""
    shares = (0, 0.001, 0.01, 0.1, 1, 10)
    counts = [
        one_number(v, f"share {s:g}", 0, 3)
        for s, v in zip(shares, keyed(answer, shares), strict=True)
    ]
    require(all(c == int(c) for c in counts), "A number of meanings is a whole number from 0 to 3.")
    require(counts[0] < 3, "share 0 cannot find all three, because only one answer learns there.")
    require(
        counts[-1] < 3,
        "share 10 cannot find all three, because every answer follows the mean there.",
    )
    require(
        max(counts[2:4]) == 3, "A share of 0.01 or 0.1 finds all three; does settle use the share?"
    )


@checks("08.3")
def judge_how_many(answer: Any) -> None:
    """Require the worth of the best one, two and three answers."""
    table = _table()
    for M, found in zip((1, 2, 3), keyed(answer, (1, 2, 3)), strict=True):
        sets = {s: table[list(s)].max(axis=0).mean() for s in combinations(range(3), M)}
        slips = [
            (min(sets.values()), f"M = {M}: this is the worst set; take the best."),
            (
                float(np.mean(list(sets.values()))),
                f"M = {M}: this is the mean over all sets; take the best.",
            ),
            (
                max(table[list(s)].mean() for s in sets),
                f"M = {M}: with a perfect choice only the best of the answers counts for each "
                "meaning.",
            ),
        ]
        near(found, max(sets.values()), f"M = {M}", 0.006, slips)


@checks("08.4")
def judge_softer(answer: Any) -> None:
    """Require the soft minimum over the answers."""

    def soft(d: np.ndarray, T: float, share: bool = True) -> np.ndarray:
        low = d.min(axis=1, keepdims=True)
        mean = np.exp(-(d - low) / T).sum(axis=1) / (d.shape[1] if share else 1)
        return low[:, 0] - T * np.log(mean)

    slips = [
        (
            lambda d, T: soft(d, T, share=False),
            "The mean needs its 1/M: without it the result is below the minimum.",
        ),
        (lambda d, T: -soft(d, T), "The sign is wrong: a loss of 0 is the best."),
        (lambda d, T: -soft(-d, T), "This is a soft maximum; mind the two minus signs."),
        (lambda d, T: d.min(axis=1), "This is the hard minimum; T has no effect."),
        (lambda d, T: d.mean(axis=1), "This is the mean; T has no effect."),
        (lambda d, T: soft(d, T) / T, "The factor T before the logarithm is missing."),
    ]
    d = np.random.default_rng(0).uniform(0.2, 0.9, (3, 6)).astype(np.float32)
    cases = [(f"six random losses, T = {T:g}", (d, T)) for T in (0.1, 1.0, 10.0)]
    call = _of_tensors(Called(answer, "soft_minimum"))
    on_examples(call, soft, cases, atol=2e-4, slips=slips)
    found = plain(call(d, 0.001, example="T = 0.001"))
    finite = found is not None and np.isfinite(found).all()
    require(
        finite,
        "soft_minimum is not finite for T = 0.001: exp(-d / T) becomes 0; use torch.logsumexp.",
    )


class _of_tensors:
    """Call a function with tensors in the place of arrays, as the notebook does."""

    def __init__(self, call: Called) -> None:
        self._call, self.name = call, call.name

    def __call__(self, *arguments: Any, example: str) -> Any:
        import torch

        found = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in arguments]
        return self._call(*found, example=example)


@checks("08.5")
def judge_clicks_against_ambiguity(answer: Any) -> None:
    """Require the mean IoU of all pairs of candidates."""

    def right(candidates: np.ndarray) -> float:
        masks = candidates >= 0.5
        return float(np.mean([iou(a, b) for a, b in combinations(masks, 2)]))

    def with_itself(candidates: np.ndarray) -> float:
        masks = candidates >= 0.5
        return float(np.mean([[iou(a, b) for a in masks] for b in masks]))

    slips = [
        (with_itself, "A mask with itself is no pair: its IoU of 1 does not count."),
        (lambda c: 1 - right(c), "This is how much the candidates differ."),
        (
            lambda c: float(np.min([iou(a, b) for a, b in combinations(c >= 0.5, 2)])),
            "This is the smallest IoU of a pair; take the mean.",
        ),
    ]
    rng = np.random.default_rng(0)
    cases = [
        (f"{count} random candidates", (rng.random((count, 8, 9)).astype(np.float32),))
        for count in (3, 6)
    ]
    on_examples(Called(answer, "agreement"), right, cases, atol=1e-3, slips=slips)


# -- 09 --------------------------------------------------------------------------------------------


@checks("09.1")
def judge_how_many_candidates(answer: Any) -> None:
    """Require the mean best IoU of the best set of k candidates."""

    def best(rows: np.ndarray, k: int) -> float:
        sets = combinations(range(rows.shape[1]), k)
        return max(float(rows[:, list(s)].max(axis=1).mean()) for s in sets)

    def greedy(rows: np.ndarray, k: int) -> float:
        order = np.argsort(-rows.mean(axis=0))[:k]
        return float(rows[:, order].max(axis=1).mean())

    slips = [
        (
            lambda rows, k: float(rows[:, :k].max(axis=1).mean()),
            "These are the first k candidates; choose the best set of k.",
        ),
        (
            greedy,
            "The k candidates with the best means are not the best set: a set needs "
            "candidates that differ.",
        ),
        (
            lambda rows, k: float(np.sort(rows, axis=1)[:, -k:].mean()),
            "Only the best of the k counts, not their mean.",
        ),
        (lambda rows, k: float(rows.max(axis=1).mean()), "k has no effect."),
    ]
    rng = np.random.default_rng(5)
    rows = rng.random((7, 6)) * [0.2, 0.9, 0.9, 0.4, 1, 1]
    rows[:4, 5] = rows[:4, 4]
    cases = [(f"a random table of 7 readings, k = {k}", (rows, k)) for k in (2, 3, 1, 6)]
    on_examples(Called(answer, "best_set"), best, cases, atol=1e-4, slips=slips)


@checks("09.2")
def judge_worth_a_click(answer: Any) -> None:
    """Require four IoUs for each reading."""
    table = plain(answer)
    good = table is not None and table.ndim == 2 and table.shape[1] == 4
    require(
        good,
        "The answer is an array with a row for each reading and four columns: one "
        "click, two clicks, pick, pick and click.",
    )
    require(len(table) == 15, f"There are 15 readings, but the table has {len(table)} rows.")
    require(
        np.isfinite(table).all() and (table >= 0).all() and (table <= 1).all(),
        "An IoU is between 0 and 1.",
    )
    one, two, pick, both = table.T
    require(
        (pick >= one - 0.02).all(),
        "The best candidate is never worse than the shown one; is the pick the best, "
        "or are the columns exchanged?",
    )
    require(not np.allclose(pick, one), "The pick changes nothing; use first.prefer(best).")
    require(
        two.mean() > one.mean(),
        "A second click should help in the mean; does it correct the shown mask?",
    )
    require(
        not np.allclose(both, two),
        "A pick before the second click changes nothing; do the clicks contain the pick?",
    )


# -- 09b ------------------------------------------------------------------------------------------

CHANNELS = {"image": 3, "Sp": 1, "Sn": 1, "Tp": 1, "Tn": 1}


@cache
def _ingredients() -> dict[str, int]:
    import torch

    from tutorial_lib.deep import backbone

    with torch.device("meta"):
        levels = backbone("vgg19", pretrained=False).levels
    return CHANNELS | {level.name: level.channels for level in levels}


@checks("09b.1")
def judge_missing_two(answer: Any) -> None:
    """Require the six selections that make 1,477 channels."""
    good = isinstance(answer, Iterable) and not isinstance(answer, str)
    require(good, f"The answer is a list of selections, not {type_in_words(answer)}.")
    channels, total, found = _ingredients(), sum(_ingredients().values()), set()
    for entry in answer:
        names = (
            frozenset(n.strip() for n in entry.split(","))
            if isinstance(entry, str)
            else frozenset(entry)
        )
        strange = sorted(map(str, names - set(channels)))
        require(
            not strange, f"{strange[:1]} is no ingredient; the names are {', '.join(channels)}."
        )
        left_out = names if sum(channels[n] for n in names) <= 10 else frozenset(channels) - names
        amount = total - sum(channels[n] for n in left_out)
        require(
            amount == 1477,
            f"All but {', '.join(sorted(left_out)) or 'nothing'} makes {amount:,} channels.",
        )
        found.add(left_out)
    right = [
        s
        for k in range(4)
        for s in combinations(channels, k)
        if total - sum(channels[n] for n in s) == 1477
    ]
    require(
        len(found) == len(right), f"All {len(found)} selections make 1,477, but there are more."
    )


@checks("09b.2")
def judge_holes(answer: Any) -> None:
    """Require the number of pixels seen and the side of their square for three stacks."""
    stacks = ((1, 2, 4), (2, 4, 8), (1, 3, 9))
    for dilations, found in zip(stacks, keyed(answer, stacks), strict=True):
        pixels, side = array(found, f"The entry for {dilations}", (2,))
        offsets = {0}
        for d in dilations:
            offsets = {o + s * d for o in offsets for s in (-1, 0, 1)}
        span, seen = 1 + 2 * sum(dilations), len(offsets) ** 2
        near(
            side,
            span,
            f"The side for {dilations}",
            slips=[
                (
                    sum(dilations),
                    (f"The side for {dilations} counts one direction only, without the middle."),
                ),
                (1 + sum(dilations), f"The side for {dilations} counts one direction only."),
                (2 * sum(dilations), f"The side for {dilations} forgets the middle."),
                (span**2, f"The side for {dilations} is the area of the square."),
            ],
        )
        near(
            pixels,
            seen,
            f"The number of pixels for {dilations}",
            slips=[
                (
                    span**2,
                    f"For {dilations} the square has holes; count only pixels with a gradient.",
                ),
                (
                    len(offsets),
                    (
                        f"The number of pixels for {dilations} is that of one row; the square has "
                        "as many rows."
                    ),
                ),
                (
                    27**2,
                    (
                        f"For {dilations} several paths lead to the same pixel; count pixels, not "
                        "paths."
                    ),
                ),
            ],
        )


@checks("09b.3")
def judge_commutes(answer: Any) -> None:
    """Require which of four operations commute with the projection."""
    hints = {
        "a": "nearest cell repeats cells, and the projection works on each cell",
        "b": "a ReLU cuts off what an average would have used",
        "c": "the projection mixes channels, and each channel has its maximum elsewhere",
        "d": "an average is linear",
    }
    for (case, hint), found in zip(hints.items(), keyed(answer, list(hints)), strict=True):
        value = plain(found)
        good = value is not None and value.size == 1 and bool(np.isin(value, (0, 1)).all())
        require(good, f"({case}) is True or False.")
        require(bool(value) == (case in "ad"), f"({case}) is wrong: {hint}.")
