"""Checks of exercises: right answers of several forms pass, usual wrong ones get a sentence."""

import re
from functools import partial
from itertools import combinations

import cv2
import numpy as np
import pytest
import torch

from tutorial_lib import Click, Clicks, Session, guidance, iou, load_sample
from tutorial_lib.classical import (
    OFFSETS,
    HistogramModel,
    is_star,
    nearest_seed,
    object_posterior,
    pair_slices,
    pairwise_weights,
    squared_differences,
    star_paths,
)
from tutorial_lib.course import exercises
from tutorial_lib.course.checking import check
from tutorial_lib.course.checks import answers, cuts, distances, measuring, papers
from tutorial_lib.course.register import judge_of
from tutorial_lib.registry import get_segmenter
from tutorial_lib.users import robots

WORDS = "The cut prefers few changes, so the contour moves to an edge."


def numbers(**names):
    return names


# -- right and wrong functions, as students write them ---------------------------------------------


def energies(B):
    return {"oo": 8, "ob": 5 + B, "bo": 13 + B, "bb": 10}.values()


def disc_sigma(image, positive, negative):
    total, count = 0.0, 0
    for offset, square in zip(OFFSETS, squared_differences(image), strict=True):
        first, second = pair_slices(*offset)
        for disc in (positive, negative):
            inside = disc[first] & disc[second]
            total, count = total + square[inside].sum(dtype=float), count + inside.sum()
    return (total / count) ** 0.5


def all_pairs(image, positive, negative):
    return np.sqrt(np.concatenate([s.ravel() for s in squared_differences(image)]).mean())


def guess(image, click, width=8, hard=False, background=True):
    method = get_segmenter("graph-cut", lam=0.02, exact=True)
    prepared = method.prepare(image)
    positive, nothing = Clicks([click]).discs(prepared.shape)
    frame = np.ones(prepared.shape, dtype=bool)
    frame[width:-width, width:-width] = False
    q = object_posterior(HistogramModel(), prepared.palette, image, positive, frame & ~positive)
    fixed = frame if hard else nothing
    mask = prepared.graph.cut(*method.terminal_costs(prepared, q, positive, fixed))
    return mask if background else ~mask


def row(left, right, weak):
    steps = np.concatenate([np.ones(left), [1 / weak], np.ones(right)])
    return [1 - steps[:i].sum() / steps.sum() for i in range(len(steps) + 1)]


def in_sight(mask, parents):
    seen = mask.copy()
    while True:
        smaller = seen & seen.ravel()[parents]
        if (smaller == seen).all():
            return seen.sum() / mask.sum()
        seen = smaller


def shaky(r, own=True, clip=True, twice=False):
    def robot(mask, truth, ignore=None, clicks=(), seed=0):
        middle = robots.center(mask, truth, ignore, clicks)
        if middle is None:
            return None
        row, col = np.add(
            (middle.row, middle.col), np.random.default_rng(seed).integers(-r, r + 1, 2)
        )
        if clip:
            row, col = np.clip((row, col), 0, np.subtract(truth.shape, 1))
        if not twice and any((c.row, c.col) == (row, col) for c in clicks):
            return middle
        return Click(int(row), int(col), bool(truth[row, col]) if own else middle.positive)

    return robot


def find_click(piece, top, left):
    m, n = np.indices(piece.shape) + np.array([top, left])[:, None, None]
    A = np.stack([-2 * m, -2 * n, np.ones_like(m)], axis=-1).reshape(-1, 3)
    return np.linalg.lstsq(A, (piece**2 - m**2 - n**2).ravel(), rcond=None)[0][:2]


def geodesic_maps(image, clicks, gamma):
    graph = star_paths.step_lengths(image, gamma)
    return [nearest_seed(graph, seeds)[0] for seeds in clicks.discs(image.shape[:2], radius=0)]


def near_outline(mask, reach, both=True):
    sides = (mask, ~mask) if both else (mask,)
    depth = sum(cv2.distanceTransform(np.uint8(side), cv2.DIST_L2, 5) for side in sides)
    return ((depth <= reach) & (depth > 0)).sum() / mask.sum()


