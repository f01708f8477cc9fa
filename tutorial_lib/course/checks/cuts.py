"""Checks of notebooks 00 to 02: first click, minimum cut, graph cut."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tutorial_lib.classical import graph_cut, image_network, min_cut, neighbours
from tutorial_lib.classical.colour_models import COLOUR_MODELS, object_posterior
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.course.judging import (
    Called,
    array,
    clicks_from,
    keyed,
    mask,
    near,
    on_examples,
    parts,
    require,
    same,
    type_in_words,
)
from tutorial_lib.course.register import checks
from tutorial_lib.data.samples import load_sample
from tutorial_lib.metrics import iou
from tutorial_lib.registry import get_segmenter
from tutorial_lib.session import Session

GREY = np.array([[50, 180, 200], [20, 120, 180], [140, 20, 30]])


@checks("00.1")
def judge_cup_and_saucer(answer: Any) -> None:
    """Require a session or widget that reached 0.95 on the coffee photo."""
    session = getattr(answer, "session", answer)
    require(
        isinstance(session, Session),
        f"The answer is a ClickCanvas or a Session, not {type_in_words(answer)}.",
    )
    sample = load_sample("coffee")
    fits = session.image.shape == sample.image.shape and (session.image == sample.image).all()
    require(fits, 'The widget shows another photo; open load_sample("coffee").image.')
    require(len(session.clicks), "There is no click yet.")
    session.refresh()
    best = max(iou(session.mask, truth) for name, truth in sample.masks.items() if "cup" in name)
    require(best >= 0.95, f"The IoU is {best:.2f} now, so click where the mask is wrong.")


# -- 01 --------------------------------------------------------------------------------------------


@checks("01.1")
def judge_the_link(answer: Any) -> None:
    """Require four energies as functions of B, the threshold and the flow."""
    energies, threshold, flow = parts(answer, "energies", "threshold", "flow")

    def right(B: float) -> list[float]:
        return [2 + 6, 2 + 3 + B, 7 + 6 + B, 7 + 3]

    slips = [
        (
            lambda B: [7 + 3, 7 + 6 + B, 2 + 3 + B, 2 + 6],
            "The unary costs are crossed: a pixel that is object pays its link to t.",
        ),
        (
            lambda B: [8, 13 + B, 5 + B, 10],
            "The second and the third energy are exchanged; keep the order of the four labellings.",
        ),
        (
            lambda B: [8 + B, 5, 13, 10 + B],
            "B is paid where the labels differ, not where they agree.",
        ),
        (lambda B: [8, 5, 13, 10], "The energies do not depend on B yet."),
    ]
    cases = [(f"B = {B}", (B,)) for B in (0, 2, 5)]
    on_examples(Called(energies, "energies"), right, cases, slips=slips)
    near(
        threshold,
        3,
        "threshold",
        slips=[
            (
                5,
                "At B = 5 the two energies are far apart; compare 5 + B with the cost of both "
                "pixels object.",
            )
        ],
    )
    near(
        flow,
        8,
        "flow",
        slips=[
            (105, "The flow is the cheapest of the four energies, not the second one."),
            (100, "The link between the pixels is not the only way to separate s from t."),
        ],
    )


@cache
def _nine() -> tuple[np.ndarray, np.ndarray, Any]:
    source, sink = image_network.unary_capacities(np.clip(GREY / 255, 0.05, 0.95))
    return source, sink, image_network.contrast_capacities(GREY, strength=4)


@checks("01.2")
def judge_only_differences(answer: Any) -> None:
    """Require the lowered capacities, the new cost and the number of steps."""
    source, sink, cost, steps = parts(answer, "source", "sink", "cost", "steps")
    old_source, old_sink, links = _nine()
    both = np.minimum(old_source, old_sink)
    right = old_source - both, old_sink - both
    network = image_network.grid_network(*right, links)
    for name, found, wanted, old, other in (
        ("source", source, right[0], old_source, right[1]),
        ("sink", sink, right[1], old_sink, right[0]),
    ):
        slips = [
            (old, f"{name} is still the capacity before the subtraction."),
            (other, "source and sink are exchanged."),
            (
                old - both.min(),
                f"{name}: subtract the minimum of each pixel, not one number from all.",
            ),
            (
                old - both.max(),
                f"{name}: subtract the minimum of each pixel, not one number from all.",
            ),
            (both, f"{name} is the amount to subtract, not what is left."),
        ]
        same(found, wanted, name, slips=slips)
    value = min_cut.minimum_cut(network).value
    near(
        cost,
        value,
        "cost",
        slips=[(value + both.sum(), "cost is the energy before the subtraction.")],
    )
    near(
        steps,
        len(list(min_cut.augmenting_steps(network))),
        "steps",
        slips=[(8, "steps is the number of steps before the subtraction.")],
    )


@checks("01.3")
def judge_a_click(answer: Any) -> None:
    """Require K, the object pixels after the click, and the cost."""
    K, found, cost = parts(answer, "K", "object", "cost")
    source, sink, (across, down) = _nine()
    around = np.zeros_like(GREY)
    for part, links in (
        (np.s_[:, :-1], across),
        (np.s_[:, 1:], across),
        (np.s_[:-1], down),
        (np.s_[1:], down),
    ):
        around[part] += links
    right = 1 + around.max()
    largest = max(across.max(), down.max())
    near(K, right, "K", slips=[
        (right - 1, "K is one more than the largest sum."),
        (1 + largest, "K uses the largest single link; add up all links of a pixel first."),
        (1 + around[2, 0], "K is the maximum over all pixels, not the sum at the clicked one."),
        (1 + around.sum(), "K adds up the links of all pixels; take the largest sum of one pixel."),
        (1 + across.sum() + down.sum(), "K adds up all links; take the largest sum of one pixel."),
    ])  # fmt: skip
    source, sink = source.copy(), sink.copy()
    source[2, 0], sink[2, 0] = right, 0
    cut = min_cut.minimum_cut(image_network.grid_network(source, sink, (across, down)))
    wanted = _as_mask(cut.source_side)
    found = mask(_as_mask(found), "object", (3, 3))
    require(found[2, 0], "The clicked pixel has to be object.")
    same(found, wanted, "object")
    near(
        cost,
        cut.value,
        "cost",
        slips=[
            (
                cut.value + 1,
                "cost is too large by one; does the clicked pixel still have its link to the sink?",
            )
        ],
    )


def _as_mask(pixels: Any) -> Any:
    """Turn a set or list of (row, col) pairs into a mask; leave anything else as it is."""
    if not isinstance(pixels, set | frozenset | list | tuple):
        return pixels
    places = [place for place in pixels if not isinstance(place, str)]
    if not all(isinstance(place, tuple) and len(place) == 2 for place in places):
        return pixels
    found = np.zeros((3, 3), dtype=bool)
    for row, col in places:
        if not (0 <= row < 3 and 0 <= col < 3):
            return pixels
        found[row, col] = True
    return found


@checks("01.4")
def judge_bad_paths(answer: Any) -> None:
    """Require the two numbers of steps."""
    shortest, crooked = parts(answer, "shortest", "crooked")
    near(
        shortest,
        2,
        "shortest",
        slips=[
            (2000, "Each shortest path pushes as much as its weakest link allows."),
            (1, "One path does not carry the whole flow."),
        ],
    )
    near(crooked, 2000, "crooked", slips=[
        (1000, "Each crooked path pushes only 1, so count how much flow there is to push."),
        (2, "A crooked path uses the link between a and b, whose capacity is 1."),
        (4000, "Both kinds of path are already counted; the flow is 2000."),
    ])  # fmt: skip


# -- 02 --------------------------------------------------------------------------------------------

SETTINGS = {"lam": 0.02, "exact": True}
FLOWER = "222,310,+ 100,100,- 405,380,- 100,335,+"
CAT = "149,172,+ 194,399,- 261,310,+ 236,413,- 248,340,+ 18,18,-"


@cache
def _ious(name: str, colour: str, notebook: bool) -> tuple[float, ...]:
    sample, text = load_sample(name), FLOWER if name == "flower" else CAT
    session = Session(
        sample.image, truth=sample.mask, colour=colour, **(SETTINGS if notebook else {})
    )
    found = []
    for click in clicks_from(text):
        session.click(click.row, click.col, click.positive)
        found.append(session.iou)
    return tuple(found)


@checks("02.1")
def judge_histogram_or_mixture(answer: Any) -> None:
    """Require the IoU after each click with the mixture model."""
    for name, found in zip(
        ("flower", "chelsea"), keyed(answer, ("flower", "chelsea")), strict=True
    ):
        count = len((FLOWER if name == "flower" else CAT).split())
        found = array(found, name, (count,))
        require((found <= 1).all() and (found >= 0).all(), f"{name}: an IoU is between 0 and 1.")
        rights = [_ious(name, "gmm", True)]
        if not np.allclose(found, rights[0], atol=0.025):
            rights.append(_ious(name, "gmm", False))
        if any(np.allclose(found, right, atol=0.025) for right in rights):
            continue
        other = np.allclose(found, _ious(name, "histogram", True), atol=0.025)
        require(not other, f'{name}: these are the IoUs of the histogram; set colour="gmm".')
        same(found, rights[0], name, atol=0.025)


@checks("02.2")
def judge_four_neighbours(answer: Any) -> None:
    """Require the heavier weights of four neighbours on the flower."""
    eight = neighbours_of_flower()
    require(
        isinstance(answer, list | tuple),
        f"The answer is the list of weights, not {type_in_words(answer)}.",
    )
    require(
        len(answer) == len(eight),
        f"There are {len(eight)} arrays of weights, one for each offset, not {len(answer)}.",
    )
    found = []
    for offset, given, old in zip(neighbours.OFFSETS, answer, eight, strict=True):
        weights = array(given, f"The weight of offset {offset}", old.shape)
        require((weights >= 0).all(), f"The weight of offset {offset} has the wrong sign.")
        diagonal = 0 not in offset
        require(
            not (diagonal and weights.any()),
            f"The offset {offset} is a diagonal, so its weights are zero.",
        )
        require(
            diagonal or weights.any(), f"The offset {offset} is no diagonal, so its weights stay."
        )
        found.append(weights)
    total, right = (sum(float(w.sum(dtype=float)) for w in some) for some in (found, eight))
    four = sum(
        float(w.sum(dtype=float)) for w, o in zip(eight, neighbours.OFFSETS, strict=True) if 0 in o
    )
    near(
        total / right,
        1,
        "The sum of all weights, divided by the sum before,",
        1e-3,
        [(four / right, "The remaining weights still have to be multiplied.")],
    )
    for offset, weights, old in zip(neighbours.OFFSETS, found, eight, strict=True):
        if 0 in offset:
            same(weights, old * (right / four), f"The weight of offset {offset}", atol=1e-5)


@cache
def neighbours_of_flower() -> list[np.ndarray]:
    """Return the weights of the eight neighbours on the flower photo."""
    return list(graph_cut.pairwise_weights(load_sample("flower").image))


@checks("02.3")
def judge_sigma_from_clicks(answer: Any) -> None:
    """Require sigma from pairs within the discs."""

    def sigma(rule: Any) -> Any:
        def of(image: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
            squares = []
            for offset, square in zip(
                neighbours.OFFSETS, neighbours.squared_differences(image), strict=True
            ):
                first, second = neighbours.pair_slices(*offset)
                squares.append(square[rule(positive, negative, first, second)])
            return float(np.sqrt(np.concatenate(squares).mean(dtype=float)))

        return of

    def within(p: np.ndarray, n: np.ndarray, a: Any, b: Any) -> np.ndarray:
        return (p[a] & p[b]) | (n[a] & n[b])

    slips = [
        (
            sigma(lambda p, n, a, b: np.ones_like(p[a])),
            "These are all pairs of the photo; keep those inside the discs.",
        ),
        (
            sigma(lambda p, n, a, b: (p | n)[a] & (p | n)[b]),
            "A pair with one pixel in each disc is not inside a disc.",
        ),
        (
            sigma(lambda p, n, a, b: (p | n)[a] | (p | n)[b]),
            "Both pixels of a pair have to lie in the disc.",
        ),
        (sigma(lambda p, n, a, b: p[a] & p[b]), "The discs of negative clicks count, too."),
        (lambda *x: sigma(within)(*x) ** 2, "The result is sigma squared; take the root."),
    ]
    rng, cases = np.random.default_rng(3), []
    for size in ((7, 9), (12, 8)):
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        positive, negative = np.zeros(size, bool), np.zeros(size, bool)
        positive[1:4, 1:5], negative[4:7, 2:6] = True, True
        cases.append(
            (f"a random photo of {size[0]} x {size[1]} pixels", (image, positive, negative))
        )
    on_examples(Called(answer, "disc_sigma"), sigma(within), cases, atol=0.02, slips=slips)


@checks("02.4")
def judge_first_guess(answer: Any) -> None:
    """Require a guess from one click and the colours of the frame."""
    call, (height, width) = Called(answer, "first_guess"), (60, 80)
    rng = np.random.default_rng(0)
    truth = np.zeros((height, width), bool)
    truth[20:60, 25:55] = True  # touches the lower border: the frame is no hard constraint
    image = np.where(truth[..., None], (210, 120, 40), (40, 60, 160)) + rng.normal(
        0, 6, (height, width, 3)
    )
    image = image.clip(0, 255).astype(np.uint8)
    example = "an orange box on blue that touches the lower border"
    found = mask(call(image, Click(40, 40), example=example), "first_guess", truth.shape)
    require(found[40, 40], f"first_guess leaves the clicked pixel out for {example}.")
    require(
        iou(~found, truth) < 0.9,
        f"first_guess returns the background instead of the object for {example}.",
    )
    require(
        found.mean() < 0.9,
        f"first_guess returns nearly the whole photo for {example}; does the background "
        "model see the frame?",
    )
    require(
        found[58, 40],
        f"first_guess fixes the frame as background for {example}; the frame is an "
        "opinion, not a fact.",
    )
    value = iou(found, truth)
    require(value > 0.9, f"first_guess reaches an IoU of only {value:.2f} for {example}.")


@checks("02.5")
def judge_opinions(answer: Any) -> None:
    """Require clicks on the flower for which hard constraints matter."""
    clicks = answer if isinstance(answer, Clicks) else None
    if clicks is None and isinstance(answer, list | tuple) and answer:
        clicks = Clicks([c if isinstance(c, Click) else Click(*c) for c in answer])
    require(
        clicks is not None and len(clicks),
        f"The answer is Clicks on the flower, not {type_in_words(answer)}.",
    )
    require(len(clicks) <= 20, "Twenty clicks are enough.")
    sample = load_sample("flower")
    clicks.check(sample.image.shape)
    require(
        len(clicks.positives) and len(clicks.negatives),
        "The colours need at least one click of each kind.",
    )
    method = get_segmenter("graph-cut", colour="gmm", **SETTINGS)
    prepared = method.prepare(sample.image)
    discs = clicks.discs(prepared.shape)
    q = object_posterior(COLOUR_MODELS["gmm"](), prepared.palette, sample.image, *discs)
    facts, free = method.segment(prepared, clicks).mask, method.refine(prepared, q, Clicks()).mask
    require(
        (facts != free).any(),
        "For these clicks the cut without hard constraints gives the same mask.",
    )
