"""Checks of notebook 05: clicks as maps."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tutorial_lib import guidance
from tutorial_lib.classical import nearest_seed, star_paths
from tutorial_lib.clicks import Click, Clicks
from tutorial_lib.course.judging import (
    Called,
    keyed,
    near,
    one_number,
    plain,
    require,
    same,
)
from tutorial_lib.course.register import checks
from tutorial_lib.data.samples import load_sample
from tutorial_lib.data.toy_world import toy_scene
from tutorial_lib.metrics import iou
from tutorial_lib.users import training_clicks


@cache
def _thinned(every: int) -> tuple[float, float]:
    """Return the largest and the mean change of a thinned stroke's map."""
    shape = load_sample("coffee").mask.shape
    stroke = np.rint(np.linspace((60, 250), (240, 330), 181)).astype(int)
    whole = guidance.distance_map(stroke, shape)
    error = np.abs(guidance.distance_map(stroke[::every], shape) - whole)
    return float(error.max()), float(error.mean())


@checks("05.1")
def judge_a_stroke(answer: Any) -> None:
    """Require the largest change of the map for three spacings."""
    for every, found in zip((2, 10, 60), keyed(answer, (2, 10, 60)), strict=True):
        found = one_number(found, f"The change for every {every}th point", low=0)
        largest, mean = _thinned(every)
        name = f"The change for every {every}th point"
        # Strokes differ by the rounding of their pixels: a pixel, or a tenth of the spacing.
        near(
            found,
            largest,
            name,
            0.75 + every / 20,
            [(mean, f"{name} is the mean; take the maximum.")],
        )


@checks("05.2")
def judge_back_from_the_map(answer: Any) -> None:
    """Require the click from a piece of its map."""
    call = Called(answer, "find_click")
    for (row, col), (top, left), whole in (
        ((135, 288), (200, 400), False),
        ((60, 40), (150, 20), False),
        ((135, 288), (200, 400), True),
    ):
        u = guidance.distance_map(np.array([[row, col]]), (320, 480)).astype(float)
        piece = u[top : top + 40, left : left + 40]
        example = f"the piece at ({top}, {left})" + (" rounded to bytes" if whole else "")
        found = plain(call(np.rint(piece) if whole else piece, top, left, example=example))
        require(found is not None and found.size >= 2, "find_click returns a row and a column.")
        found = found.ravel()[:2]
        slips = [
            (
                (col, row),
                f"find_click returns (column, row) for {example}; the order is (row, column).",
            ),
            (
                (row - top, col - left),
                f"find_click counts from the corner of the piece for {example}; add top and left.",
            ),
            ((top + 20, left + 20), f"find_click returns the middle of the piece for {example}."),
        ]
        require(
            not (whole and np.abs(found - (row, col)).max() > 2),
            f"find_click is off by more than two pixels for {example}; use all pixels of "
            "the piece, not two of them.",
        )
        same(found, (row, col), "find_click", 2, slips, f" for {example}")


@checks("05.3")
def judge_map_that_sees(answer: Any) -> None:
    """Require geodesic maps to positive and negative clicks."""

    def right(image: np.ndarray, clicks: Clicks, gamma: float) -> np.ndarray:
        graph = star_paths.step_lengths(image, gamma)
        return np.stack(
            [nearest_seed(graph, s)[0] for s in clicks.discs(image.shape[:2], radius=0)]
        )

    def euclid(image: np.ndarray, clicks: Clicks, gamma: float) -> np.ndarray:
        return np.stack(guidance.distance_maps(clicks, image.shape[:2]))

    slips = [
        (
            lambda i, c, g: right(i, c, g)[::-1],
            "The two maps are exchanged; the positive clicks come first.",
        ),
        (euclid, "These distances do not see the photo; use the graph of step_lengths."),
        (lambda i, c, g: right(i, c, 0.0), "gamma has no effect; pass it to step_lengths."),
        (
            lambda i, c, g: np.stack(
                [nearest_seed(star_paths.step_lengths(i, g), s)[0] for s in c.discs(i.shape[:2])]
            ),
            "Measure from the clicked pixels, not from discs of radius 5.",
        ),
    ]
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    clicks = Clicks([Click(6, 6), Click(12, 25, False), Click(18, 10)])
    call = Called(answer, "geodesic_maps")
    for gamma in (0.7, 0.95):
        example = f"a random photo, gamma = {gamma}"
        found = call(image, clicks, gamma, example=example)
        pair = isinstance(found, tuple | list | np.ndarray) and len(found) == 2
        require(pair, "geodesic_maps returns two maps: to the positive and to the negative clicks.")
        wrong = [(slip(image, clicks, gamma), sentence) for slip, sentence in slips]
        same(
            np.stack([plain(m) for m in found]),
            right(image, clicks, gamma),
            "geodesic_maps",
            1e-3,
            wrong,
            f" for {example}",
        )


DISTANCES = (10, 40, 80, 160)


@cache
def _belts(name: str) -> tuple[float, ...]:
    if name == "door":
        truth = toy_scene(seed=7, size=(300, 400)).mask("door")
    else:
        truth = (
            load_sample("coffee").reading("cup") if name == "cup" else load_sample("flower").mask
        )
    means = []
    for d in DISTANCES:
        sampling, values = training_clicks.Sampling(distance=d), []
        for seed in range(3):
            user = training_clicks.sample_clicks(truth, (), seed, strategy=3, sampling=sampling)
            first, second = guidance.distance_maps(user, truth.shape)
            values.append(iou(first < second, truth))
        means.append(float(np.mean(values)))
    return tuple(means)


@checks("05.4")
def judge_how_wide(answer: Any) -> None:
    """Require the best d for three objects."""
    names = ("cup", "flower", "door")
    for name, found in zip(names, keyed(answer, names), strict=True):
        found = one_number(found, name)
        require(found in DISTANCES, f"{name}: d is one of 10, 40, 80 and 160.")
        means = _belts(name)
        reached = means[DISTANCES.index(int(found))]
        # Users are random, so a d that is nearly as good is accepted.
        require(
            reached > max(means) - 0.03,
            f"{name}: for d = {found:g} the lazy baseline is not best; measure all four "
            "values of d.",
        )