def add_opinions(Q, colour, w, clip=0.01):
    odds = [np.clip(q, clip, 1 - clip) / (1 - np.clip(q, clip, 1 - clip)) for q in (Q, colour)]
    product = odds[0] * odds[1] ** w
    return product / (1 + product)


def without_clipping(Q, colour, w):
    with np.errstate(all="ignore"):
        return 1 / (1 + np.exp(-np.log(Q / (1 - Q)) - w * np.log(colour / (1 - colour))))


def mirror(clicks, width, last=1):
    return Clicks(Click(c.row, width - last - c.col, c.positive) for c in clicks)


def soft_minimum(d, T):
    return -T * (torch.logsumexp(-d / T, dim=1) - np.log(d.shape[1]))


def agreement(candidates):
    chosen = [candidate >= 0.5 for candidate in candidates]
    return np.mean([iou(a, b) for i, a in enumerate(chosen) for b in chosen[:i]])


def best_set(rows, k):
    return max(rows[:, s].max(1).mean() for s in map(list, combinations(range(rows.shape[1]), k)))


def saved(kept, forgotten, target, most, never=None):
    counts = []
    for run in (kept, forgotten):
        reached = [k for k, value in enumerate(run, 1) if value >= target]
        counts.append(reached[0] if reached else never or most)
    return counts[1] - counts[0]


def first_reached(kept, forgotten, target, most):
    return np.argmax(np.array(forgotten) >= target) - np.argmax(np.array(kept) >= target)


def three(candidates, scores, choose=min, at=0.5):
    masks, chosen = candidates >= at, [int(np.argmax(scores))]
    for _ in range(2):
        rest = set(range(len(masks))) - set(chosen)
        chosen.append(choose(rest, key=lambda m: max(iou(masks[m], masks[k]) for k in chosen)))
    return chosen


def best_three(candidates, scores):
    masks, top = candidates >= 0.5, int(np.argmax(scores))
    sets = [s for s in combinations(range(len(masks)), 3) if top in s]
    return min(sets, key=lambda s: max(iou(masks[a], masks[b]) for a, b in combinations(s, 2)))


def photos_needed(differences, wanted, z=1.96):
    return (z * np.std(differences) / wanted) ** 2


def heavier(factor=None, diagonal=False):
    eight = pairwise_weights(load_sample("flower").image)
    four = [w * (diagonal or 0 in o) for o, w in zip(OFFSETS, eight, strict=True)]
    whole = sum(w.sum() for w in eight) / sum(w.sum() for w in four)
    return [w * (whole if factor is None else factor) for w in four]


def clicked(*clicks, photo="coffee", reading="cup-and-saucer"):
    sample = load_sample(photo)
    session = Session(sample.image, truth=sample.masks.get(reading))
    for click in clicks:
        session.add(Click.parse(click))
    return session


BOTH = np.array([[0, 1, 0], [0, 1, 1], [1, 0, 0]])
SOURCE, SINK = (
    np.array([[0, 2, 3], [0, 1, 2], [2, 0, 0]]),
    np.array([[3, 1, 0], [5, 2, 1], [1, 5, 4]]),
)
LOW = np.minimum(SOURCE, SINK)
OBJECT = {(0, 1), (0, 2), (1, 1), (1, 2), (2, 0)}
MASK = np.array([[0, 1, 1], [0, 1, 1], [1, 0, 0]])
RISING = dict.fromkeys(("flower", "coffee", "chelsea", "china"), np.r_[0.2, 0.5, 0.9, 0.9, 0.9])
GRADIENTS = {
    "step 1": (True, False),
    "step 2": (True, True),
    "both zero": (False, False),
    "second zero": (False, True),
    "first zero": (True, False),
}
TWO_OUT = [set(pair) for pair in combinations(("Sp", "Sn", "Tp", "Tn"), 2)]
ROWS = np.random.default_rng(0).random((15, 4)) * 0.1 + [0.4, 0.6, 0.6, 0.75]
NOISE = {
    "random walker": [0.9, 0.9, 0.6, 0.5],
    "GrowCut": [0.9, 0.9, 0.6, 0.3],
    "GrowCut, linear": [0.9, 0.5, 0.3, 0.3],
}
RATIOS = [0.587, 1.506, 0.998, 2.33]
SIMPLE, SIMPLE_SBD = "SimpleClick (ViT-B, COCO+LVIS)", "SimpleClick (ViT-B, SBD)"
BAD_MEANS = [("euclidean-star", 85), ("geodesic-star", 90)]


