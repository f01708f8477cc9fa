"""Checks of notebook 03: random walker, geodesic distances, stars, GrowCut."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tutorial_lib.classical import star_paths
from tutorial_lib.course.judging import (
    Called,
    array,
    clicks_from,
    keyed,
    on_examples,
    require,
    same,
)
from tutorial_lib.course.register import checks
from tutorial_lib.data.samples import load_sample
from tutorial_lib.metrics import iou
from tutorial_lib.registry import get_segmenter

FIVE = "478,374,+ 200,450,- 250,260,- 130,300,- 100,60,-"
CORNER = (slice(0, 160), slice(150, 384))


@checks("03.1")
def judge_halfway(answer: Any) -> None:
    """Require x along a row of pixels with one weak link."""

    def voltages(left: int, right: int, weak: float) -> np.ndarray:
        resistance = np.r_[np.ones(left), 1 / weak, np.ones(right)]
        return 1 - np.r_[0, np.cumsum(resistance)] / resistance.sum()

    slips = [
        (
            lambda a, b, w: voltages(a, b, w)[::-1],
            "x is 1 at the object click and falls to 0; yours rises.",
        ),
        (lambda a, b, w: voltages(a, b, 1.0), "The weak link has no effect yet."),
        (
            lambda a, b, w: voltages(a, b, 1 / w),
            "A link of weight w is a resistor of 1/w, not of w.",
        ),
        (lambda a, b, w: voltages(b, a, w), "left and right are exchanged."),
        (
            lambda a, b, w: voltages(a, b, w)[1:-1],
            "x has a value at the two clicked pixels, too: left + right + 2 in all.",
        ),
    ]
    examples = [(2, 2, 1.0), (4, 5, 0.01), (20, 100, 0.01)]
    cases = [(f"left = {a}, right = {b}, weak = {w:g}", (a, b, w)) for a, b, w in examples]
    on_examples(Called(answer, "row"), voltages, cases, atol=1e-3, slips=slips)


@cache
def _stepped(step: float) -> np.ndarray:
    photo = load_sample("grace_hopper").image
    method = get_segmenter("geodesic-matting", step=step)
    return method.segment(method.prepare(photo), clicks_from(FIVE)).mask


@checks("03.2")
def judge_what_step_does(answer: Any) -> None:
    """Require the IoU with the uniform for four steps."""
    steps, hopper = (0, 0.002, 0.01, 1), load_sample("grace_hopper")
    found = array(keyed(answer, steps), "The four IoUs together", (4,))
    require((found >= 0).all() and (found <= 1).all(), "An IoU is between 0 and 1.")
    right = [iou(_stepped(step), hopper.reading("uniform")) for step in steps]
    person = [iou(_stepped(step), hopper.reading("person")) for step in steps]
    slips = [(person, "These are IoUs with the person; compare with the uniform.")]
    same(found, right, "The list of IoUs", 0.02, slips)


@checks("03.3")
def judge_in_sight(answer: Any) -> None:
    """Require the share of a mask that its star centre sees."""

    def share(mask: np.ndarray, parents: np.ndarray) -> float:
        seen = mask
        while not star_paths.is_star(seen, parents):
            seen = seen & seen.ravel()[parents]
        return iou(seen, mask)

    cases, shape = [], (9, 12)
    for name, centre, hole in (("a bar", (4, 1), None), ("a bar with a gap", (4, 1), 6)):
        mask = np.zeros(shape, bool)
        mask[3:6, 1:11] = True
        if hole:
            mask[:, hole] = False
        cases.append((name, (mask, star_paths.ray_parents((centre,), shape))))
    bent = np.zeros(shape, bool)
    bent[1:8, 2:4] = bent[6:8, 2:11] = True
    cases.append(("an L", (bent, star_paths.ray_parents(((1, 2),), shape))))
    slips = [
        (
            lambda m, p: float(star_paths.is_star(m, p)),
            "The answer is a share, not whether all of the mask is in sight.",
        ),
        (
            lambda m, p: iou(m & m.ravel()[p], m),
            "One step is not enough: a pixel is in sight only if its parent is, up to the centre.",
        ),
        (lambda m, p: 1 - share(m, p), "This is the share that is hidden."),
    ]
    on_examples(Called(answer, "share_in_sight"), share, cases, atol=1e-3, slips=slips)


@cache
def _noise_free() -> dict[str, float]:
    coins = load_sample("coins")
    piece, coin = np.ascontiguousarray(coins.image[CORNER]), coins.mask[CORNER]
    rivals = {
        "random walker": ("random-walker", {"beta": 90}),
        "GrowCut": ("growcut", {"attack": "gaussian"}),
        "GrowCut, linear": ("growcut", {"attack": "linear"}),
    }
    found = {}
    for name, (method, options) in rivals.items():
        segmenter = get_segmenter(method, **options)
        answer = segmenter.segment(segmenter.prepare(piece), clicks_from("43,185,+ 90,124,-"))
        found[name] = iou(answer.mask, coin)
    return found


@checks("03.4")
def judge_noise(answer: Any) -> None:
    """Require four IoUs for each of three methods. Noise is random, so only the order counts."""
    right = _noise_free()
    rows = {
        name: array(row, name, (4,))
        for name, row in zip(right, keyed(answer, list(right)), strict=True)
    }
    for name, row in rows.items():
        require((row >= 0).all() and (row <= 1).all(), f"{name}: an IoU is between 0 and 1.")
        same(row[0], right[name], f"{name} without noise", 0.06)
        require(
            row[3] < 0.75,
            f"{name} does not suffer from the strongest noise; is the noise added to the "
            "photo that is segmented?",
        )
    lost = {name: row[0] - row[1:3].mean() for name, row in rows.items()}
    first = max(lost, key=lambda name: lost[name])
    require(
        first == "GrowCut, linear",
        f"{first} loses most, which points to noise of another strength; is 10 the "
        "standard deviation in grey values?",
    )


@cache
def _together(name: str) -> tuple[float, float, float]:
    photo, reading, text = {
        "coin": ("coins", "coin", "45,335,+ 90,200,-"),
        "cat": ("chelsea", "cat", "149,172,+ 194,399,-"),
    }[name]
    sample, clicks = load_sample(photo), clicks_from(text)
    walker, cut = get_segmenter("random-walker", beta=1000), get_segmenter("graph-cut", lam=0.01)
    walked = walker.segment(walker.prepare(sample.image), clicks)
    prepared = cut.prepare(sample.image)
    answers = (
        walked,
        cut.segment(prepared, clicks),
        cut.refine(prepared, walked.probability, clicks),
    )
    walk, alone, both = (iou(a.mask, sample.reading(reading)) for a in answers)
    return walk, alone, both


@checks("03.5")
def judge_two_methods(answer: Any) -> None:
    """Require three IoUs for the coin and for the cat."""
    for name, found in zip(("coin", "cat"), keyed(answer, ("coin", "cat")), strict=True):
        found = array(found, name, (3,))
        require((found >= 0).all() and (found <= 1).all(), f"{name}: an IoU is between 0 and 1.")
        right = _together(name)
        slips = [
            (
                (*right[:2], right[1]),
                f"{name}: the last cut used the colours; pass the random walker's x to refine.",
            )
        ]
        same(found, right, name, 0.1, slips)