def measured(name):
    """Return what only the package's own figures say, as the solutions compute it."""
    if name == "pairs":
        return [tuple(sorted(pair)) for pair in measuring._decided(False)]
    if name == "apart":
        return [tuple(sorted(pair)) for pair in measuring._decided(True)]
    if name == "never":
        runs = {
            n: [s.iou for s in m.samples.values()] for n, m in measuring.grabcut_results().items()
        }
        return {n: np.mean([max(run[:20]) < 0.9 for run in rs]) for n, rs in runs.items()}
    if name == "ranking":
        never, counts = measured("never"), {}
        for n, m in measuring.grabcut_results().items():
            reached = [(np.array(s.iou[:20]) >= 0.9).nonzero()[0] for s in m.samples.values()]
            counts[n] = np.mean([r[0] + 1 if len(r) else 40 for r in reached])
        assert set(never) == set(counts)
        return sorted(counts, key=counts.get)
    cases = {"Xu 90": (papers.XU, 90, "center"), "Li 85": (papers.LI, 85, "geodesic")}
    return {
        n: papers._compared(*case)
        for n, case in (cases | {"Li 90": (papers.LI, 90, "geodesic")}).items()
    }


RIGHT = [
    ("00.2", WORDS),
    ("00.3", WORDS),
    ("01.1", WORDS),
    ("01.1", {"energies": lambda B: [8, 5 + B, 13 + B, 10], "threshold": 3, "flow": 8}),
    ("01.1", (lambda B: np.array([8, 5 + B, 13 + B, 10.0]), 3.0, np.int64(8))),
    ("01.2", {"source": SOURCE - LOW, "sink": SINK - LOW, "cost": 4, "steps": 4}),
    ("01.2", ((SOURCE - LOW).tolist(), (SINK - LOW) * 1.0, 4, 4)),
    ("01.3", {"K": 9, "object": OBJECT, "cost": 8}),
    ("01.3", (9, MASK.astype(bool), 8)),
    ("01.3", (np.float64(9), sorted(OBJECT), 8)),
    ("01.4", {"shortest": 2, "crooked": 2000}),
    ("02.2", heavier),
    ("02.3", disc_sigma),
    ("02.4", guess),
    ("02.5", Clicks(map(Click.parse, cuts.FLOWER.split()))),
    ("03.1", row),
    ("03.3", in_sight),
    ("03.4", NOISE),
    ("04.1", shaky),
    ("04.2", partial(measured, "pairs")),
    ("04.3", lambda: {"never": measured("never"), "ranking": measured("ranking")}),
    ("04.4", lambda: sorted(measuring._out_of_reach(160))),
    ("05.1", {2: 1.0, 10: 5.39, 60: 32.7}),
    ("05.1", {"2": 1.2, "10": 5.1, "60": 32}),
    ("05.2", find_click),
    ("05.3", geodesic_maps),
    ("05.4", {"cup": 160, "flower": 160, "door": 40}),
    ("06.1", [0, 0, 1, 1, 1, 1, 0, 0]),
    ("06.2", near_outline),
    ("06.3", GRADIENTS),
    ("06.4", {32: np.full(12, 0.4), 8: np.linspace(0.4, 0.6, 12)}),
    ("07.1", {"curves": RISING, "share": 1.0}),
    ("07.2", add_opinions),
    ("07.3", {256: (0.66, 0.9), 384: (0.64, 0.9), 512: (0.6, 0.86), 640: (0.6, 0.85)}),
    ("07.4", mirror),
    ("07.4", lambda clicks, width: [Click(c.row, width - 1 - c.col, c.positive) for c in clicks]),
    ("08.1", {"p": 0.5, "house": (1, 1, 2), "door": (2, 1, 1)}),
    ("08.1", {"p": 0.5, "house": [0, 0, 1], "door": np.array([0.9, 0.05, 0.05])}),
    ("08.2", {0: 1, 0.001: 3, 0.01: 3, 0.1: 3, 1: 2, 10: 1}),
    (
        "08.3",
        lambda: {
            M: max(answers._table()[list(s)].max(0).mean() for s in combinations(range(3), M))
            for M in (1, 2, 3)
        },
    ),
    ("08.4", soft_minimum),
    ("08.5", agreement),
    ("09b.1", TWO_OUT),
    ("09b.1", [", ".join(sorted(pair)) for pair in TWO_OUT]),
    ("09b.2", {(1, 2, 4): (225, 15), (2, 4, 8): (225, 29), (1, 3, 9): (729, 27)}),
    ("09b.3", {"a": True, "b": False, "c": False, "d": True}),
    ("09b.3", {"a": 1, "b": 0, "c": 0, "d": 1}),
    ("09.1", best_set),
    ("09.2", ROWS),
    ("10.1", photos_needed),
    ("10.1", partial(photos_needed, z=2.8)),
    ("10.2", {"ratios": RATIOS, "rows": BAD_MEANS}),
    ("10.2", (RATIOS, set(BAD_MEANS))),
    ("10.3", partial(measured, "rankings")),
    ("10.4", {1: (0.53, 0.66), 2: (0.64, 0.65)}),
    ("11.1", {"fixed order": 0.97, "random order": 0.46}),
    ("12.1", saved),
    ("12.2", three),
    ("12.2", best_three),
    ("12.3", {"method": [SIMPLE, "MFP (ViT-B, COCO+LVIS)"], "data": {SIMPLE, SIMPLE_SBD}}),
    ("12.3", ((SIMPLE, "SegNext (ViT-B, COCO+LVIS)"), (SIMPLE_SBD, SIMPLE))),
]

GIVEN = {heavier, measured}  # called here: what they return is the answer


def prepared(answer):
    """Compute an answer that is written as a function without arguments."""
    inner = getattr(answer, "func", answer)
    no_arguments = (
        callable(answer)
        and getattr(inner, "__code__", None)
        and (inner in GIVEN or (inner.__code__.co_argcount == 0))
    )
    return answer() if no_arguments else answer


@pytest.mark.parametrize(
    ("exercise", "answer"), RIGHT, ids=[f"{e}-{i}" for i, (e, _) in enumerate(RIGHT)]
)
def test_right_answers_pass(exercise, answer, capsys):
    assert check(exercise, prepared(answer)) is True, capsys.readouterr().out
    assert capsys.readouterr().out.startswith(f"{exercise}: ")


WRONG = [
    ("00.1", 3, "widget|ClickCanvas"),
    ("00.1", lambda: clicked(photo="flower", reading="flower"), "another photo"),
    ("00.1", lambda: clicked("135,288,+", "20,20,-"), "IoU is 0"),
    ("00.2", "better", "words"),
    ("00.3", 5, "words"),
    ("01.1", {"energies": lambda B: [10, 13 + B, 5 + B, 8], "threshold": 3, "flow": 8}, "crossed"),
    ("01.1", {"energies": lambda B: [8 + B, 5, 13, 10 + B], "threshold": 3, "flow": 8}, "differ"),
    ("01.1", {"energies": lambda B: [8, 5 + B, 13 + B], "threshold": 3, "flow": 8}, "shape"),
    ("01.1", {"energies": energies, "threshold": 3, "flow": 8}, "array"),
    (
        "01.1",
        {"energies": lambda B: [8, 5 + B, 13 + B, 10], "threshold": 3, "flow": 105},
        "cheapest",
    ),
    (
        "01.1",
        {"energies": lambda B: [8, 5 + B, 13 + B, 10], "threshold": 2, "flow": 8},
        "too small",
    ),
    ("01.1", {"energies": lambda B: [8, 5 + b, 13, 10], "threshold": 3, "flow": 8}, "NameError"),  # noqa: F821
    (
        "01.2",
        {"source": SOURCE, "sink": SINK - LOW, "cost": 4, "steps": 4},
        "before the subtraction",
    ),
    ("01.2", {"source": SINK - LOW, "sink": SOURCE - LOW, "cost": 4, "steps": 4}, "exchanged"),
    ("01.2", {"source": LOW - SOURCE, "sink": SINK - LOW, "cost": 4, "steps": 4}, "wrong sign"),
    (
        "01.2",
        {"source": (SOURCE - LOW)[:2], "sink": SINK - LOW, "cost": 4, "steps": 4},
        r"shape \(3, 3\)",
    ),
    ("01.2", {"source": SOURCE - LOW, "sink": SINK - LOW, "cost": 8, "steps": 4}, "before"),
    ("01.2", {"source": SOURCE - LOW, "sink": SINK - LOW, "cost": 4}, "'steps'"),
    ("01.3", {"K": 8, "object": OBJECT, "cost": 8}, "one more"),
    ("01.3", {"K": 5, "object": OBJECT, "cost": 8}, "single link"),
    ("01.3", {"K": 9, "object": OBJECT - {(2, 0)}, "cost": 8}, "clicked pixel"),
    ("01.3", {"K": 9, "object": MASK * 0.7, "cost": 8}, "threshold"),
    ("01.3", {"K": 9, "object": OBJECT, "cost": 9}, "sink"),
    ("01.3", {"K": "9", "object": OBJECT, "cost": 8}, "a text"),
    ("01.4", {"shortest": 2000, "crooked": 2000}, "weakest"),
    ("01.4", {"shortest": 2, "crooked": ...}, "open"),
    ("01.4", ..., "open"),
    ("01.4", 7, "dict"),
    ("02.2", partial(heavier, 1.0), "multiplied"),
    ("02.2", partial(heavier, None, True), "diagonal"),
    ("02.2", partial(heavier, -1.0), "sign"),
    ("02.2", lambda: heavier()[:3], "4 arrays"),
    ("02.3", all_pairs, "all pairs"),
    ("02.3", lambda i, p, n: disc_sigma(i, p, n) ** 2, "root"),
    ("02.3", lambda i, p, n: disc_sigma(i, p, p), "negative"),
    ("02.3", lambda i, p, n: None, "return"),
    ("02.4", partial(guess, hard=True), "fact"),
    ("02.4", partial(guess, background=False), "clicked pixel"),
    ("02.4", lambda image, click: np.ones(image.shape[:2], bool), "whole photo"),
    ("02.4", lambda image, click: np.full(image.shape[:2], 0.3), "threshold"),
    ("02.5", Clicks([Click(222, 310), Click(100, 100, False)]), "same mask"),
    ("02.5", Clicks(), "Clicks on the flower"),
    ("02.5", Clicks([Click(222, 310)]), "each kind"),
    ("02.5", [(1000, 3, True), (3, 3, False)], "outside|1000"),
    ("03.1", lambda a, b, w: row(a, b, w)[::-1], "falls"),
    ("03.1", lambda a, b, w: row(a, b, 1.0), "weak link"),
    ("03.1", lambda a, b, w: row(a, b, 1 / w), "resistor"),
    ("03.1", lambda a, b, w: row(a, b, w)[1:], "shape"),
    ("03.3", lambda m, p: is_star(m, p), "share"),
    ("03.3", lambda m, p: iou(m & m.ravel()[p], m), "One step"),
    ("03.4", NOISE | {"GrowCut": [0.9, 0.2, 0.2, 0.1]}, "standard deviation"),
    ("03.4", NOISE | {"GrowCut": [0.9, 0.9, 0.9, 0.9]}, "added"),
    ("03.4", {"GrowCut": [1, 1, 1, 1]}, "no entry"),
    ("04.1", partial(shaky, own=False), "really hits"),
    ("04.1", partial(shaky, clip=False), "outside|at least 0"),
    ("04.1", lambda r: robots.center, "whatever"),
    ("04.1", lambda r: shaky(2 * r), "beside"),
    ("04.1", partial(shaky, twice=True), "twice"),
    ("04.2", lambda: measured("pairs")[1:], "missing"),
    ("04.2", lambda: measured("pairs") + measured("apart")[:1], "do not overlap"),
    ("04.2", ["graph-cut"], "pair"),
    ("04.2", [("graph-cut", "nonsense")], "no method"),
    ("04.2", [("graph-cut", "grabcut")], "holds 0"),
    (
        "04.3",
        lambda: {
            "never": {n: 100 * v for n, v in measured("never").items()},
            "ranking": measured("ranking"),
        },
        "per cent",
    ),
    ("04.3", lambda: {"never": measured("never"), "ranking": measured("ranking")[::-1]}, "fewest"),
    ("04.3", {"never": 3, "ranking": []}, "dict"),
    ("04.4", lambda: sorted(measuring._out_of_reach(None)), "full size"),
    ("04.4", ["spoon"], "no object"),
    ("04.4", lambda: sorted(measuring._out_of_reach(160))[1:], "missing"),
    ("04.4", ["coffee: cup"], "within reach"),
    ("05.1", {2: 1.0, 10: 3.0, 60: 32.7}, "too small"),
    ("05.1", {2: -1.0, 10: 5.4, 60: 32.7}, "below"),
    ("05.1", {10: 5.4, 60: 32.7}, "no entry for 2"),
    ("05.2", lambda p, t, c: find_click(p, t, c)[::-1], "order"),
    ("05.2", lambda p, t, c: find_click(p, 0, 0), "add top"),
    ("05.2", lambda p, t, c: 7, "row and a column"),
    ("05.3", lambda i, c, g: geodesic_maps(i, c, g)[::-1], "exchanged"),
    ("05.3", lambda i, c, g: geodesic_maps(i, c, 0), "gamma"),
    ("05.3", lambda i, c, g: guidance.distance_maps(c, i.shape[:2]), "photo"),
    ("05.3", lambda i, c, g: geodesic_maps(i, c, g)[0], "two maps"),
    ("05.4", {"cup": 40, "flower": 160, "door": 40}, "not best"),
    ("05.4", {"cup": 50, "flower": 160, "door": 40}, "one of"),
    ("06.1", np.ones(8), "two cells"),
    ("06.1", 1 - np.abs(np.arange(8) - 3.5) / 4, "triangle"),
    ("06.1", [1, 1, 1, 1, 0, 0, 0, 0], "early"),
    ("06.1", [1, 1], "shape"),
    ("06.1", [0, 0, 1, 1, 1, 0, 0, 0], r"\+ 4"),
    ("06.2", partial(near_outline, both=False), "outside"),
    ("06.2", lambda m, r: near_outline(m, r) * m.sum(), "divide"),
    ("06.3", GRADIENTS | {"step 1": (False, True)}, "exchanged"),
    ("06.3", GRADIENTS | {"both zero": (True, True)}, "weights behind"),
    ("06.4", {32: np.full(12, 0.6), 8: np.full(12, 0.5)}, "not ahead"),
    ("06.4", {32: [0.1], 8: [0.2]}, "too few"),
    ("06.4", {32: 0.5, 8: 0.6}, "list"),
    ("07.1", {"curves": {n: c[::-1] for n, c in RISING.items()}, "share": 1.0}, "smallest"),
    ("07.1", {"curves": RISING, "share": 0.0003}, "nothing"),
    ("07.1", {"curves": RISING, "share": 0.5}, "without any contour"),
    ("07.2", lambda Q, c, w: Q * c**w, "log-odds"),
    ("07.2", lambda Q, c, w: add_opinions(Q, c, 1), "no effect"),
    ("07.2", lambda Q, c, w: add_opinions(c, Q, w), "exchanged"),
    ("07.2", without_clipping, "clip"),
    ("07.3", {256: (0.6, 0.9), 384: (0.6, 0.9), 512: (0.6, 0.9), 640: (0.6, 0.9)}, "same IoU"),
    ("07.3", {256: 0.6, 384: 0.6, 512: 0.6, 640: 0.6}, "shape"),
    ("07.4", partial(mirror, last=0), "one too many|negative|-1"),
    ("07.4", lambda c, w: c, "Column"),
    ("07.4", lambda c, w: Clicks(Click(k.col, k.row, k.positive) for k in c), "row stays"),
    ("08.1", {"p": 1, "house": (1, 1, 2), "door": (2, 1, 1)}, "ring"),
    ("08.1", {"p": 0.5, "house": (1, 1, 1), "door": (2, 1, 1)}, "front"),
    ("08.1", {"p": 0.5, "house": (1, 2), "door": (2, 1, 1)}, "shape"),
    ("08.2", {0: 3, 0.001: 3, 0.01: 3, 0.1: 3, 1: 2, 10: 1}, "only one answer"),
    ("08.2", {0: 1, 0.001: 1, 0.01: 1, 0.1: 1, 1: 1, 10: 1}, "use the share"),
    ("08.3", lambda: {1: 0.4, 2: 0.4, 3: 0.99}, "M = 1"),
    ("08.4", lambda d, T: -T * torch.logsumexp(-d / T, 1), "1/M"),
    ("08.4", lambda d, T: d.min(1).values, "hard minimum"),
    ("08.4", lambda d, T: -T * torch.log(torch.exp(-d / T).mean(1)), "logsumexp"),
    ("08.5", lambda c: np.mean([[iou(a, b) for a in c >= 0.5] for b in c >= 0.5]), "itself"),
    ("08.5", lambda c: 1 - agreement(c), "differ"),
    ("09b.1", TWO_OUT[:5], "more"),
    ("09b.1", [{"image"}], "1,476"),
    ("09b.1", [{"Sq"}], "no ingredient"),
    ("09b.1", 6, "list"),
    ("09b.2", {(1, 2, 4): (225, 15), (2, 4, 8): (841, 29), (1, 3, 9): (729, 27)}, "holes"),
    ("09b.2", {(1, 2, 4): (225, 14), (2, 4, 8): (225, 29), (1, 3, 9): (729, 27)}, "middle"),
    ("09b.3", {"a": True, "b": True, "c": False, "d": True}, "ReLU"),
    ("09b.3", {"a": "yes", "b": 0, "c": 0, "d": 1}, "True or False"),
    ("09.1", lambda rows, k: rows[:, :k].max(1).mean(), "first k"),
    ("09.1", lambda rows, k: rows.max(1).mean(), "no effect"),
    ("09.1", lambda rows, k: rows[:, np.argsort(-rows.mean(0))[:k]].max(1).mean(), "differ"),
    ("09.2", ROWS[:, [2, 0, 1, 3]], "exchanged|second click"),
    ("09.2", ROWS[:5], "15 readings"),
    ("09.2", ROWS[:, :2], "four columns"),
    ("10.1", lambda d, w: 1.96 * d.std() / w, "square"),
    ("10.1", lambda d, w: (d.std() / w) ** 2, "twice"),
    ("10.2", {"ratios": [r + 1 for r in RATIOS], "rows": BAD_MEANS}, "take off 1"),
    ("10.2", {"ratios": RATIOS, "rows": BAD_MEANS[:1]}, "missing"),
    ("10.2", {"ratios": RATIOS, "rows": [("dos", 85)]}, "within rounding"),
    ("10.2", {"ratios": [58.7, 150.6, 99.8, 2.33], "rows": BAD_MEANS}, "per cent"),
    ("10.3", lambda: {n: (b, a, c) for n, (a, b, c) in measured("rankings").items()}, "exchanged"),
    ("10.3", lambda: {n: (a, b) for n, (a, b, c) in measured("rankings").items()}, "shape"),
    ("10.4", {1: (0.66, 0.53), 2: (0.64, 0.65)}, "exchanged"),
    ("10.4", {1: (0.5, 0.6), 2: (0.5, 0.6)}, "seed passed"),
    ("11.1", {"fixed order": 0.03, "random order": 0.46}, "A's share"),
    ("11.1", {"fixed order": 97, "random order": 46}, "per cent"),
    ("11.1", {"fixed order": 0.97, "random order": 0.9}, "random order"),
    ("12.1", lambda k, f, t, m: -saved(k, f, t, m), "sign"),
    ("12.1", lambda k, f, t, m: saved(k, f, t, m, len(f)), "counts as most"),
    ("12.1", first_reached, "argmax"),
    ("12.2", lambda c, s: np.argsort(s)[::-1][:3], "highest scores"),
    ("12.2", partial(three, choose=max), "most alike"),
    ("12.2", partial(three, at=1e-9), "at 0.5"),
    ("12.2", lambda c, s: [0, 0, 1], "twice"),
    ("12.2", lambda c, s: c[:3], "whole numbers"),
    ("12.2", lambda c, s: sorted(set(range(6)) - {int(np.argmax(s))})[:3], "missing"),
    ("12.3", {"method": (SIMPLE, SIMPLE_SBD), "data": (SIMPLE, SIMPLE_SBD)}, "in the data"),
    ("12.3", {"method": (SIMPLE, SIMPLE), "data": (SIMPLE, SIMPLE_SBD)}, "same"),
    ("12.3", {"method": ("SAM", SIMPLE), "data": (SIMPLE, SIMPLE_SBD)}, "no label"),
    ("12.3", {"method": SIMPLE, "data": (SIMPLE, SIMPLE_SBD)}, "a text"),
]


@pytest.mark.parametrize(
    ("exercise", "answer", "said"), WRONG, ids=[f"{e}-{i}" for i, (e, _, _) in enumerate(WRONG)]
)
def test_usual_wrong_answers_get_a_helpful_sentence(exercise, answer, said, capsys):
    assert check(exercise, prepared(answer)) is False
    sentence = capsys.readouterr().out.removeprefix(f"{exercise}: ").rstrip("\n")
    assert re.search(said, sentence), sentence
    assert re.fullmatch(r"[^\n]+[.?]", sentence) and not re.search(r"[.?!] [A-Z]", sentence)


def test_sessions_that_reach_the_iou_pass():
    sample = load_sample("coffee")
    session = Session(sample.image, truth=sample.masks["cup-and-saucer"])
    empty = np.zeros_like(sample.mask)
    session.click(20, 20, positive=False)
    while (click := robots.center(empty, sample.mask, None, session.clicks)) and len(
        session.clicks
    ) < 20:
        session.click(click.row, click.col, click.positive)
        empty = session.mask
        if session.iou >= 0.95:
            break
    assert check("00.1", session)


def test_figures_of_methods_are_compared_with_the_methods(monkeypatch):
    # The photos take seconds, and the solutions notebooks run them: here their figures are given.
    monkeypatch.setattr(
        cuts,
        "_ious",
        lambda name, colour, notebook: (
            (0.1, *((0.9,) * (3 if name == "flower" else 5)))
            if colour == "gmm"
            else (0.1, *((0.7,) * (3 if name == "flower" else 5)))
        ),
    )
    right = {"flower": [0.1, 0.9, 0.9, 0.9], "chelsea": [0.1, 0.9, 0.9, 0.9, 0.9, 0.9]}
    assert check("02.1", right)
    assert not check("02.1", {name: [0.1, *[0.7] * (len(row) - 1)] for name, row in right.items()})
    assert not check("02.1", right | {"flower": [0.1, 0.9, 0.9]})
    masks = {step: load_sample("grace_hopper").reading("uniform") for step in (0, 0.002, 0.01, 1)}
    monkeypatch.setattr(distances, "_stepped", masks.__getitem__)
    assert check("03.2", dict.fromkeys(masks, 1.0))
    person = load_sample("grace_hopper").reading("person")
    assert not check("03.2", dict.fromkeys(masks, iou(person, masks[0]) - 0.3))
    assert not check("03.2", dict.fromkeys(masks, 90))
    monkeypatch.setattr(distances, "_together", lambda name: (0.9, 0.3, 0.97))
    assert check("03.5", {"coin": (0.9, 0.3, 1.0), "cat": [0.9, 0.3, 0.97]})
    assert not check("03.5", {"coin": (0.9, 0.3, 0.3), "cat": (0.9, 0.3, 0.97)})


def test_every_exercise_has_a_check_or_a_rubric():
    named = {name for name, *_ in RIGHT} | {"00.1", "02.1", "03.2", "03.5"}
    assert (
        named == set(exercises())
        and {name for name, *_ in WRONG} | {"02.1", "03.2", "03.5"} == named
    )
    for name, exercise in exercises().items():
        assert judge_of(name) or exercise.rubric, name
        assert exercise.form and exercise.hint


def test_a_name_that_is_no_exercise_is_said_with_those_that_are(capsys):
    assert check("1.9", 3) is False
    assert "01.1 to 01.4" in capsys.readouterr().out
    assert check("nonsense", 3) is False
